"""The smaller scales of everything that the paper ran on ImageNet.

`laptop` is LeNet on MNIST, `laptop_cifar10` the same on CIFAR-10: the row's optimizer, schedule and
ratios of batch sizes, with 512 to 32K become 64 to 4096 and 90 epochs become 9. `smoke` is a few
steps on scikit-learn's digits.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from largebatch.experiments.recipes.imagenet import FITTED_L2, LAMB_CODE
from largebatch.experiments.rows import choices
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.scale import replaced

DIVISOR = 8  # of the batch
EPOCHS = 10  # divisor of the epochs
# LeNet has no batch norm and other rates suit it: each baseline's rates, and those of its tuning
# tables, are multiplied by the power of two that moves the paper's best to LeNet's, as found by a
# scan on MNIST at the laptop's batch of 2048 with seed 0. (AdaGrad's: at four times this rate seed
# 0 came to 0.979, and seeds 1 and 2 stayed at chance.) LAMB and LARS keep the paper's: that they
# need no tuning is the claim.
RATE_FACTORS = {
    ("momentum", "goyal"): 1 / 256,
    ("adagrad", "constant"): 1 / 8,
    ("adagrad", "goyal"): 1 / 256,
    ("adam", "constant"): 4,
    ("adam", "goyal"): 8,
    ("adamw", "constant"): 4,
    ("adamw", "goyal"): 8,
}


def laptop(row: Row) -> Row:
    """LeNet on MNIST."""
    return _smaller(row, "mnist", "laptop scale")


def laptop_cifar10(row: Row) -> Row:
    """LeNet on CIFAR-10: harder, so that optimizers differ by more than MNIST shows."""
    return _smaller(row, "cifar10", "laptop-cifar10 scale")


def _smaller(row: Row, dataset: str, scale: str) -> Row:
    factor = RATE_FACTORS.get((row.optimizer, row.schedule), 1.0)
    if factor != 1:
        initial = row.initial_learning_rate
        row = replaced(
            row,
            f"{scale}: the row's x {factor:g}, for a model without batch norm",
            learning_rate=row.learning_rate * factor,
            initial_learning_rate=None if initial is None else initial * factor,
        )
        grid = {f: tuple(v * factor for v in values) if f == "learning_rate" else values
                for f, values in row.grid.items()}  # fmt: skip
        row = dataclasses.replace(row, grid=grid)
    row = replaced(row, f"{scale}: / {DIVISOR}", batch_size=row.batch_size // DIVISOR)
    row = replaced(
        row,
        f"{scale}: / {EPOCHS}",
        epochs=row.epochs / EPOCHS,
        warmup_epochs=row.warmup_epochs / EPOCHS,
    )
    return small_model(row, dataset, scale)


def small_model(row: Row, dataset: str, scale: str) -> Row:
    """LeNet on a data set that fits into memory, with the row's recipe."""
    if row.optimizer == "lars":
        # Rates of 4 to 32 are for a trust ratio; without batch norm a bias that takes them whole
        # diverges.
        row = replaced(
            row,
            f"{scale}: biases are adapted too, in a model without batch norm",
            exclude_from_layer_adaptation=choices.NOTHING,
        )
    of_resnet50 = [*LAMB_CODE.items(), *FITTED_L2.items()]
    kept = {f: getattr(Row(), f) for f, source in of_resnet50 if row.sources.get(f) == source}
    # What the first author's code settles of ResNet-50 on ImageNet says nothing of a LeNet.
    row = replaced(row, f"{scale}: left open, as for any LeNet", **kept)
    return replaced(
        row,
        f"{scale}: LeNet on {dataset}",
        model="lenet5",
        model_width=1.0,
        dataset=dataset,
        augment="none",
        image_size=None,
        precision="float32",
        dropout=None,
        zero_last_scale=None,
        kernel_init=None,
        norm_group=None,
        norm_batch=None,
        eval_subset=None,
    )


def smoke(row: Row) -> Row:
    """A few steps on scikit-learn's digits: does it run at all?"""
    return few_steps(laptop(row))


def few_steps(row: Row, model_width: float = 0.25, **more: Any) -> Row:
    """Eight updates of the row's model, narrower, on scikit-learn's digits."""
    digits = choices.TRAINING_EXAMPLES["digits"]
    return replaced(
        row,
        "smoke scale: a few steps on scikit-learn's digits",
        dataset="digits",
        model_width=model_width,
        batch_size=32,
        clip_batch=None if row.clip_batch is None else 4,
        epochs=8 * 32 / digits,
        warmup_epochs=2 * 32 / digits if row.warmup_epochs else 0,
        eval_every_epochs=4 * 32 / digits,
        **more,
    )
