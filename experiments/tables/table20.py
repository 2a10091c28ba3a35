"""Table 20: tuning AdamW for ImageNet with ResNet-50 at batch 16K (appendix H.1).

Weight decay 0.01, L2 regularization disabled.

    python -m largebatch.experiments.sweep --table=20 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAMW, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout(
    "tuning AdamW for ResNet-50, weight decay 0.01, L2 regularization disabled",
    corner="Learning rate",
)

# fmt: off
ROWS = tuning(
    "table20", ADAMW,
    "learning_rate   paper_top1",
    (0.0001,        0.0009969076),
    (0.0002,        0.0008951823),
    (0.0004,        0.00095621747),
    (0.0006,        0.0012817383),
    (0.0008,        0.016886393),
    (0.001,         0.038146973),
    (0.002,         0.0015258789),
    (0.004,         0.0014241537),
    (0.006,         0.081441246),
    (0.008,         0.028116861),
    (0.010,         0.011820476),
    (0.012,         0.08138021),
    (0.014,         0.010111491),
    (0.016,         0.0041910806),
    (0.018,         0.0038248699),
    (0.020,         0.002746582),
    (0.025,         0.011555989),
    (0.030,         0.0065104165),
    (0.040,         0.016438803),
    (0.050,         0.007710775),
    weight_decay=0.01, l2_regularization=0.0,
)
# fmt: on
