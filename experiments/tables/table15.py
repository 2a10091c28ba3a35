"""Table 15: tuning AdamW for ImageNet with ResNet-50 at batch 16K (appendix H.1).

Weight decay 0.001, L2 regularization 0.01.

    python -m largebatch.experiments.sweep --table=15 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAMW, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout(
    "tuning AdamW for ResNet-50, weight decay 0.001, L2 regularization 0.01", corner="Learning rate"
)

# fmt: off
ROWS = tuning(
    "table15", ADAMW,
    "learning_rate   paper_top1",
    (0.0001,        0.21142578),
    (0.0002,        0.4289144),
    (0.0004,        0.13537598),
    (0.0006,        0.33803305),
    (0.0008,        0.32611084),
    (0.001,         0.22194417),
    (0.002,         0.1833903),
    (0.004,         0.08256022),
    (0.006,         0.020507812),
    (0.008,         0.018269857),
    (0.010,         0.007507324),
    (0.012,         0.020080566),
    (0.014,         0.010762532),
    (0.016,         0.0021362305),
    (0.018,         0.007954915),
    (0.020,         0.005859375),
    (0.025,         0.009724935),
    (0.030,         0.0019124349),
    (0.040,         0.00390625),
    (0.050,         0.0009969076),
    weight_decay=0.001, l2_regularization=0.01,
)
# fmt: on
