"""Table 2: LARS beside LAMB for BERT, batch 512 to 32K (section 4.1).

    python -m largebatch.experiments.sweep --rows='table2/lars-*' --data_dir=SHARDS \\
        --squad_dir=SQUAD

The paper tuned LARS by a grid search and prints neither the grid nor what was chosen: both are
assumed here. LAMB's runs are Table 1's.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes.bert import BERT_LARGE
from largebatch.experiments.recipes.bert_scales import laptop, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.source import assumed, paper, rule, sources
from largebatch.experiments.rows.table import same_runs, table
from largebatch.experiments.tables import table1

__all__ = ["LAYOUT", "ROWS", "laptop", "smoke"]

LAYOUT = Layout(
    title="LARS and LAMB for BERT-Large",
    measures="F1 score",
    seeds=1,
    corner="Batch size",
    down=True,
    recipes=" ",
    across=True,
)

# Factors of LAMB's rate for the same batch: LARS (Algorithm 1) normalises its update layer by
# layer as LAMB does, so its rates are of LAMB's size.
FACTORS = (0.25, 0.5, 1.0, 2.0)

BERT_LARGE_LARS = dataclasses.replace(
    BERT_LARGE,
    optimizer="lars",
    momentum=0.9,
    nesterov=False,
    weight_decay=0.01,
    sources=sources(
        BERT_LARGE.sources,
        paper("Table 2", "optimizer batch_size"),
        paper("Table 1: the same number of epochs", "total_steps"),
        rule("linear-epoch warm-up, as Table 4", "warmup_ratio"),
        assumed("the paper gives no setting of LARS; its default momentum", "momentum nesterov"),
        assumed("not given for LARS; LAMB's value", "weight_decay"),
        assumed(
            "found by a grid search that is not printed; a grid around LAMB's rates here, which "
            "are 5 / (2^k 10^3)",
            "learning_rate",
        ),
    ),
)


def _grid(rate: float) -> dict[str, tuple]:
    return {"learning_rate": tuple(factor * rate for factor in FACTORS)}


_R = [5 / (2 ** (k / 2) * 1e3) for k in (6, 5, 4, 3, 2, 1, 0)]

# fmt: off
ROWS = {
    **table(
        "table2", BERT_LARGE_LARS, "{optimizer}-{batch_size}",
        "batch_size  total_steps  stage2_steps  learning_rate  grid           warmup_ratio",
        (512,        1_000_000,   100_000,      _R[0],         _grid(_R[0]),  1 / 320),
        (1024,       500_000,     50_000,       _R[1],         _grid(_R[1]),  1 / 160),
        (2048,       250_000,     25_000,       _R[2],         _grid(_R[2]),  1 / 80),
        (4096,       125_000,     12_500,       _R[3],         _grid(_R[3]),  1 / 40),
        (8192,       62_500,      6_250,        _R[4],         _grid(_R[4]),  1 / 20),
        (16384,      31_250,      3_125,        _R[5],         _grid(_R[5]),  1 / 10),
        (32768,      15_625,      1_562,        _R[6],         _grid(_R[6]),  1 / 5),
        printed=(
            "batch_size  label        f1       status",
            (512,        "LARS 512",  90.717,  None),
            (1024,       "LARS 1K",   90.369,  None),
            (2048,       "LARS 2K",   90.748,  None),
            (4096,       "LARS 4K",   90.537,  None),
            (8192,       "LARS 8K",   90.548,  None),
            (16384,      "LARS 16K",  89.589,  None),
            (32768,      "LARS 32K",  None,    "diverged"),
        ),
    ),
    **same_runs(
        "table2", table1.ROWS,
        "same_run_as          label       paper_f1",
        ("table1/lamb-512",   "LAMB 512", 91.752),
        ("table1/lamb-1024",  "LAMB 1K",  91.761),
        ("table1/lamb-2048",  "LAMB 2K",  91.946),
        ("table1/lamb-4096",  "LAMB 4K",  91.137),
        ("table1/lamb-8192",  "LAMB 8K",  91.263),
        ("table1/lamb-16384", "LAMB 16K", 91.345),
        ("table1/lamb-32768", "LAMB 32K", 91.475),
    ),
}
# fmt: on
