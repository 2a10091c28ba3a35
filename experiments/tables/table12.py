"""Table 12: tuning Adam+ for ImageNet with ResNet-50 at batch 16K (appendix H.1).

python -m largebatch.experiments.sweep --table=12 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAM_PLUS, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout("tuning Adam+ for ResNet-50", corner="Learning rate")

# fmt: off
ROWS = tuning(
    "table12", ADAM_PLUS,
    "learning_rate   paper_top1",
    (0.0001,        0.410319),
    (0.0002,        0.55263263),
    (0.0004,        0.6455485),
    (0.0006,        0.6774495),
    (0.0008,        0.6996867),
    (0.001,         0.71010333),
    (0.002,         0.73476154),
    (0.004,         0.73286945),
    (0.006,         0.72648114),
    (0.008,         0.72214764),
    (0.010,         0.71466064),
    (0.012,         0.7081502),
    (0.014,         0.6993001),
    (0.016,         0.69108075),
    (0.020,         0.67997235),
    (0.040,         0.58658856),
    (0.060,         0.51090497),
    (0.080,         0.45174155),
    (0.100,         0.40297446),
)
# fmt: on
