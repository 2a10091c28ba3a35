"""BERT over batch sizes on prose: LAMB, LARS and AdamW, tuned equally (after Tables 1, 2 and 8).

    python -m largebatch.experiments.sweep --table=prose --data_dir=SHARDS

The question of Tables 1 and 2 one size above their laptop scale, for an accelerator: BERT-Mini,
10.5 million tokens of books and articles a run (`data.prepare_prose`), the paper's batches / 32.
Nine tenths of the tokens come in sequences of 64 and the rest in sequences of 128; documents are
held out, and each figure stands beside the floors that counting words reaches
(`experiments.floors`).

The protocol, fixed before the runs: each optimizer has four trials at batch 256 (that row's grid:
the rule's rate times 1, 2, 4 and 8), one seed each, the best by held-out masked-word accuracy. Its
factor then holds at every batch size: rates follow the square root of the batch, warm-up ratios
double with it (Table 4). Seeds: three at 16, 256, 1,024 and the mixed batch, one elsewhere.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from largebatch.experiments.recipes.bert import (
    ADAM_SETTINGS,
    ADAMW_SETTINGS,
    BERT_LARGE,
    LAMB_SETTINGS,
)
from largebatch.experiments.recipes.bert_scales import few_steps
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.scale import replaced
from largebatch.experiments.rows.source import assumed, rule
from largebatch.experiments.rows.table import table

LAYOUT = Layout(
    title="BERT-Mini on prose, over batch sizes (10.5 million tokens)",
    measures="Masked-word accuracy on held-out documents",
    seeds=3,
    corner="Optimizer and batch",
    down=True,
    heading="BERT on prose",
)

PAPERS = 32  # the paper's batches are divided by it
BATCHES = (16, 32, 64, 128, 256, 512, 1024)
MIXED = (2048, 1024)
MIDDLE = 256  # where every optimizer is tuned
LENGTHS = (64, 128)
VOCABULARY = 4_096
# Sequences of a run, 9.4 and 1.05 million tokens: whole batches of every size.
FIRST, LATER = 147_456, 8_192
FACTORS = (1, 2, 4, 8)
# The rate at the paper's 32K, by which the square-root rule is carried to the other batches.
RATES = {"lamb": 5e-3, "lars": 5e-3, "adamw": 1e-3}
# Which of them the rows have, at all batch sizes; a plan of runs takes the best of its own trials.
CHOSEN = {"lamb": 4, "lars": 4, "adamw": 2}
SEEDED = ("16", "256", "1024", "2048-1024")  # the batches of three seeds

STUDY = "a study after Tables 1 and 2, on text that is at hand and a model that it can teach"

BASE = dataclasses.replace(
    BERT_LARGE,
    model="bert_mini",
    dataset="text_folder",
    vocabulary_size=VOCABULARY,
    sequence_length=LENGTHS[0],
    stage2_sequence_length=LENGTHS[1],
    precision="float32",
    squad_sequence_length=LENGTHS[1],
    squad_stride=LENGTHS[1] // 4,
    sources={
        **BERT_LARGE.sources,
        **assumed(
            STUDY,
            "model dataset vocabulary_size sequence_length stage2_sequence_length precision "
            "squad_sequence_length squad_stride",
        ),
        **rule(f"the paper's / {PAPERS}", "batch_size stage2_batch_size"),
        **rule("one number of sequences for all batches", "total_steps stage2_steps"),
        **rule(
            "Table 4's: the square root of the batch, a warm-up ratio that doubles with it; one "
            "factor an optimizer, of four that were tried at batch 256",
            "learning_rate stage2_learning_rate warmup_ratio stage2_warmup_ratio",
        ),
        **rule("section 4.1: re-warm-up where the batch changes", "rewarmup"),
    },
)
OPTIMIZERS: dict[str, tuple[dict[str, Any], str]] = {
    "lamb": (LAMB_SETTINGS, ADAM_SETTINGS),
    "lars": (
        {"optimizer": "lars", "momentum": 0.9, "nesterov": False, "weight_decay": 0.01},
        "momentum nesterov weight_decay",
    ),
    "adamw": (ADAMW_SETTINGS, ADAM_SETTINGS),
}


def rate(optimizer: str, batch: int, factor: float | None = None) -> float:
    """The square-root rule from the paper's 32K, times a factor; None: the chosen one."""
    factor = CHOSEN[optimizer] if factor is None else factor
    return factor * RATES[optimizer] * math.sqrt(batch * PAPERS / 32_768)


def warmup(batch: int) -> float:
    """Table 4's ratio: 1/5 at the paper's 32K, in proportion to the batch."""
    return batch * PAPERS / 32_768 / 5


def _rows(name: str) -> dict[str, Row]:
    settings, from_paper = OPTIMIZERS[name]
    base = dataclasses.replace(
        BASE,
        **settings,
        sources={
            **BASE.sources,
            **assumed("as the rows of Tables 1, 2 and 8", f"optimizer {from_paper}"),
        },
    )
    columns = "batch_size total_steps stage2_steps learning_rate warmup_ratio grid label"
    lines = [
        (
            *(batch, (FIRST + LATER) // batch, LATER // batch),
            *(rate(name, batch), warmup(batch), _grid(name, batch), f"{name} {batch}"),
        )
        for batch in BATCHES
    ]
    return {
        **table("prose", base, f"{name}-{{batch_size}}", columns, *lines),
        **_mixed(name, base, True, ""),
        **_mixed(name, base, False, "-one-warmup"),
    }


def _mixed(name: str, base: Row, again: bool, suffix: str) -> dict[str, Row]:
    """The batch that is halved in stage 2, with or without its second warm-up (Figure 7)."""
    first, later = MIXED
    rates = [rate(name, batch) for batch in MIXED]
    columns = (
        "batch_size stage2_batch_size total_steps stage2_steps learning_rate "
        "stage2_learning_rate warmup_ratio stage2_warmup_ratio rewarmup label"
    )
    steps = FIRST // first + LATER // later
    line = (
        *(first, later, steps, LATER // later),
        *(rates[0], rates[1] if again else None),
        *(warmup(first), warmup(later) if again else None, again),
        f"{name} {first}/{later}{', one warm-up' if suffix else ''}",
    )
    return table("prose", base, f"{name}-{first}-{later}{suffix}", columns, line)


def _grid(name: str, batch: int) -> dict[str, tuple]:
    """The trials, at the middle batch alone."""
    if batch != MIDDLE:
        return {}
    return {"learning_rate": tuple(rate(name, batch, factor) for factor in FACTORS)}


ROWS = {**_rows("lamb"), **_rows("lars"), **_rows("adamw")}


def laptop(row: Row) -> Row:
    """BERT-Tiny on the text that needs no download, an eighth of the sequences."""
    changes = {"total_steps": row.total_steps // 8, "stage2_steps": row.stage2_steps // 8}
    row = replaced(row, "laptop scale: an eighth of the sequences", **changes)
    note = "laptop scale: a model and a text for minutes on two cores"
    return replaced(row, note, model="bert_tiny", dataset="python_text")


def smoke(row: Row) -> Row:
    """A few steps of each stage: does it run at all?"""
    return few_steps(laptop(row))
