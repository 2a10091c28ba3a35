"""Table 18: tuning AdamW for ImageNet with ResNet-50 at batch 16K (appendix H.1).

Weight decay 0.0001, L2 regularization disabled.

    python -m largebatch.experiments.sweep --table=18 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAMW, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout(
    "tuning AdamW for ResNet-50, weight decay 0.0001, L2 regularization disabled",
    corner="Learning rate",
)

# fmt: off
ROWS = tuning(
    "table18", ADAMW,
    "learning_rate   paper_top1",
    (0.0001,        0.5033366),
    (0.0002,        0.5949707),
    (0.0004,        0.62561035),
    (0.0006,        0.6545207),
    (0.0008,        0.66326904),
    (0.001,         0.6677043),
    (0.002,         0.67244464),
    (0.004,         0.6702881),
    (0.006,         0.66033936),
    (0.008,         0.66426593),
    (0.010,         0.66151935),
    (0.012,         0.6545817),
    (0.014,         0.65509033),
    (0.016,         0.6529338),
    (0.018,         0.65651447),
    (0.020,         0.65334064),
    (0.025,         0.655009),
    (0.030,         0.64552814),
    (0.040,         0.6425374),
    (0.050,         0.5988159),
    weight_decay=0.0001, l2_regularization=0.0,
)
# fmt: on
