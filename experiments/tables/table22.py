"""Table 22: tuning AdamW+ for ImageNet with ResNet-50 at batch 16K (appendix H.1).

L2 regularization 0.01.

    python -m largebatch.experiments.sweep --table=22 --data_dir=TFDS
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
    "table22", ADAMW_PLUS,
    "learning_rate   weight_decay   paper_top1",
    (0.0001,         0.0001,       0.3665975),
    (0.0002,         0.0001,       0.5315755),
    (0.0004,         0.0001,       0.6369222),
    (0.0006,         0.0001,       0.6760457),
    (0.0008,         0.0001,       0.69557697),
    (0.001,          0.0001,       0.7076009),
    (0.002,          0.0001,       0.73065186),
    (0.004,          0.0001,       0.72806805),
    (0.006,          0.0001,       0.72161865),
    (0.008,          0.0001,       0.71816),
    (0.0001,         0.00001,      0.49804688),
    (0.0002,         0.00001,      0.6287028),
    (0.0004,         0.00001,      0.6773885),
    (0.0006,         0.00001,      0.67348224),
    (0.0008,         0.00001,      0.6622111),
    (0.001,          0.00001,      0.6468709),
    (0.002,          0.00001,      0.5846761),
    (0.004,          0.00001,      0.4868978),
    (0.006,          0.00001,      0.34969077),
    (0.008,          0.00001,      0.31193033),
    l2_regularization=0.01,
)
# fmt: on
