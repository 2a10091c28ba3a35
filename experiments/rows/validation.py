"""Refuses a row whose values make no sense, naming the field, the value and what was wanted."""

from __future__ import annotations

from largebatch.experiments.program.errors import UserError, nearest
from largebatch.experiments.rows import choices
from largebatch.experiments.rows.row import Row
from largebatch.models.bert_sizes import is_bert

_CHOICES = {
    "task": choices.TASKS,
    "model": choices.MODELS,
    "dataset": choices.DATASETS,
    "augment": choices.AUGMENTATIONS,
    "optimizer": tuple(choices.OPTIMIZER_SETTINGS),
    "schedule": choices.SCHEDULES,
    "decay_from": choices.DECAY_STARTS,
    "precision": choices.PRECISIONS,
}
_POSITIVE = (
    *("batch_size", "learning_rate", "eval_every_epochs", "model_width", "clip_norm"),
    *("examples", "image_size", "initial_learning_rate", "decay_power", "norm_group"),
    *("norm_batch", "clip_batch", "eval_subset"),
    *("trust_coefficient", "max_ratio"),
    *("vocabulary_size", "sequence_length", "total_steps", "stage2_steps"),
    *("stage2_sequence_length", "stage2_batch_size", "stage2_learning_rate"),
    *("squad_epochs", "squad_batch_size", "squad_learning_rate"),
    *("squad_sequence_length", "squad_stride"),
)
_NOT_NEGATIVE = (
    *("weight_decay", "l2_regularization", "warmup_epochs", "epsilon", "end_learning_rate"),
    "initial_accumulator_value",
)
_FRACTIONS = (
    *("label_smoothing", "momentum", "beta_1", "beta_2", "dropout"),
    *("warmup_ratio", "stage2_warmup_ratio", "squad_warmup_ratio"),
)
_RANGES = (
    (_POSITIVE, lambda value: value > 0, "above 0"),
    (_NOT_NEGATIVE, lambda value: value >= 0, "of 0 or more"),
    (_FRACTIONS, lambda value: 0 <= value < 1, "in [0, 1)"),
)
_OPTIONAL_CHOICES = {
    "kernel_init": choices.KERNEL_INITS,
    "decay_form": choices.DECAY_FORMS,
    "exclude_from_weight_decay": choices.EXCLUSIONS,
    "exclude_from_layer_adaptation": choices.EXCLUSIONS,
    "norm": choices.NORMS,
    "form": choices.LARS_FORMS,
    "momentum_schedule": choices.MOMENTUM_SCHEDULES,
}
_NEEDED = {  # by the task
    "classification": ("epochs",),
    "pretraining": (
        *("total_steps", "sequence_length", "vocabulary_size", "warmup_ratio", "dropout"),
        *("squad_epochs", "squad_batch_size", "squad_learning_rate", "squad_warmup_ratio"),
        *("squad_sequence_length", "squad_stride"),
    ),
}
_MODELS = {"classification": choices.IMAGE_MODELS, "pretraining": choices.BERT_MODELS}
_DATASETS = {"classification": tuple(choices.TRAINING_EXAMPLES), "pretraining": choices.TEXTS}


def validate(row: Row) -> Row:
    """Returns `row`, or raises UserError naming its first senseless field."""
    for field, valid in {**_CHOICES, **_OPTIONAL_CHOICES}.items():
        value = getattr(row, field)
        left_open = value is None and field in _OPTIONAL_CHOICES
        if value not in valid and not left_open and not (field == "model" and is_bert(value)):
            hint = nearest(str(value), valid)
            raise UserError(
                f"{row.name}: unknown {field} {value!r}{hint}; valid: {', '.join(valid)}"
            )
    for fields, is_right, wanted in _RANGES:
        for field in fields:
            value = getattr(row, field)
            if value is not None and not is_right(value):
                raise UserError(f"{row.name}: {field} is {value!r}, want a value {wanted}")
    for field, of_task in (("model", _MODELS), ("dataset", _DATASETS)):
        value = getattr(row, field)
        of_any_size = field == "model" and row.task == "pretraining" and is_bert(value)
        if value not in of_task[row.task] and not of_any_size:
            raise UserError(
                f"{row.name}: {field} {value!r} is not for {row.task}; valid: "
                f"{', '.join(of_task[row.task])}"
            )
    for field in _NEEDED[row.task]:
        if not getattr(row, field) and getattr(row, field) != 0.0:
            raise UserError(f"{row.name}: {field} is {getattr(row, field)!r}, want a value")
    if row.phi_bounds is not None:
        lower, upper = row.phi_bounds
        if not 0 <= lower <= upper or not upper:
            raise UserError(
                f"{row.name}: phi_bounds is {lower:g},{upper:g}; want a lower bound of 0 or more, "
                "then an upper one that is not below it, and above 0"
            )
    if row.task == "classification":
        _check_groups(row)
        _check_epochs(row)
        _check_images(row)
    elif (row.stage2_steps or 0) >= row.total_steps:
        raise UserError(
            f"{row.name}: stage2_steps is {row.stage2_steps!r}, want less than total_steps, "
            f"{row.total_steps!r}"
        )
    return row


def _check_groups(row: Row) -> None:
    norm, clip = row.norm_batch, row.clip_batch
    if norm and row.norm_group:
        raise UserError(
            f"{row.name}: norm_batch is {norm!r} and norm_group {row.norm_group!r}; want batch "
            "statistics of so many images, or of so many replicas, and none for the other"
        )
    if clip and row.clip_norm is None:
        raise UserError(f"{row.name}: clip_batch is {clip!r} without a clip_norm; set both")
    if clip and row.norm_group:
        raise UserError(
            f"{row.name}: clip_batch is {clip!r} with norm_group {row.norm_group!r}; a group that "
            "is clipped lies on one replica, so want norm_batch"
        )
    for field in ("norm_batch", "clip_batch"):
        if row.batch_size % (getattr(row, field) or 1):
            raise UserError(
                f"{row.name}: {field} is {getattr(row, field)!r}, which does not divide the batch "
                f"of {row.batch_size!r}"
            )
    if norm and clip and clip % norm:
        raise UserError(f"{row.name}: norm_batch {norm!r} does not divide clip_batch {clip!r}")


def _check_epochs(row: Row) -> None:
    if not row.epochs > 0:
        raise UserError(f"{row.name}: epochs is {row.epochs!r}, want a value above 0")
    if row.floor_epochs and row.batch_size > row.training_examples:
        raise UserError(
            f"{row.name}: floor_epochs with a batch of {row.batch_size}: an epoch of "
            f"{row.training_examples} examples has no whole batch; want false"
        )
    if row.warmup_epochs >= row.epochs:
        raise UserError(
            f"{row.name}: warmup_epochs is {row.warmup_epochs!r}, want less than the run's "
            f"{row.epochs!r} epochs"
        )


def _check_images(row: Row) -> None:
    streamed = row.dataset in choices.STREAMED_IMAGES
    if streamed != (row.augment == "inception_crop"):
        wanted = "inception_crop" if streamed else "none, crop_flip or davidnet"
        raise UserError(
            f"{row.name}: augment {row.augment!r} is not for {row.dataset}; want {wanted}"
        )
    if streamed != (row.image_size is not None):
        wanted = "pixels, 224 for example" if streamed else "none: its images are of one size"
        raise UserError(
            f"{row.name}: image_size is {row.image_size!r} with {row.dataset}; want {wanted}"
        )
