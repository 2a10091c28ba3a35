"""The SQuAD v1.1 fine-tuning task: where in a window an answer starts and ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from largebatch.data import Updates, squad_train_dataset
from largebatch.data.squad.squad_features import SquadWindows
from largebatch.experiments.rows.row import Row, Stage
from largebatch.experiments.tasks.pretraining import MAX_POSITIONS
from largebatch.models import bert_span_model
from largebatch.tpu import Task, without_autograph
from largebatch.tpu.loop.task import Batch

OWN_SHAPE = {"max_positions": MAX_POSITIONS}


class SpanPrediction(Task):
    """A row's encoder with SQuAD's head.

        loss of a window = (-log p(start) - log p(end)) / 2

    Args:
      row: Gives the model, dropout and the fine-tuning's settings.
      stage: Its length and rate.
      windows: Training windows, as `squad_windows` makes them.
      seed: Of the order of the windows and of dropout.
      load_encoder: Gives a new model's encoder the pre-trained weights.
      shape: Of the encoder, for `build_span_model`.
    """

    def __init__(
        self,
        row: Row,
        stage: Stage,
        windows: SquadWindows,
        seed: int,
        load_encoder: Callable[[tf.keras.Model], None],
        shape: Mapping[str, Any] | None = None,
    ):
        self._row = row
        self._stage = stage
        self._windows = windows
        self._seed = seed
        self._load_encoder = load_encoder
        self._shape = shape

    @property
    def stages(self) -> Sequence[Stage]:
        return (self._stage,)

    def build_model(self) -> tf.keras.Model:
        model = build_span_model(self._row, self._shape)
        self._load_encoder(model)
        return model

    def train_dataset(
        self, stage: int, context: tf.distribute.InputContext, micro_batch: int, first_step: int
    ) -> tf.data.Dataset:
        batch_size, steps = self._stage.batch_size, self._stage.steps
        updates = Updates(batch_size, micro_batch, context, self._seed, first_step, steps)
        return squad_train_dataset(self._windows, updates)

    def eval_dataset(self, context: tf.distribute.InputContext, batch: int) -> tf.data.Dataset:
        raise NotImplementedError("scored by its answers after training: see squad_evaluation")

    def forward(
        self, model: tf.keras.Model, batch: Batch, training: bool
    ) -> Mapping[str, tf.Tensor]:
        return model(batch, training=training)

    def loss(self, outputs: Mapping[str, tf.Tensor], batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        losses = [
            tf.nn.sparse_softmax_cross_entropy_with_logits(
                batch[f"{end}_positions"], outputs[f"{end}_logits"]
            )
            for end in ("start", "end")
        ]
        weight = batch["weight"]
        return tf.reduce_sum((losses[0] + losses[1]) / 2 * weight), tf.reduce_sum(weight)

    def metrics(
        self, outputs: Mapping[str, tf.Tensor], batch: Batch
    ) -> Mapping[str, tuple[tf.Tensor, tf.Tensor]]:
        return {}


@without_autograph
def build_span_model(row: Row, shape: Mapping[str, Any] | None = None) -> tf.keras.Model:
    """`shape`: what a checkpoint's encoder has beside the row's size and vocabulary, as
    `models.bert_encoder` takes it; None: as this suite pre-trains it."""
    settings = {"dropout": row.dropout, **(OWN_SHAPE if shape is None else shape)}
    return bert_span_model(row.model, row.vocabulary_size, **settings)
