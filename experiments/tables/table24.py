"""Table 24: tuning AdamW+ for ImageNet with ResNet-50 at batch 16K (appendix H.1).

Weight decay 0.0001, L2 regularization disabled.

    python -m largebatch.experiments.sweep --table=24 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAMW_PLUS, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout(
    "tuning AdamW+ for ResNet-50, weight decay 0.0001, L2 regularization disabled",
    corner="Learning rate",
)

# fmt: off
ROWS = tuning(
    "table24", ADAMW_PLUS,
    "learning_rate   paper_top1",
    (0.0001,        0.28515625),
    (0.0002,        0.44055176),
    (0.0004,        0.56815594),
    (0.0006,        0.6234741),
    (0.0008,        0.6530762),
    (0.001,         0.6695964),
    (0.002,         0.70048016),
    (0.004,         0.71698),
    (0.006,         0.72021484),
    (0.008,         0.7223918),
    (0.010,         0.72017413),
    (0.012,         0.72058105),
    (0.014,         0.7188924),
    (0.016,         0.71695966),
    (0.018,         0.7154134),
    (0.020,         0.71358234),
    (0.025,         0.7145386),
    (0.030,         0.7114258),
    (0.040,         0.7066447),
    (0.050,         0.70284015),
    weight_decay=0.0001, l2_regularization=0.0,
)
# fmt: on
