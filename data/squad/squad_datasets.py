"""The tf.data pipelines of SQuAD's windows. Legend: n windows, B the global batch, b a micro-batch
of one replica, L the window's length."""

from __future__ import annotations

import tensorflow as tf

from largebatch.data.squad.squad_features import SquadWindows
from largebatch.data.streams.padded_batches import PaddedBatches
from largebatch.data.streams.updates import Updates


@tf.autograph.experimental.do_not_convert
def squad_train_dataset(windows: SquadWindows, updates: Updates) -> tf.data.Dataset:
    """This host's micro-batches of the updates, of `Updates.numbered_batches`: neither hosts,
    replicas, micro-batches nor the step at which a run resumes change a global batch.

    An element is one micro-batch of one replica: input_word_ids, input_mask, input_type_ids int32
    [b, L]; start_positions, end_positions int32 [b]; weight float32 [b], ones; dropout_seed int32
    [2], drawn from (seed, step) for each micro-batch of the global batch.

    Raises:
      ValueError: windows of another split; batches that would have to be filled up.
    """
    if windows.split != "train":
        raise ValueError(f"these windows are of SQuAD's {windows.split} split: no answers to train")
    slices = updates.slices(may_pad=False)
    fetch = _fetcher(windows, ("start_positions", "end_positions"))

    def plan(step, index):
        return slices.of_host(index), slices.dropout_seeds(updates.seed, step)

    def micro_batch_of(index, dropout_seed):
        weight = tf.ones([updates.micro_batch], tf.float32)
        return {**fetch(index), "weight": weight, "dropout_seed": dropout_seed}

    batches = updates.numbered_batches(len(windows))
    return batches.map(plan).unbatch().map(micro_batch_of).prefetch(2)


@tf.autograph.experimental.do_not_convert
def squad_eval_dataset(
    windows: SquadWindows, *, batch: int, context: tf.distribute.InputContext
) -> tf.data.Dataset:
    """Batches of one replica: as `squad_train_dataset`'s, but `unique_ids` int32 [b] for the
    answers, and no dropout_seed.

    Every window comes exactly once with weight 1. What fills up the batches has weight 0 and
    unique id 0: all hosts yield the same number of batches, a multiple of their replicas.

    Raises:
      ValueError: a batch below 1.
    """
    plan = PaddedBatches(len(windows), batch, context)
    fetch = _fetcher(windows, ("unique_ids",))

    def batch_of(number):
        index, weight = plan.index_and_weight(number)
        fetched = fetch(index)
        unique_ids = tf.where(weight > 0, fetched["unique_ids"], 0)
        return {**fetched, "unique_ids": unique_ids, "weight": weight}

    return tf.data.Dataset.range(plan.batches).map(batch_of).prefetch(2)


def _fetcher(windows: SquadWindows, names: tuple):
    """A function from indices int64 [b] to the model's inputs and the named columns."""
    length = windows.input_word_ids.shape[1]
    with tf.device("CPU:0"):
        word_ids = tf.constant(windows.input_word_ids)
        columns = {
            name: tf.constant(getattr(windows, name))
            for name in ("tokens", "context_start", *names)
        }

    def fetch(index):
        row = {name: tf.gather(values, index) for name, values in columns.items()}
        place = tf.range(length)[tf.newaxis]  # [1, L]
        inside = place < row.pop("tokens")[:, tf.newaxis]
        context = place >= row.pop("context_start")[:, tf.newaxis]
        return {
            "input_word_ids": tf.gather(word_ids, index),
            "input_mask": tf.cast(inside, tf.int32),
            "input_type_ids": tf.cast(inside & context, tf.int32),
            **row,
        }

    return fetch
