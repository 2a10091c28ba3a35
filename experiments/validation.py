"""Refuses a row whose values make no sense, naming the field, the value and what was wanted."""

from __future__ import annotations

from largebatch.experiments import names
from largebatch.experiments.errors import UserError, nearest
from largebatch.experiments.experiment import Row

_CHOICES = {
    "model": names.MODELS,
    "dataset": tuple(names.TRAINING_EXAMPLES),
    "augment": names.AUGMENTATIONS,
    "optimizer": tuple(names.OPTIMIZER_SETTINGS),
    "schedule": names.SCHEDULES,
    "decay_from": names.DECAY_STARTS,
    "precision": names.PRECISIONS,
}
_POSITIVE = (
    "epochs",
    "batch_size",
    "learning_rate",
    "eval_every_epochs",
    "model_width",
    "clip_norm",
)
_NOT_NEGATIVE = ("weight_decay", "l2_regularization", "warmup_epochs", "epsilon")
_FRACTIONS = ("label_smoothing", "momentum", "beta_1", "beta_2")  # in [0, 1)


def validate(row: Row) -> Row:
    """Returns `row`, or raises UserError naming its first senseless field."""
    for field, valid in _CHOICES.items():
        value = getattr(row, field)
        if value not in valid:
            hint = nearest(str(value), valid)
            raise UserError(
                f"{row.name}: unknown {field} {value!r}{hint}; valid: {', '.join(valid)}"
            )
    for field in _POSITIVE:
        value = getattr(row, field)
        if value is not None and not value > 0:
            raise UserError(f"{row.name}: {field} is {value!r}, want a value above 0")
    for field in _NOT_NEGATIVE:
        value = getattr(row, field)
        if value is not None and not value >= 0:
            raise UserError(f"{row.name}: {field} is {value!r}, want a value of 0 or more")
    for field in _FRACTIONS:
        value = getattr(row, field)
        if value is not None and not 0 <= value < 1:
            raise UserError(f"{row.name}: {field} is {value!r}, want a value in [0, 1)")
    if row.warmup_epochs >= row.epochs:
        raise UserError(
            f"{row.name}: warmup_epochs is {row.warmup_epochs!r}, want less than the run's "
            f"{row.epochs!r} epochs"
        )
    return row
