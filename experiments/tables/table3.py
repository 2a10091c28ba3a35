"""Table 3: eight optimizers for ImageNet with ResNet-50 at batch 16K (section 4.2).

    python -m largebatch.experiments.sweep --table=3 --data_dir=TFDS

The adaptive optimizers' runs are the best of their tuning tables, 9 to 25; LAMB's is Table 5's.
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import MOMENTUM
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.table import same_runs, table
from largebatch.experiments.tables import (
    table5,
    table9,
    table10,
    table11,
    table12,
    table17,
    table22,
)

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = Layout(
    title="ImageNet with ResNet-50 at batch 16K (90 epochs)",
    measures="Top-1 validation accuracy",
    seeds=1,
    pairs=True,
    by_row=True,
)

_BESTS = {
    **table9.ROWS,
    **table10.ROWS,
    **table11.ROWS,
    **table12.ROWS,
    **table17.ROWS,
    **table22.ROWS,
}

# fmt: off
ROWS = {
    **same_runs(
        "table3", _BESTS,
        "name       same_run_as                            label       paper_top1",
        ("adagrad",  "table9/adagrad-rate0.4",             "adagrad",  0.5538),
        ("adagrad+", "table10/adagrad-rate14",             "adagrad+", 0.7201),
        ("adam",     "table11/adam-rate0.001",             "adam",     0.6604),
        ("adam+",    "table12/adam-rate0.002",             "adam+",    0.7348),
        ("adamw",    "table17/adamw-rate0.002",            "adamw",    0.6727),
        ("adamw+",   "table22/adamw-rate0.002-decay0.0001", "adamw+",  0.7307),
    ),
    **table(
        "table3", MOMENTUM, "{optimizer}",
        "label       paper_top1",
        ("momentum", 0.7520),
    ),
    **same_runs(
        "table3", table5.ROWS,
        "name    same_run_as          label   paper_top1",
        ("lamb", "table5/lamb-16384", "lamb", 0.7666),
    ),
}
# fmt: on
