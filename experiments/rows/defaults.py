"""What a setting is that a row leaves open: the default of its optimizer or its model, or 'off'.

Plain values, so that rows can be described, compared and listed without TensorFlow; a test compares
them with the rooms' own.
"""

from __future__ import annotations

from typing import Any

from largebatch.experiments.rows import choices
from largebatch.experiments.rows.row import SETTINGS, Row
from largebatch.models import image_models

_ADAM = {"beta_1": 0.9, "beta_2": 0.999}
_KERAS = {
    "weight_decay": 0.0,
    "l2_regularization": 0.0,
    "exclude_from_weight_decay": choices.NOTHING,
}
_LAYERWISE = {
    "weight_decay": 0.01,
    "exclude_from_weight_decay": "default",
    "exclude_from_layer_adaptation": "default",
    "norm": "l2",
    "phi_bounds": None,
}
_NESTEROV_LAMB = {**_ADAM, **_LAYERWISE, "beta_1": 0.975, "epsilon": 1e-8,
                  "momentum_schedule": "dozat"}  # fmt: skip

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": _KERAS,
    "momentum": {**_KERAS, "momentum": 0.9, "nesterov": False},
    "adagrad": {**_KERAS, "epsilon": 1e-7, "initial_accumulator_value": 0.1},
    "adam": {**_KERAS, **_ADAM, "epsilon": 1e-7},
    "adamw": {**_KERAS, **_ADAM, "epsilon": 1e-7, "weight_decay": 0.01, "decay_form": "rate"},
    "bert_adamw": {**_ADAM, "epsilon": 1e-6, "weight_decay": 0.01,
                   "exclude_from_weight_decay": "bert"},
    "nadam": {**_ADAM, "beta_1": 0.975, "epsilon": 1e-8, "momentum_schedule": "dozat"},
    "lamb": {**_ADAM, **_LAYERWISE, "epsilon": 1e-6, "bias_correction": True},
    "nlamb": _NESTEROV_LAMB,
    "nnlamb": _NESTEROV_LAMB,
    "lars": {**_LAYERWISE, "momentum": 0.9, "nesterov": False, "weight_decay": 1e-4,
             "form": "lamb_paper", "trust_coefficient": None, "max_ratio": None},
    "tfa_lamb": {**_ADAM, "epsilon": 1e-6, "weight_decay": 0.01,
                 "exclude_from_weight_decay": "default"},
}  # fmt: skip
MODELS: dict[str, dict[str, Any]] = {
    name: {"model_width" if field == "width" else field: value
           for field, value in model.defaults.items() if value is not None}
    for name, model in image_models.IMAGE_MODELS.items()
}  # fmt: skip
# What None means in a setting that is neither an optimizer's nor a model's, and what else it does.
OFF = {
    "examples": "all training examples",
    "image_size": "the images as they are",
    "norm_batch": "a micro-batch's images share batch statistics",
    "clip_norm": "gradients are not clipped",
    "clip_batch": "the mean gradient of the whole batch is clipped",
    "pad_batch": "the devices have to divide the batch",
    "initial_learning_rate": "the warm-up starts from rate 0",
    "decay_power": "the decay is linear",
    "end_learning_rate": "the rate ends at 0",
    "floor_epochs": "an epoch is N / batch_size updates, not rounded",
    "eval_subset": "all test images are scored, no part of them by itself",
    "phi_bounds": "phi(z) = z",
    "trust_coefficient": "1 in the paper's form; 0.001 in that of 2017",
    "max_ratio": "the trust ratio is not bounded",
    "stage2_learning_rate": "as stage 1",
    "stage2_batch_size": "as stage 1",
    "stage2_warmup_ratio": "as stage 1",
}
# Settings that mean something only with others: field -> whether the row reads it.
_ONLY_WITH = {
    "decay_from": lambda row: row.schedule == "warmup_linear",
    "decay_power": lambda row: row.schedule == "warmup_linear",
    "end_learning_rate": lambda row: row.schedule == "warmup_linear",
    "initial_learning_rate": lambda row: row.schedule == "goyal",
    "warmup_epochs": lambda row: row.schedule != "constant",
    "clip_batch": lambda row: row.clip_norm is not None,
    "stage2_learning_rate": lambda row: bool(row.stage2_steps),
    "stage2_batch_size": lambda row: bool(row.stage2_steps),
    "stage2_sequence_length": lambda row: bool(row.stage2_steps),
    "stage2_warmup_ratio": lambda row: bool(row.stage2_steps and row.rewarmup),
    "rewarmup": lambda row: bool(row.stage2_steps),
    "keep_moments": lambda row: bool(row.stage2_steps),
    "floor_epochs": lambda row: row.task == "classification",
    "eval_subset": lambda row: row.task == "classification",
    "image_size": lambda row: row.dataset in choices.STREAMED_IMAGES,
}
_OF_OPTIMIZERS = {
    field for kept in (OPTIMIZERS, choices.OPTIMIZER_SETTINGS) for fields in kept.values()
    for field in fields
}  # fmt: skip
_OF_MODELS = {"model_width"} | {
    field for fields in choices.MODEL_SETTINGS.values() for field in fields
}


def reads(row: Row, field: str) -> bool:
    """Whether the value of `field` changes anything in a run of `row`."""
    if field in row.unused_fields:
        return False
    if field in _OF_OPTIMIZERS and field not in row.optimizer_fields:
        return False
    if field in _OF_MODELS:
        of_bert = row.task == "pretraining" and field == "dropout"
        if not of_bert and field not in ("model_width", *choices.MODEL_SETTINGS.get(row.model, ())):
            return False
    return field not in _ONLY_WITH or _ONLY_WITH[field](row)


def settings_read(row: Row) -> tuple[str, ...]:
    """The settings that a run of `row` reads, in the order of the row's fields."""
    return tuple(field for field in SETTINGS if reads(row, field))


def filled(field: str, value: Any, optimizer: str, model: str) -> Any:
    """`value`, or what None stands for with this optimizer and model: a value, None for 'off'."""
    if value is not None:
        return value
    default = OPTIMIZERS.get(optimizer, {}).get(field)
    return MODELS.get(model, {}).get(field) if default is None else default


def value_of(row: Row, field: str) -> Any:
    """The row's value of `field`, with what it stands for where it is left open and read."""
    value = getattr(row, field)
    return filled(field, value, row.optimizer, row.model) if reads(row, field) else value


def why(row: Row, field: str) -> str:
    """What holds for a setting that `row` reads and leaves open."""
    if filled(field, None, row.optimizer, row.model) is None:
        return OFF[field]
    return f"the default of {row.optimizer if field in row.optimizer_fields else row.model}"
