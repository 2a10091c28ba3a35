"""Table 14: tuning AdamW for ImageNet with ResNet-50 at batch 16K (appendix H.1).

Weight decay 0.0001, L2 regularization 0.01.

    python -m largebatch.experiments.sweep --table=14 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAMW, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout(
    "tuning AdamW for ResNet-50, weight decay 0.0001, L2 regularization 0.01",
    corner="Learning rate",
)

# fmt: off
ROWS = tuning(
    "table14", ADAMW,
    "learning_rate   paper_top1",
    (0.0001,        0.55489093),
    (0.0002,        0.56514484),
    (0.0004,        0.4986979),
    (0.0006,        0.47595215),
    (0.0008,        0.44685873),
    (0.001,         0.41029868),
    (0.002,         0.2808024),
    (0.004,         0.08111572),
    (0.006,         0.068115234),
    (0.008,         0.057922363),
    (0.010,         0.05222575),
    (0.012,         0.017313639),
    (0.014,         0.029785156),
    (0.016,         0.016540527),
    (0.018,         0.00575765),
    (0.020,         0.0102335615),
    (0.025,         0.0060831704),
    (0.030,         0.0036417644),
    (0.040,         0.0010782877),
    (0.050,         0.0037638347),
    weight_decay=0.0001, l2_regularization=0.01,
)
# fmt: on
