"""The lecture's AlexNet and AlexNet-BN on ImageNet: where momentum stops and LARS goes on.

    python -m largebatch.experiments.sweep --table=alexnet --data_dir=TFDS

The rates of momentum are printed; those of LARS are of the solver files that Ginsburg, an author of
You et al. 2017, published for these runs (borisgin/nvcaffe).
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes import small_scales
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.source import assumed, paper, sources
from largebatch.experiments.rows.table import table

LAYOUT = Layout(
    title="ImageNet with AlexNet and AlexNet-BN: momentum and LARS (100 epochs)",
    measures="test accuracy",
    seeds=1,
    corner="Model, optimizer and batch size",
    down=True,
    heading="Lecture, AlexNet",
    settings=("batch size", "epochs", "learning rate"),
    recipes=", ",
)

YOU = "You et al. 2017, 'Large Batch Training of Convolutional Networks'"
_PRINTED = "the lecture's table"

MOMENTUM = Row(
    model="alexnet",
    dataset="imagenet2012",
    augment="inception_crop",
    image_size=224,
    dropout=0.5,
    epochs=100,
    optimizer="momentum",
    momentum=0.9,
    nesterov=False,
    l2_regularization=5e-4,
    batch_size=512,
    schedule="warmup_linear",
    warmup_epochs=0,
    decay_from="start",
    decay_power=2.0,
    sources=sources(
        paper(_PRINTED, "model dataset epochs optimizer momentum batch_size learning_rate"),
        assumed("the suite's ImageNet input, as for ResNet-50", "augment image_size"),
        assumed("Krizhevsky et al. 2012; kept in AlexNet-BN", "dropout nesterov"),
        assumed(f"{YOU}: decay 0.0005", "l2_regularization"),
        assumed("it is an L2 regularization in Caffe", "weight_decay"),
        assumed(f"{YOU}: polynomial decay of power 2", "schedule decay_power decay_from"),
        assumed("none is told", "warmup_epochs label_smoothing"),
        assumed("the machines of the lecture computed in it", "precision"),
        assumed("the validation set is looked at once an epoch", "eval_every_epochs"),
    ),
)
MOMENTUM_BN = dataclasses.replace(MOMENTUM, model="alexnet_bn")

SOLVERS = "the solver files of an author of You et al. 2017 (borisgin/nvcaffe)"
RAMP = 600 * 8192 / 1_281_167  # epochs: 600 updates at 8K
_LARS_SOURCES = sources(
    assumed(YOU, "form"),
    assumed(SOLVERS, "trust_coefficient weight_decay learning_rate"),
    assumed("Caffe's LARS takes biases for layers of their own", "exclude_from_layer_adaptation"),
    assumed(f"{SOLVERS}: 600 updates at 8K, as many epochs at the other sizes", "warmup_epochs"),
    assumed("the decay is part of LARS", "l2_regularization"),
)
LARS = dataclasses.replace(
    MOMENTUM,
    optimizer="lars",
    form="you2017",
    trust_coefficient=0.001,
    exclude_from_layer_adaptation="nothing",
    weight_decay=5e-4,
    l2_regularization=0.0,
    warmup_epochs=RAMP,
    sources={**MOMENTUM.sources, **_LARS_SOURCES},
)
LARS_BN = dataclasses.replace(LARS, model="alexnet_bn")
_NOT_PRINTED = assumed("not printed; AlexNet's at this batch", "learning_rate")

# fmt: off
ROWS = {
    **table(
        "alexnet", MOMENTUM, "{optimizer}-{batch_size}",
        "batch_size  learning_rate  label                     paper_top1",
        (512,        0.02,          "AlexNet, Momentum, 512", 0.583),
        (1024,       0.02,          "AlexNet, Momentum, 1K",  0.582),
        (4096,       0.05,          "AlexNet, Momentum, 4K",  0.531),
        (8192,       0.03,          "AlexNet, Momentum, 8K",  0.448),
    ),
    **table(
        "alexnet", LARS, "{optimizer}-{batch_size}",
        "batch_size  learning_rate  label                 paper_top1",
        (4096,       10,            "AlexNet, LARS, 4K",  0.584),
        (8192,       10,            "AlexNet, LARS, 8K",  0.583),
    ),
    **table(
        "alexnet", MOMENTUM_BN, "bn-{optimizer}-{batch_size}",
        "batch_size  learning_rate  label                        paper_top1  sources",
        (512,        0.02,          "AlexNet-BN, Momentum, 512", 0.602,      _NOT_PRINTED),
    ),
    **table(
        "alexnet", LARS_BN, "bn-{optimizer}-{batch_size}",
        "batch_size  learning_rate  label                    paper_top1",
        (4096,       10,            "AlexNet-BN, LARS, 4K",  0.604),
        (8192,       10,            "AlexNet-BN, LARS, 8K",  0.604),
    ),
}
# fmt: on


laptop = small_scales.laptop
laptop_cifar10 = small_scales.laptop_cifar10
smoke = small_scales.smoke
