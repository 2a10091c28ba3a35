"""Table 9: tuning AdaGrad for ImageNet with ResNet-50 at batch 16K (appendix H.1).

python -m largebatch.experiments.sweep --table=9 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import ADAGRAD, tuning, tuning_layout
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = tuning_layout("tuning AdaGrad for ResNet-50", corner="Learning rate")

# fmt: off
ROWS = tuning(
    "table9", ADAGRAD,
    "learning_rate   paper_top1",
    (0.0001,        0.0026855469),
    (0.001,         0.015563965),
    (0.002,         0.022684732),
    (0.004,         0.030924479),
    (0.008,         0.04486084),
    (0.010,         0.054158527),
    (0.020,         0.0758667),
    (0.040,         0.1262614),
    (0.080,         0.24037679),
    (0.100,         0.27357993),
    (0.200,         0.458313),
    (0.400,         0.553833),
    (0.800,         0.54103595),
    (1.000,         0.5489095),
    (2.000,         0.47680664),
    (4.000,         0.5295207),
    (6.000,         0.36950684),
    (8.000,         0.31081137),
    (10.00,         0.30670166),
    (12.00,         0.3091024),
    (14.00,         0.3227946),
    (16.00,         0.0063680015),
    (18.00,         0.11287435),
    (20.00,         0.21602376),
    (30.00,         0.08315023),
    (40.00,         0.0132039385),
    (50.00,         0.0009969076),
)
# fmt: on
