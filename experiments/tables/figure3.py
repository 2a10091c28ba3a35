"""Figure 3: other norms in LAMB's trust ratio, ImageNet with ResNet-50 (appendix F).

    python -m largebatch.experiments.sweep --table=figure3 --data_dir=TFDS

The figure prints no numbers; appendix F: the difference is below 0.1 percent.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes.imagenet import LAMB_32K
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.source import assumed
from largebatch.experiments.rows.table import same_runs, table
from largebatch.experiments.tables import table5

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = Layout(
    title="LAMB with different norms (90 epochs)",
    measures="Top-1 validation accuracy",
    seeds=1,
    heading="Figure 3",
    by_row=True,
)

_BASE = dataclasses.replace(
    LAMB_32K,
    sources={
        **LAMB_32K.sources,
        **assumed("the figure's batch is not given: Table 5's largest", "batch_size"),
        **assumed("as in Table 5 at this batch", "learning_rate warmup_epochs"),
        **assumed("appendix F does not say which norms: the other two usual ones", "norm"),
    },
)

# fmt: off
ROWS = {
    **same_runs(
        "figure3", table5.ROWS,
        "name  same_run_as          label  paper_top1",
        ("l2", "table5/lamb-32768", "L2",  0.7642),
    ),
    **table(
        "figure3", _BASE, "{norm}",
        "norm     label",
        ("l1",    "L1"),
        ("linf",  "L-infinity"),
    ),
}
# fmt: on
