"""The evaluation stream of held-out pre-training examples: each exactly once."""

from __future__ import annotations

import tensorflow as tf

from largebatch.data.pretraining.read.examples import RecordReader, widened
from largebatch.data.pretraining.read.files import PROGRAM, PretrainingFiles
from largebatch.data.streams.padded_batches import PaddedBatches

_MOST = 8192  # examples read at once


@tf.autograph.experimental.do_not_convert
def pretraining_eval_dataset(
    files: PretrainingFiles,
    *,
    batch: int,
    context: tf.distribute.InputContext,
    limit: int | None = None,
) -> tf.data.Dataset:
    """Batches of one replica of the held-out split, as `pretraining_dataset` has them, without what
    it says of an update.

    Every example comes exactly once with weight 1. What fills up the batches has weight 0 and
    masked_lm_weights 0: all hosts yield the same number of batches, a multiple of their replicas.

    Args:
      batch: b, the batch of one replica.
      limit: only the first so many examples; None: all.

    Raises:
      ValueError: no held-out split, or a batch or limit below 1.
    """
    if not files.num_eval:
        raise ValueError(
            f"{files.manifest_file} lists no held-out examples to evaluate on; make them with "
            f"`{PROGRAM} --eval_fraction=0.05 ...`"
        )
    if limit is not None and limit < 1:
        raise ValueError(f"the evaluation's limit is {limit} examples, wanted at least 1")
    count = files.num_eval if limit is None else min(limit, files.num_eval)
    plan = PaddedBatches(count, batch, context)
    reader = RecordReader(files)

    def weighted(compact):
        return {**widened(compact), "weight": tf.ones_like(compact["masked_lm_weights"][:, 0])}

    def padded(element):
        missing = batch - tf.shape(element["weight"])[0]
        return {
            name: tf.ensure_shape(
                tf.pad(value, [[0, missing]] + [[0, 0]] * (value.shape.rank - 1)),
                [batch, *value.shape[1:]],
            )
            for name, value in element.items()
        }

    runs = _runs(files, plan.first, plan.first + plan.examples)
    examples = tf.data.Dataset.from_tensor_slices(runs).map(reader.read).map(weighted)
    filling = tf.data.Dataset.from_tensors(
        {
            name: tf.zeros([batch, *spec.shape[1:]], spec.dtype)
            for name, spec in examples.element_spec.items()
        }
    )
    batches = examples.rebatch(batch).map(padded).concatenate(filling.repeat())
    return batches.take(plan.batches).prefetch(2)


def _runs(files: PretrainingFiles, start: int, end: int) -> tuple:
    """(path [r], first, count, total int64 [r]) of examples start, ..., end - 1 of the split."""
    runs, begin = [], 0
    for shard in files.eval:
        stop = min(end - begin, shard.examples)
        for first in range(max(start - begin, 0), stop, _MOST):
            runs.append((shard.path, first, min(_MOST, stop - first), shard.examples))
        begin += shard.examples
    paths, *numbers = zip(*runs) if runs else ((), (), (), ())
    return (tf.constant(paths, tf.string), *(tf.constant(column, tf.int64) for column in numbers))
