"""Figure 2: adam-correction against warm-up in LAMB, ImageNet with ResNet-50 (appendix E).

    python -m largebatch.experiments.sweep --table=figure2 --data_dir=TFDS

The figure prints no numbers; its caption: adam-correction has the same effect as warm-up.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes.imagenet import LAMB_32K
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.source import assumed, paper
from largebatch.experiments.rows.table import same_runs, table
from largebatch.experiments.tables import table5

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = Layout(
    title="LAMB with and without adam-correction and warm-up (90 epochs)",
    measures="Top-1 validation accuracy",
    seeds=1,
    heading="Figure 2",
    by_row=True,
)

_BASE = dataclasses.replace(
    LAMB_32K,
    sources={
        **LAMB_32K.sources,
        **assumed("the figure's batch is not given: Table 5's largest", "batch_size"),
        **paper("appendix E: with and without", "bias_correction warmup_epochs"),
        **assumed("as in Table 5 at this batch", "learning_rate"),
    },
)

# fmt: off
ROWS = {
    **same_runs(
        "figure2", table5.ROWS,
        "name                 same_run_as          label                 paper_top1",
        ("correction-warmup", "table5/lamb-32768", "correction, warm-up", 0.7642),
    ),
    **table(
        "figure2", _BASE, "{label}",
        "label         bias_correction  warmup_epochs",
        ("correction", True,            0),
        ("warmup",     False,           20),
        ("neither",    False,           0),
    ),
}
# fmt: on
