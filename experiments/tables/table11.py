"""Table 11: tuning Adam for ImageNet with ResNet-50 at batch 16K (appendix H.1).

python -m largebatch.experiments.sweep --table=11 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAM, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout("tuning Adam for ResNet-50", corner="Learning rate")

# fmt: off
ROWS = tuning(
    "table11", ADAM,
    "learning_rate   paper_top1",
    (0.0001,        0.5521),
    (0.0002,        0.6089),
    (0.0004,        0.6432),
    (0.0006,        0.6465),
    (0.0008,        0.6479),
    (0.001,         0.6604),
    (0.002,         0.6408),
    (0.004,         0.5687),
    (0.006,         0.5165),
    (0.008,         0.4812),
    (0.010,         0.3673),
)
# fmt: on
