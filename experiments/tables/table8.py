"""Table 8: AdamW at batch 16K for BERT, warm-up by rate: where it stops scaling (appendix H).

    python -m largebatch.experiments.sweep --table=8 --data_dir=SHARDS --squad_dir=SQUAD

Three runs diverge at step 28126, the first one of the second stage (0.9 x 31250 = 28125).
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
from largebatch.experiments.rows.source import assumed, paper, sources
from largebatch.experiments.rows.table import table

__all__ = ["LAYOUT", "ROWS", "laptop", "smoke"]

LAYOUT = Layout(
    title="AdamW for BERT-Large at batch 16K",
    measures="F1 score on dev set",
    seeds=1,
    corner="warm-up, rate",
    down=True,
    settings=("batch size", "warm-up steps", "learning rate"),
    beside=("last step",),
)

ADAMW_16K = dataclasses.replace(
    BERT_LARGE,
    **ADAMW_SETTINGS,
    batch_size=16384,
    total_steps=31_250,
    stage2_steps=3_125,
    sources=sources(
        BERT_LARGE.sources,
        paper("Table 8", "optimizer batch_size total_steps learning_rate warmup_ratio"),
        assumed(f"default settings: {DEVLIN}", ADAM_SETTINGS),
    ),
)

# fmt: off
ROWS = table(
    "table8", ADAMW_16K, "adamw-{batch_size}-warmup{warmup_ratio:.2f}-rate{learning_rate:g}",
    "warmup_ratio  learning_rate",
    (0.05,         0.0001),
    (0.05,         0.0002),
    (0.05,         0.0003),
    (0.10,         0.0001),
    (0.10,         0.0002),
    (0.10,         0.0003),
    (0.20,         0.0001),
    (0.20,         0.0002),
    (0.20,         0.0003),
    printed=(
        "warmup_ratio  learning_rate  label                 last_loss last_step f1      status",
        (0.05,         0.0001,        "0.05 x 31250, 1e-4", 8.04471,  28126,    None,   "diverged"),
        (0.05,         0.0002,        "0.05 x 31250, 2e-4", 7.89673,  28126,    None,   "diverged"),
        (0.05,         0.0003,        "0.05 x 31250, 3e-4", 8.35102,  28126,    None,   "diverged"),
        (0.10,         0.0001,        "0.10 x 31250, 1e-4", 2.01419,  31250,    86.034, None),
        (0.10,         0.0002,        "0.10 x 31250, 2e-4", 1.04689,  31250,    88.540, None),
        (0.10,         0.0003,        "0.10 x 31250, 3e-4", 8.05845,  20000,    None,   "diverged"),
        (0.20,         0.0001,        "0.20 x 31250, 1e-4", 1.53706,  31250,    85.231, None),
        (0.20,         0.0002,        "0.20 x 31250, 2e-4", 1.15500,  31250,    88.110, None),
        (0.20,         0.0003,        "0.20 x 31250, 3e-4", 1.48798,  31250,    85.653, None),
    ),
)
# fmt: on
