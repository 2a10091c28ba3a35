"""Table 25: tuning AdamW+ for ImageNet with ResNet-50 at batch 16K (appendix H.1).

Weight decay 0.00001, L2 regularization disabled.

    python -m largebatch.experiments.sweep --table=25 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAMW_PLUS, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout(
    "tuning AdamW+ for ResNet-50, weight decay 0.00001, L2 regularization disabled",
    corner="Learning rate",
)

# fmt: off
ROWS = tuning(
    "table25", ADAMW_PLUS,
    "learning_rate   paper_top1",
    (0.0001,        0.31247965),
    (0.0002,        0.4534912),
    (0.0004,        0.57765704),
    (0.0006,        0.6277669),
    (0.0008,        0.65321857),
    (0.001,         0.6682129),
    (0.002,         0.69938153),
    (0.004,         0.7095947),
    (0.006,         0.710612),
    (0.008,         0.70857745),
    (0.010,         0.7094116),
    (0.012,         0.70717365),
    (0.014,         0.7109375),
    (0.016,         0.7058309),
    (0.018,         0.7052409),
    (0.020,         0.7064412),
    (0.025,         0.7035319),
    (0.030,         0.6994629),
    (0.040,         0.6972656),
    (0.050,         0.6971232),
    weight_decay=0.00001, l2_regularization=0.0,
)
# fmt: on
