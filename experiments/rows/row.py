"""A row: one run of the paper, as a flat frozen dataclass, and what is derived from it.

Nothing derived is stored: steps, warm-up steps and stages are computed from the fields when they
are asked for, so they are right after any override or change of scale.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from largebatch.experiments.rows import choices
from largebatch.experiments.rows.author_code import AS_RUN
from largebatch.experiments.rows.source import Source


class Stage(NamedTuple):
    """One stage of training. With the row's `rewarmup` the schedule restarts with each; otherwise
    they share one decay, and the later ones have no warm-up."""

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
    same_run_as: str = ""  # the row whose run this one shows
    twin: str = ""  # of a row as printed, the row as run; and the other way round
    task: str = "classification"

    # Model and data.
    model: str = ""
    model_width: float | None = None  # lenet5, mnist_convnet: factor; else channels
    dataset: str = ""
    examples: int | None = None  # N, of a part of the training split; None: all of it
    augment: str = "none"
    image_size: int | None = None  # pixels a side that images of many sizes are resized to
    label_smoothing: float = 0.0
    dropout: float | None = None
    zero_last_scale: bool | None = None  # resnet50: a block begins as the identity
    kernel_init: str | None = None  # resnet50: variance 2 / fan_out, or 1 / fan_in, truncated
    norm_group: int | None = None  # replicas that share batch statistics; None: each its own
    norm_batch: int | None = None  # images that share batch statistics; None: a micro-batch's
    precision: str = "float32"

    # Optimizer.
    optimizer: str = ""
    learning_rate: float = 0.0  # peak
    weight_decay: float = 0.0  # decoupled from the gradient; inside the trust ratio for LAMB, LARS
    decay_form: str | None = None  # of AdamW: rate, w -= eta lambda w; plain, w -= lambda w
    l2_regularization: float = 0.0  # added to the gradient: l2 * weights
    momentum: float | None = None
    nesterov: bool | None = None
    beta_1: float | None = None
    beta_2: float | None = None
    epsilon: float | None = None
    initial_accumulator_value: float | None = None  # of AdaGrad's sum of squares
    bias_correction: bool | None = None  # of LAMB's moments (appendix E)
    momentum_schedule: str | None = None  # of beta_1 in N-LAMB, NN-LAMB and Nadam
    norm: str | None = None  # of a layer, in its trust ratio (appendix F)
    phi_bounds: tuple[float, float] | None = None  # (gamma_l, gamma_u) of phi, on the weights' norm
    form: str | None = None  # of LARS: the paper's Algorithm 1, or You et al. 2017
    trust_coefficient: float | None = None  # of LARS
    max_ratio: float | None = None  # of LARS: the trust ratio is at most this
    exclude_from_weight_decay: str | None = None  # nor regularized: a preset; None: by optimizer
    exclude_from_layer_adaptation: str | None = None  # a preset; None: by optimizer
    clip_norm: float | None = None  # of the global gradient
    clip_batch: int | None = None  # examples whose mean gradient is clipped; None: the whole batch

    # Length and schedule.
    epochs: float = 0
    batch_size: int = 0  # global
    pad_batch: bool | None = None  # with weight 0, where the devices do not divide it; None: refuse
    schedule: str = "warmup_linear"
    warmup_epochs: float = 0.0
    initial_learning_rate: float | None = None  # goyal: where its warm-up starts; None: 0
    decay_from: str = "start"  # where the decay counts from: the start, or the end of warm-up
    decay_power: float | None = None  # of (1 - t/T); None: 1, the paper's linear decay
    end_learning_rate: float | None = None  # at T; None: 0
    floor_epochs: bool | None = None  # an epoch is floor(N / batch_size) updates; None: not rounded
    eval_subset: int | None = None  # the first so many test images are scored by themselves, too
    eval_every_epochs: float = 1  # of text, which has no epochs: in shares of the run

    # Text: pre-training in two stages, the second one with longer sequences (section 4.1). None
    # for images.
    vocabulary_size: int | None = None
    sequence_length: int | None = None  # tokens, in stage 1
    total_steps: int | None = None  # updates of both stages
    warmup_ratio: float | None = None  # of the schedule's steps: all of them, or stage 1's
    stage2_steps: int | None = None  # updates, of the total
    stage2_sequence_length: int | None = None
    stage2_batch_size: int | None = None  # None: as stage 1, here and below
    stage2_learning_rate: float | None = None
    stage2_warmup_ratio: float | None = None  # of stage 2's steps, where it warms up again
    rewarmup: bool | None = None  # stage 2 restarts the schedule; False: one schedule over both
    keep_moments: bool | None = None  # the optimizer's, from stage 1 to stage 2

    # Fine-tuning on SQuAD v1.1, whose F1 score is the metric of a pre-training run.
    squad_epochs: float | None = None
    squad_batch_size: int | None = None
    squad_learning_rate: float | None = None  # peak
    squad_warmup_ratio: float | None = None
    squad_sequence_length: int | None = None
    squad_stride: int | None = None  # tokens between the starts of two windows of a paragraph

    # What the paper prints for this row.
    paper_accuracy: float | None = None
    paper_top1: float | None = None
    paper_top5: float | None = None
    paper_f1: float | None = None
    paper_exact_match: float | None = None
    paper_chips: int | None = None
    paper_time: str | None = None
    paper_hardware: str | None = None
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

    def printed_source(self, metric: str) -> Source:
        """Where the printed value of `metric` is from: the paper, or a log of its author's code."""
        return self.sources.get(f"paper_{metric}", Source("paper", "printed there"))

    @property
    def follows_code(self) -> bool:
        """Whether this is the row as run, beside the one as printed that `twin` names."""
        return bool(self.twin) and self.twin != f"{self.name}{AS_RUN}"

    @property
    def run_name(self) -> str:
        """The name of the run whose result this row shows."""
        return self.same_run_as or self.name

    @property
    def metric(self) -> str | None:
        """The metric that this row is judged by; higher is better.

        The paper's; of a pre-training that is scaled down or not on the paper's text, which is too
        short for SQuAD to tell much, the accuracy of the masked language model on held-out text.
        """
        if self.task == "pretraining":
            whole = self.scale == "paper" and self.dataset == "wikipedia_books"
            return "f1" if whole else "masked_lm_accuracy"
        paper = self.paper
        printed = next((m for m in ("f1", "top1", "accuracy") if m in paper), None)
        return printed or ("top1" if self.table else None)

    @property
    def subset_metric(self) -> str | None:
        """The metric over the first `eval_subset` test images, which the printed value is of; None
        where that is of all, and for a scaled row, beside which nothing is printed."""
        metric = self.metric
        if self.eval_subset is None or self.scale != "paper" or metric not in _SCORED_IN_PART:
            return None
        return f"{metric}_subset"

    @property
    def training_examples(self) -> int | None:
        """N; None for text, of which a run sees as much as its steps take."""
        if self.examples is not None:
            return self.examples
        return choices.TRAINING_EXAMPLES.get(self.dataset)

    @property
    def steps_per_epoch(self) -> float | None:
        """N / batch_size, not rounded: a batch may straddle two epochs. None for text.

        With `floor_epochs` floor(N / batch_size): an epoch's last images are the next one's first.
        """
        if self.training_examples is None:
            return None
        if self.floor_epochs:
            return float(self.training_examples // self.batch_size)
        return self.training_examples / self.batch_size

    @property
    def steps(self) -> int:
        """ceil(epochs * N / batch_size) updates, or round(epochs * floor(N / batch_size)) with
        `floor_epochs`; of text, `total_steps`."""
        if self.total_steps is not None:
            return self.total_steps
        if self.floor_epochs:
            return max(1, round(self.epochs * self.steps_per_epoch))
        # Rounded first: 0.1 * 60000 / 1000 is 6.000000000000001 in floating point.
        return math.ceil(round(self.epochs * self.training_examples / self.batch_size, 6))

    @property
    def warmup_steps(self) -> int:
        """Of the first schedule: warmup_epochs or warmup_ratio in updates, rounded, and less than
        the schedule's steps."""
        if self.warmup_ratio is not None:
            steps = self.steps - (self.stage2_steps or 0) if self.rewarmup else self.steps
            return _share(self.warmup_ratio, steps)
        wanted = round(self.warmup_epochs * self.steps_per_epoch)
        return max(0, min(wanted, self.steps - 1))

    @property
    def eval_every(self) -> int:
        """Updates between evaluations, of which there is one at the end whatever this is.

        `eval_every_epochs` in updates; a run that is not longer has that one alone.
        """
        if self.training_examples is None:
            return max(1, round(self.eval_every_epochs * self.steps))
        if self.eval_every_epochs >= self.epochs:
            return self.steps
        return max(1, round(self.eval_every_epochs * self.steps_per_epoch))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """One stage, or two; a second one that does not warm up again has 0 warm-up steps."""
        later = self.stage2_steps or 0
        first = Stage(
            self.sequence_length,
            self.batch_size,
            self.steps - later,
            self.learning_rate,
            self.warmup_steps,
        )
        if not later:
            return (first,)
        ratio = self.warmup_ratio if self.stage2_warmup_ratio is None else self.stage2_warmup_ratio
        second = Stage(
            self.stage2_sequence_length or self.sequence_length,
            self.stage2_batch_size or self.batch_size,
            later,
            self.stage2_learning_rate or self.learning_rate,
            _share(ratio or 0.0, later) if self.rewarmup else 0,
        )
        return (first, second)

    @property
    def optimizer_settings(self) -> dict[str, Any]:
        """What is given of the settings that this row's optimizer reads, but for the rate."""
        given = {f: getattr(self, f) for f in self.optimizer_fields}
        given = {field: value for field, value in given.items() if value is not None}
        return {f: [] if value == choices.NOTHING else value for f, value in given.items()}

    @property
    def unused_fields(self) -> tuple[str, ...]:
        """The settings that this row's task does not read."""
        others = (f for task, f in choices.TASK_FIELDS.items() if task != self.task)
        return tuple(field for fields in others for field in fields)

    @property
    def optimizer_fields(self) -> tuple[str, ...]:
        return choices.OPTIMIZER_SETTINGS[self.optimizer]


_SCORED_IN_PART = ("accuracy", "top1")
_FIELDS = tuple(field.name for field in dataclasses.fields(Row))
PAPER_FIELDS = tuple(field for field in _FIELDS if field.startswith("paper_"))
IDENTITY_FIELDS = (
    *("name", "table", "label", "same_run_as", "twin", "task"),
    *("scale", "grid", "overrides", "sources"),
)
# What can be set, and what must have a source.
SETTINGS = tuple(f for f in _FIELDS if f not in PAPER_FIELDS and f not in IDENTITY_FIELDS)


def _share(ratio: float, steps: int) -> int:
    """round(ratio x steps), and less than `steps`."""
    return max(0, min(round(ratio * steps), steps - 1))
