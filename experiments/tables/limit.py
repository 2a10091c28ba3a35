"""The limit of the batch size: ResNet-50 from 32K to the whole of ImageNet in one batch.

    python -m largebatch.experiments.sweep --table=limit --data_dir=TFDS

You et al., "The Limit of the Batch Size": how far a recipe carries, one step of it after another.
Its abstract gives no rates and no accuracies, so every setting of these steps is assumed. The steps
add up: a scaling rule, warm-up, LARS, label smoothing; LAMB with Table 5's rule carried on stands
beside them. At 1,281,167 an epoch is one update, and a run is 90 of them; that number is prime, so
the batch is filled up with examples of weight 0 where devices need it.

The first author's public code has runs of the study: LAMB at 64K (`lamb-65536-as-run`), and MNIST
up to all of it in one batch (`mnist-*`, see limit_mnist). What is printed beside those is a log's.
"""

from __future__ import annotations

import dataclasses
import functools

from largebatch.experiments.recipes import small_scales
from largebatch.experiments.recipes.imagenet import LAMB, MOMENTUM
from largebatch.experiments.rows.author_code import RESNET50_64K
from largebatch.experiments.rows.choices import TRAINING_EXAMPLES
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.scale import proportional_batch, replaced
from largebatch.experiments.rows.source import assumed, code, rule
from largebatch.experiments.rows.table import table, twins
from largebatch.experiments.tables import limit_mnist, table5_as_run
from largebatch.optimizers.scaling import legw_warmup_epochs, sqrt_scaling

LAYOUT = Layout(
    title="ResNet-50 up to the whole of ImageNet in one batch (90 epochs)",
    measures="Top-1 validation accuracy",
    seeds=1,
    corner="Recipe and batch size",
    down=True,
    heading="The limit of the batch size",
    recipes=", ",
    across=True,
)

WHOLE = TRAINING_EXAMPLES["imagenet2012"]
BATCHES = {
    32768: "32K",
    65536: "64K",
    131072: "128K",
    262144: "256K",
    524288: "512K",
    WHOLE: "all of ImageNet",
}
LONGEST_WARMUP = 40  # epochs of 90
LAPTOP_EPOCHS = 30

_STUDY = assumed(
    "a study after You et al., 'The Limit of the Batch Size', which gives no settings here",
    "batch_size pad_batch learning_rate warmup_epochs label_smoothing",
)
_POLYNOMIAL = assumed(
    "You et al. 2017: polynomial decay of power 2", "schedule decay_power decay_from"
)

_MOMENTUM = dataclasses.replace(
    MOMENTUM,
    pad_batch=True,
    schedule="warmup_linear",
    decay_from="start",
    decay_power=2.0,
    initial_learning_rate=None,
    warmup_epochs=0,
    learning_rate=0.1,
    sources={**MOMENTUM.sources, **_STUDY, **_POLYNOMIAL},
)
_LARS = dataclasses.replace(
    _MOMENTUM,
    optimizer="lars",
    nesterov=None,
    form="you2017",
    trust_coefficient=0.001,
    l2_regularization=0.0,
    weight_decay=1e-4,
    sources={
        **_MOMENTUM.sources,
        **assumed("the laboratory's recipe at 32K (resnet50/lars-32768-lab)",
                  "optimizer form trust_coefficient weight_decay l2_regularization"),
    },
)  # fmt: skip
_LAMB = dataclasses.replace(
    LAMB,
    pad_batch=True,
    eval_every_epochs=1,
    sources={
        **LAMB.sources,
        **_STUDY,
        **assumed("the validation set is looked at once an epoch", "eval_every_epochs"),
        **rule("Table 5's rules carried on from 32K; warm-up at most 40 epochs",
               "learning_rate warmup_epochs"),
    },
)  # fmt: skip


_LOGGED = {
    **code(f"{RESNET50_64K}: check_64k.out: 1,760 updates, 500 of warm-up",
           "batch_size learning_rate warmup_epochs epochs weight_decay"),
    **code(f"{RESNET50_64K}: check_64k.out, the mean of three runs: .7537 .7532 .7535",
           "paper_top1"),
}  # fmt: skip


def _warmup(base: float, batch: int) -> float:
    return min(LONGEST_WARMUP, legw_warmup_epochs(base, 32768, batch))


def _step(name: str, base: Row, label: str, rate, warmup, smoothing: float) -> dict[str, Row]:
    """One step of the recipe, at all batch sizes."""
    lines = (
        (batch, rate(batch), warmup(batch), smoothing, f"{label}, {size}")
        for batch, size in BATCHES.items()
    )
    columns = "batch_size  learning_rate  warmup_epochs  label_smoothing  label"
    return table("limit", base, f"{name}-{{batch_size}}", columns, *lines)


def _fixed(batch: int) -> float:
    return 0.1  # Goyal et al.'s at 256, whatever the batch


def _none(batch: int) -> float:
    return 0.0


_momentum_rate = functools.partial(sqrt_scaling, 0.1, 256)
_lars_rate = functools.partial(sqrt_scaling, 2**5.0, 32768)
_lamb_rate = functools.partial(sqrt_scaling, 4 / 100, 32768)
_lars_warmup, _lamb_warmup = (functools.partial(_warmup, epochs) for epochs in (10, 20))

# fmt: off
_STEPS = {
    **_step("baseline",  _MOMENTUM, "Momentum",          _fixed,         _none,        0.0),
    **_step("scaling",   _MOMENTUM, "+ scaling rule",    _momentum_rate, _none,        0.0),
    **_step("warmup",    _MOMENTUM, "+ warm-up",         _momentum_rate, _lars_warmup, 0.0),
    **_step("lars",      _LARS,     "+ LARS",            _lars_rate,     _lars_warmup, 0.0),
    **_step("smoothing", _LARS,     "+ label smoothing", _lars_rate,     _lars_warmup, 0.1),
    **_step("lamb",      _LAMB,     "LAMB",              _lamb_rate,     _lamb_warmup, 0.0),
}
# The best of three rates (.04, .044, .045), the mean of three runs: .7537, .7532, .7535.
_AS_RUN = table(
    "limit", table5_as_run.as_run(65536), "{optimizer}-{batch_size}-as-run",
    "batch_size  learning_rate  warmup_epochs           label               paper_top1  sources",
    (65536,      0.044,         500 * 65536 / WHOLE,    "LAMB as run, 64K", 0.7535,     _LOGGED),
)
# fmt: on
ROWS = twins({**_STEPS, **_AS_RUN, **limit_mnist.rows()})


def laptop(row: Row) -> Row:
    """LeNet on MNIST, the same shares of the data in a batch: up to all 60,000 images."""
    return _smaller(row, "mnist", "laptop scale")


def laptop_cifar10(row: Row) -> Row:
    """LeNet on CIFAR-10, up to all 50,000 images."""
    return _smaller(row, "cifar10", "laptop-cifar10 scale")


def _smaller(row: Row, dataset: str, scale: str) -> Row:
    if row.dataset == "mnist":
        return limit_mnist.smaller(row, dataset, scale)
    row = replaced(
        row, f"{scale}: the same share of the data", batch_size=proportional_batch(row, dataset)
    )
    row = replaced(
        row,
        f"{scale}: {LAPTOP_EPOCHS} of 90 epochs",
        epochs=LAPTOP_EPOCHS,
        warmup_epochs=row.warmup_epochs * LAPTOP_EPOCHS / 90,
    )
    return small_scales.small_model(row, dataset, scale)


def smoke(row: Row) -> Row:
    """A few steps on scikit-learn's digits: does it run at all?"""
    return limit_mnist.smoke(row) if row.dataset == "mnist" else small_scales.smoke(row)
