"""Figures 9 to 14: LAMB's trust ratio of each layer at several iterations (appendix H.0.2).

    python -m largebatch.experiments.sweep --table=figure9 --data_dir=TFDS

A run's records hold each layer's weight norm, update norm and trust ratio at every evaluation; the
report draws them. The figures give neither the batch nor the iterations.
"""

from __future__ import annotations

from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.table import same_runs
from largebatch.experiments.tables import table5

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = Layout(
    title="LAMB's trust ratios, ImageNet with ResNet-50",
    measures="Top-1 Accuracy",
    seeds=1,
    heading="Figures 9 to 14",
    layers=True,
)

# fmt: off
ROWS = same_runs(
    "figure9", table5.ROWS,
    "name    same_run_as          label   paper_top1",
    ("lamb", "table5/lamb-32768", "LAMB", 0.7642),
)
# fmt: on
