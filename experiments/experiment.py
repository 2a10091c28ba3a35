"""A row: one run of the paper, as a flat frozen dataclass, and what is derived from it.

Nothing derived is stored: steps, warm-up steps and stages are computed from the fields when they
are asked for, so they are right after any override or change of scale.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from largebatch.experiments import names
from largebatch.experiments.sources import Source


class Stage(NamedTuple):
    """One stage of training; the schedule restarts with each."""

    sequence_length: int | None  # tokens; None where the data are images
    batch_size: int  # global, examples an update
    steps: int  # updates
    learning_rate: float  # peak
    warmup_steps: int  # updates


@dataclasses.dataclass(frozen=True)
class Row:
    """One run of the paper. None means the default of the optimizer, or 'not used'."""

    # What it is. Set by table(), never by the user.
    name: str = ""  # table7/lamb
    table: str = ""  # table7
    label: str = ""  # as the paper prints it
    task: str = "classification"

    # Model and data.
    model: str = ""
    model_width: float | None = None  # lenet5: factor; davidnet: channels of the first layer
    dataset: str = ""
    augment: str = "none"
    label_smoothing: float = 0.0
    precision: str = "float32"

    # Optimizer.
    optimizer: str = ""
    learning_rate: float = 0.0  # peak
    weight_decay: float = 0.0  # decoupled from the gradient; inside the trust ratio for LAMB, LARS
    l2_regularization: float = 0.0  # added to the gradient: l2 * weights
    momentum: float | None = None
    nesterov: bool | None = None
    beta_1: float | None = None
    beta_2: float | None = None
    epsilon: float | None = None
    clip_norm: float | None = None  # of the global gradient

    # Length and schedule.
    epochs: float = 0
    batch_size: int = 0  # global
    schedule: str = "warmup_linear"
    warmup_epochs: float = 0.0
    decay_from: str = "start"  # where linear decay counts from: the start, or the end of warm-up
    eval_every_epochs: float = 1

    # What the paper prints for this row.
    paper_accuracy: float | None = None
    paper_top1: float | None = None
    paper_top5: float | None = None
    paper_f1: float | None = None
    paper_exact_match: float | None = None
    paper_chips: int | None = None
    paper_time: str | None = None
    paper_status: str | None = None
    paper_last_loss: float | None = None
    paper_last_step: int | None = None

    # How it came about.
    scale: str = "paper"
    grid: Mapping[str, tuple] = dataclasses.field(default_factory=dict)  # the tuning space
    overrides: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    sources: Mapping[str, Source] = dataclasses.field(default_factory=dict)

    @property
    def paper(self) -> dict[str, Any]:
        """metric -> the value that the paper prints."""
        values = {field[len("paper_") :]: getattr(self, field) for field in PAPER_FIELDS}
        return {metric: value for metric, value in values.items() if value is not None}

    @property
    def metric(self) -> str | None:
        """The metric that the paper judges this row by; higher is better."""
        return next((m for m in ("f1", "top1", "accuracy") if m in self.paper), None)

    @property
    def training_examples(self) -> int:
        return names.TRAINING_EXAMPLES[self.dataset]

    @property
    def steps_per_epoch(self) -> float:
        """N / batch_size, not rounded: a batch may straddle two epochs."""
        return self.training_examples / self.batch_size

    @property
    def steps(self) -> int:
        """ceil(epochs * N / batch_size) updates."""
        # Rounded first: 0.1 * 60000 / 1000 is 6.000000000000001 in floating point.
        return math.ceil(round(self.epochs * self.training_examples / self.batch_size, 6))

    @property
    def warmup_steps(self) -> int:
        """round(warmup_epochs * N / batch_size) updates, less than `steps`."""
        wanted = round(self.warmup_epochs * self.training_examples / self.batch_size)
        return max(0, min(wanted, self.steps - 1))

    @property
    def stages(self) -> tuple[Stage, ...]:
        return (Stage(None, self.batch_size, self.steps, self.learning_rate, self.warmup_steps),)

    @property
    def optimizer_settings(self) -> dict[str, Any]:
        """What is given of the settings that this row's optimizer reads, but for the rate."""
        return {f: getattr(self, f) for f in self.optimizer_fields if getattr(self, f) is not None}

    @property
    def optimizer_fields(self) -> tuple[str, ...]:
        return names.OPTIMIZER_SETTINGS[self.optimizer]


_FIELDS = tuple(field.name for field in dataclasses.fields(Row))
PAPER_FIELDS = tuple(field for field in _FIELDS if field.startswith("paper_"))
IDENTITY_FIELDS = ("name", "table", "label", "task", "scale", "grid", "overrides", "sources")
# What can be set, and what must have a source.
SETTINGS = tuple(f for f in _FIELDS if f not in PAPER_FIELDS and f not in IDENTITY_FIELDS)
