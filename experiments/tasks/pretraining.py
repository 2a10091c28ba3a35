"""The BERT pre-training task: masked words and the next sentence, in one or two stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

from largebatch.data import Updates, pretraining_dataset, pretraining_eval_dataset
from largebatch.experiments.rows.row import Row, Stage
from largebatch.models import bert_pretrainer
from largebatch.tpu import Task, without_autograph
from largebatch.tpu.loop.task import Batch

MAX_POSITIONS = 512  # of BERT, whatever the length of a stage: one table serves both
EVAL_EXAMPLES = 512  # held-out sequences in one look; the first ones, always the same


class Pretraining(Task):
    """A row's model on prepared text.

        loss = sum of -log p(word) over the masked positions of the update / their number
             + sum of -log p(next or random) over its sequences / their number

    Both normalisers are of the whole update, over all micro-batches and replicas: sequences have
    different numbers of masked words, so the mean of the parts' means would be another loss.

    Args:
      row: Gives the model and the stages.
      files: The prepared text of each stage.
      seed: Of the order of the sequences and of dropout.
    """

    # Known before the loss is taken, so that one backward pass serves both terms.
    update_totals = ("update_masked", "update_sequences")

    def __init__(self, row: Row, files: Sequence, seed: int):
        self._row = row
        self._files = files
        self._seed = seed

    @property
    def stages(self) -> Sequence[Stage]:
        return self._row.stages

    def build_model(self) -> tf.keras.Model:
        return build_pretrainer(self._row)

    def train_dataset(
        self, stage: int, context: tf.distribute.InputContext, micro_batch: int, first_step: int
    ) -> tf.data.Dataset:
        # Stages have seeds of their own: dropout is drawn from the seed and the stage's step.
        batch_size, steps = self.stages[stage].batch_size, self.stages[stage].steps
        seed = self._seed * len(self.stages) + stage
        updates = Updates(batch_size, micro_batch, context, seed, first_step, steps)
        return pretraining_dataset(self._files[stage], updates)

    def eval_dataset(self, context: tf.distribute.InputContext, batch: int) -> tf.data.Dataset:
        """Held-out text in the last stage's length: what the finished model is judged on."""
        return pretraining_eval_dataset(
            self._files[-1], batch=batch, context=context, limit=EVAL_EXAMPLES
        )

    def forward(
        self, model: tf.keras.Model, batch: Batch, training: bool
    ) -> Mapping[str, tf.Tensor]:
        return model(batch, training=training)

    def loss(self, outputs: Mapping[str, tf.Tensor], batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        (masked, words), (following, sequences) = _losses(outputs, batch)
        if "update_masked" in batch:
            ratio = batch["update_masked"] / batch["update_sequences"]
        else:  # an evaluation; finish_evaluation has the exact sum
            ratio = tf.math.divide_no_nan(words, sequences)
        # (masked + following W/S) / W is masked/W + following/S.
        return masked + following * ratio, words

    def metrics(
        self, outputs: Mapping[str, tf.Tensor], batch: Batch
    ) -> Mapping[str, tuple[tf.Tensor, tf.Tensor]]:
        masked, following = _losses(outputs, batch)
        weight = batch["masked_lm_weights"]
        found = tf.argmax(outputs["masked_lm_logits"], axis=-1, output_type=tf.int32)
        right = tf.cast(tf.equal(found, batch["masked_lm_ids"]), tf.float32)
        chosen = tf.argmax(outputs["next_sentence_logits"], axis=-1, output_type=tf.int32)
        next_right = tf.cast(tf.equal(chosen, batch["next_sentence_labels"]), tf.float32)
        return {
            "masked_lm_loss": masked,
            "next_sentence_loss": following,
            "masked_lm_accuracy": (tf.reduce_sum(right * weight), masked[1]),
            "next_sentence_accuracy": (tf.reduce_sum(next_right * batch["weight"]), following[1]),
        }

    def finish_evaluation(self, results: Mapping[str, float]) -> dict[str, float]:
        return {**results, "loss": results["masked_lm_loss"] + results["next_sentence_loss"]}


@without_autograph
def build_pretrainer(row: Row) -> tf.keras.Model:
    settings = {"max_positions": MAX_POSITIONS, "dropout": row.dropout}
    return bert_pretrainer(row.model, row.vocabulary_size, **settings)


def _losses(outputs, batch):
    """((sum, number) of the masked words' losses, (sum, number) of the sequences')."""
    words = tf.nn.sparse_softmax_cross_entropy_with_logits(
        batch["masked_lm_ids"], outputs["masked_lm_logits"]
    )
    following = tf.nn.sparse_softmax_cross_entropy_with_logits(
        batch["next_sentence_labels"], outputs["next_sentence_logits"]
    )
    masks, weight = batch["masked_lm_weights"], batch["weight"]
    return (
        (tf.reduce_sum(words * masks), tf.reduce_sum(masks)),
        (tf.reduce_sum(following * weight), tf.reduce_sum(weight)),
    )
