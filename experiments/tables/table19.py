"""Table 19: tuning AdamW for ImageNet with ResNet-50 at batch 16K (appendix H.1).

Weight decay 0.001, L2 regularization disabled.

    python -m largebatch.experiments.sweep --table=19 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAMW, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout(
    "tuning AdamW for ResNet-50, weight decay 0.001, L2 regularization disabled",
    corner="Learning rate",
)

# fmt: off
ROWS = tuning(
    "table19", ADAMW,
    "learning_rate   paper_top1",
    (0.0001,        0.4611206),
    (0.0002,        0.0076293945),
    (0.0004,        0.29233804),
    (0.0006,        0.57295734),
    (0.0008,        0.5574748),
    (0.001,         0.5988566),
    (0.002,         0.586263),
    (0.004,         0.62076825),
    (0.006,         0.61503094),
    (0.008,         0.4697876),
    (0.010,         0.619751),
    (0.012,         0.54243976),
    (0.014,         0.5429077),
    (0.016,         0.55281574),
    (0.018,         0.5819295),
    (0.020,         0.5938924),
    (0.025,         0.541097),
    (0.030,         0.45890298),
    (0.040,         0.56193036),
    (0.050,         0.5279134),
    weight_decay=0.001, l2_regularization=0.0,
)
# fmt: on
