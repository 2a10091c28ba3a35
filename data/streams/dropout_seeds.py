"""Seeds of dropout for a training stream of images."""

from __future__ import annotations

import tensorflow as tf

from largebatch.data.streams.update_slices import UpdateSlices, check_steps


def with_dropout_seeds(
    dataset: tf.data.Dataset,
    *,
    batch_size: int,
    micro_batch: int,
    context: tf.distribute.InputContext,
    seed: int,
    first_step: int,
    steps: int,
    pad: bool = False,
) -> tf.data.Dataset:
    """This host's micro-batches of updates first_step, ..., steps - 1, with seeds of dropout.

    To each element comes {"dropout_seed": int32 [b, 2]}: a seed for each example, drawn from (seed,
    step) and its place in the global batch. So neither hosts, replicas nor micro-batches change it,
    nor the step at which a run resumes.

    Args:
      dataset: elements are dictionaries; a training stream made with the same arguments.

    Raises:
      ValueError: sizes that do not divide, a first_step outside [0, steps].
    """
    slices = UpdateSlices(batch_size, micro_batch, context, pad)
    check_steps(first_step, steps)
    seeds = tf.data.Dataset.range(first_step, steps).map(
        lambda step: slices.example_seeds(seed, step)
    )
    return tf.data.Dataset.zip((dataset, seeds.unbatch())).map(
        lambda batch, dropout_seed: {**batch, "dropout_seed": dropout_seed}
    )
