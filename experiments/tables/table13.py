"""Table 13: tuning AdamW for ImageNet with ResNet-50 at batch 16K (appendix H.1).

Weight decay 0.00001, L2 regularization 0.01.

    python -m largebatch.experiments.sweep --table=13 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAMW, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout(
    "tuning AdamW for ResNet-50, weight decay 0.00001, L2 regularization 0.01",
    corner="Learning rate",
)

# fmt: off
ROWS = tuning(
    "table13", ADAMW,
    "learning_rate   paper_top1",
    (0.0001,        0.53312176),
    (0.0002,        0.5542806),
    (0.0004,        0.48769125),
    (0.0006,        0.46317545),
    (0.0008,        0.40903726),
    (0.001,         0.42401123),
    (0.002,         0.33870444),
    (0.004,         0.12339274),
    (0.006,         0.122924805),
    (0.008,         0.08099365),
    (0.010,         0.016764322),
    (0.012,         0.032714844),
    (0.014,         0.018147787),
    (0.016,         0.0066731772),
    (0.018,         0.010294597),
    (0.020,         0.008260091),
    (0.025,         0.008870442),
    (0.030,         0.0064493814),
    (0.040,         0.0018107096),
    (0.050,         0.003540039),
    weight_decay=0.00001, l2_regularization=0.01,
)
# fmt: on
