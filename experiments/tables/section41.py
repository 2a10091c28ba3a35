"""Section 4.1's results that stand in no table: three AdamW for BERT, and another fine-tuning.

    python -m largebatch.experiments.run --experiment=section41/lamb-16384-finetuned \\
        --data_dir=SHARDS --squad_dir=SQUAD

"We tried three different strategies for tuning AdamW": with default settings, with LAMB's, and
tuned, which is Table 8. No number is printed for the first two, nor for 64K/32K: "even after
extensive tuning of the hyperparameters, we fail to get any reasonable result".
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes.bert import (
    ADAM_SETTINGS,
    ADAMW_SETTINGS,
    BERT_LARGE,
    DEVLIN,
)
from largebatch.experiments.recipes.bert_scales import laptop, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.source import assumed, paper, rule
from largebatch.experiments.rows.table import same_runs, table
from largebatch.experiments.tables import table1, table8

__all__ = ["LAYOUT", "ROWS", "laptop", "smoke"]

LAYOUT = Layout(
    title="BERT-Large: AdamW with LAMB's settings, and another fine-tuning",
    measures="F1 score on dev set",
    seeds=1,
    corner="Solver",
    down=True,
    heading="Section 4.1, in the text",
)

ADAMW_16K = table8.ADAMW_16K
ADAMW_MIXED = dataclasses.replace(
    BERT_LARGE,
    **ADAMW_SETTINGS,
    batch_size=65536,
    stage2_batch_size=32768,
    total_steps=8599,
    stage2_steps=1562,
    rewarmup=True,
    paper_status="no reasonable result",
    sources={
        **BERT_LARGE.sources,
        **table1.MIXED,
        **paper("section 4.1, 'Comparison with AdamW and LARS'", "optimizer total_steps"),
    },
)
LAMB_16K = dataclasses.replace(
    table1.BERT_LARGE_LAMB,
    batch_size=16384,
    total_steps=31_250,
    stage2_steps=3_125,
    learning_rate=5 / (2**0.5 * 1e3),
    warmup_ratio=1 / 10,
)
_GRID = {
    "learning_rate": (1e-4, 2e-4, 3e-4)
}  # as Table 8's; that of the mixed batch is not printed

_DEFAULT = assumed(
    f"'default hyperparameters (see Devlin et al.)': {DEVLIN}; the warm-up's share of the run",
    f"learning_rate warmup_ratio {ADAM_SETTINGS}",
)
_LIKE_LAMB = {
    **paper("section 4.1: 'the same hyperparameters as LAMB'; appendix H", ADAM_SETTINGS),
    **rule("section 4.1: LAMB's at this batch, of Table 4", "learning_rate warmup_ratio"),
}
_TUNED = {
    **assumed(
        "tuned, and neither grid nor values are printed: Table 8's rates, for both stages",
        "learning_rate stage2_learning_rate",
    ),
    **assumed("not printed: Table 8's longest", "warmup_ratio stage2_warmup_ratio"),
    **assumed(f"not printed: the values of {DEVLIN}", ADAM_SETTINGS),
}
_FINE_TUNED = assumed(
    "section 4.1: 'by just slightly changing the learning rate in the fine-tune stage'; the rate "
    "is not printed. Devlin et al. 2018, appendix A.3: 5e-5, 3e-5 or 2e-5",
    "squad_learning_rate",
)

# fmt: off
ROWS = {
    **table(
        "section41", ADAMW_16K, "adamw-{batch_size}-default",
        "learning_rate         warmup_ratio  label                          sources",
        (1e-4,                 0.01,         "AdamW 16K, default settings", _DEFAULT),
    ),
    **table(
        "section41", ADAMW_16K, "adamw-{batch_size}-lamb",
        "learning_rate         warmup_ratio  label                          sources",
        (5 / (2**0.5 * 1e3),   1 / 10,       "AdamW 16K, LAMB's settings",  _LIKE_LAMB),
    ),
    **table(
        "section41", ADAMW_MIXED, "adamw-{batch_size}-{stage2_batch_size}",
        "learning_rate  grid   warmup_ratio  stage2_warmup_ratio  label            sources",
        (1e-4,          _GRID, 1 / 5,        1 / 5,               "AdamW 64K/32K", _TUNED),
    ),
    **same_runs(
        "section41", table1.ROWS,
        "name          same_run_as          label       paper_f1",
        ("lamb-16384", "table1/lamb-16384", "LAMB 16K", 91.345),
    ),
    **table(
        "section41", LAMB_16K, "{optimizer}-{batch_size}-finetuned",
        "squad_learning_rate  grid                                   label  paper_f1  sources",
        (5e-5,                {"squad_learning_rate": (2e-5, 5e-5)},
         "LAMB 16K, another fine-tuning rate", 91.688, _FINE_TUNED),
    ),
}
# fmt: on
