"""Table 17: tuning AdamW for ImageNet with ResNet-50 at batch 16K (appendix H.1).

Weight decay 0.00001, L2 regularization disabled.

    python -m largebatch.experiments.sweep --table=17 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAMW, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout(
    "tuning AdamW for ResNet-50, weight decay 0.00001, L2 regularization disabled",
    corner="Learning rate",
)

# fmt: off
ROWS = tuning(
    "table17", ADAMW,
    "learning_rate   paper_top1",
    (0.0001,        0.48917642),
    (0.0002,        0.58152264),
    (0.0004,        0.63460284),
    (0.0006,        0.64849854),
    (0.0008,        0.6598918),
    (0.001,         0.6662801),
    (0.002,         0.67266846),
    (0.004,         0.6692708),
    (0.006,         0.6573079),
    (0.008,         0.6639404),
    (0.010,         0.65230304),
    (0.012,         0.6505534),
    (0.014,         0.64990234),
    (0.016,         0.65323895),
    (0.018,         0.67026776),
    (0.020,         0.66086835),
    (0.025,         0.65425617),
    (0.030,         0.6476237),
    (0.040,         0.55478925),
    (0.050,         0.61869305),
    weight_decay=0.00001, l2_regularization=0.0,
)
# fmt: on
