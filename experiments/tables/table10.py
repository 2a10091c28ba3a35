"""Table 10: tuning AdaGrad+ for ImageNet with ResNet-50 at batch 16K (appendix H.1).

python -m largebatch.experiments.sweep --table=10 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAGRAD_PLUS, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout("tuning AdaGrad+ for ResNet-50", corner="Learning rate")

# fmt: off
ROWS = tuning(
    "table10", ADAGRAD_PLUS,
    "learning_rate   paper_top1",
    (0.0001,        0.0011189779),
    (0.001,         0.00793457),
    (0.002,         0.012573242),
    (0.004,         0.019022623),
    (0.008,         0.027079264),
    (0.010,         0.029012045),
    (0.020,         0.0421346),
    (0.040,         0.06618246),
    (0.080,         0.10970052),
    (0.100,         0.13429768),
    (0.200,         0.26550293),
    (0.400,         0.41918945),
    (0.800,         0.5519816),
    (1.000,         0.58614093),
    (2.000,         0.67252606),
    (4.000,         0.70306396),
    (6.000,         0.709493),
    (8.000,         0.7137858),
    (10.00,         0.71797687),
    (12.00,         0.7187703),
    (14.00,         0.72007245),
    (16.00,         0.7194214),
    (18.00,         0.7149251),
    (20.00,         0.71293133),
    (30.00,         0.70458984),
    (40.00,         0.69085693),
    (50.00,         0.67976886),
)
# fmt: on
