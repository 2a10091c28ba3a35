"""Table 16: tuning AdamW for ImageNet with ResNet-50 at batch 16K (appendix H.1).

Weight decay 0.01, L2 regularization 0.01.

    python -m largebatch.experiments.sweep --table=16 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAMW, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout(
    "tuning AdamW for ResNet-50, weight decay 0.01, L2 regularization 0.01", corner="Learning rate"
)

# fmt: off
ROWS = tuning(
    "table16", ADAMW,
    "learning_rate   paper_top1",
    (0.0001,        0.0009765625),
    (0.0002,        0.0009969076),
    (0.0004,        0.0010172526),
    (0.0006,        0.0009358724),
    (0.0008,        0.0022379558),
    (0.001,         0.001566569),
    (0.002,         0.009480794),
    (0.004,         0.0033569336),
    (0.006,         0.0029907227),
    (0.008,         0.0018513998),
    (0.010,         0.009134929),
    (0.012,         0.0022176106),
    (0.014,         0.0040690103),
    (0.016,         0.0017293295),
    (0.018,         0.00061035156),
    (0.020,         0.0022379558),
    (0.025,         0.0017089844),
    (0.030,         0.0014241537),
    (0.040,         0.0020345051),
    (0.050,         0.0012817383),
    weight_decay=0.01, l2_regularization=0.01,
)
# fmt: on
