"""The contract between the loop and what it trains."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import tensorflow as tf

Batch = Mapping[str, tf.Tensor]


class Stage(Protocol):
    """A part of a run with one batch size; a run has one or more, back to back."""

    batch_size: int  # examples in one update, over all replicas and micro-batches
    steps: int  # updates


class Task(abc.ABC):
    """What the loop needs to know of a model and its data.

    A task knows nothing of the strategy, of the optimizer, or of how often a checkpoint is
    written. The element of its datasets is one micro-batch of one replica: a dictionary of
    tensors whose leading dimension is static.
    """

    # Keys of a training batch that hold this replica's part of a total over the whole update (a
    # scalar). The loop replaces each by the sum over all replicas before it asks for the loss: a
    # loss of two terms with a normaliser each needs to know them before the gradient is taken.
    update_totals: Sequence[str] = ()

    # Whether the datasets fill up, with examples of weight 0, a batch that the devices do not
    # divide. Otherwise such a batch is refused.
    pads_batches: bool = False

    @property
    @abc.abstractmethod
    def stages(self) -> Sequence[Stage]:
        """The stages of the run, in order."""

    @property
    def eval_examples(self) -> int | None:
        """How many examples an evaluation must count, with those that it says it left out.

        None: it is not known.
        """
        return None

    @abc.abstractmethod
    def build_model(self) -> tf.keras.Model:
        """Returns a freshly initialised model. Called once, under the strategy's scope."""

    @abc.abstractmethod
    def train_dataset(
        self, stage: int, context: tf.distribute.InputContext, micro_batch: int, first_step: int
    ) -> tf.data.Dataset:
        """Returns this host's micro-batches of a stage, from update `first_step` of it on.

        Must be a pure function of its arguments and the task: that is what makes a resumed run
        the same run. Per update it yields accumulation x local replicas elements.
        """

    @abc.abstractmethod
    def eval_dataset(self, context: tf.distribute.InputContext, batch: int) -> tf.data.Dataset:
        """Returns this host's padded evaluation batches: every example once, weight 0 on padding.

        All hosts yield the same number of batches, a multiple of the host's replicas. Examples that
        "left_out" or "subset" (float32 [b]) gives weight to are counted by themselves.
        """

    @abc.abstractmethod
    def forward(self, model: tf.keras.Model, batch: Batch, training: bool) -> Any:
        """Returns the model's outputs for a batch."""

    @abc.abstractmethod
    def loss(self, outputs: Any, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (sum of the per-example losses, sum of the weights), float32 scalars.

        The loop divides only after it has summed both over micro-batches and replicas.
        """

    @abc.abstractmethod
    def metrics(self, outputs: Any, batch: Batch) -> Mapping[str, tuple[tf.Tensor, tf.Tensor]]:
        """Returns evaluation metrics, each as (sum, weight), float32 scalars."""

    def finish_evaluation(self, results: dict[str, float]) -> dict[str, float]:
        """Returns the figures of an evaluation, from the means over all of its examples."""
        return results
