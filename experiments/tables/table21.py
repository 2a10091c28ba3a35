"""Table 21: tuning AdamW+ for ImageNet with ResNet-50 at batch 16K (appendix H.1).

L2 regularization 0.01.

    python -m largebatch.experiments.sweep --table=21 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAMW_PLUS, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout(
    "tuning AdamW+ for ResNet-50, L2 regularization 0.01", corner="Learning rate, weight decay"
)

# fmt: off
ROWS = tuning(
    "table21", ADAMW_PLUS,
    "learning_rate   weight_decay   paper_top1",
    (0.0001,         0.01,         0.0009969076),
    (0.0002,         0.01,         0.0009969076),
    (0.0004,         0.01,         0.0009969076),
    (0.0006,         0.01,         0.0009358724),
    (0.0008,         0.01,         0.0009969076),
    (0.001,          0.01,         0.0009765625),
    (0.002,          0.01,         0.0010172526),
    (0.004,          0.01,         0.0010172526),
    (0.006,          0.01,         0.0010172526),
    (0.008,          0.01,         0.0010172526),
    (0.0001,         0.001,        0.0010172526),
    (0.0002,         0.001,        0.0010172526),
    (0.0004,         0.001,        0.0010172526),
    (0.0006,         0.001,        0.0009969076),
    (0.0008,         0.001,        0.0010172526),
    (0.001,          0.001,        0.0010172526),
    (0.002,          0.001,        0.0010172526),
    (0.004,          0.001,        0.0038452148),
    (0.006,          0.001,        0.011881511),
    (0.008,          0.001,        0.0061442056),
    l2_regularization=0.01,
)
# fmt: on
