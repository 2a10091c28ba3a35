"""The evaluation stream: every example exactly once, on any number of hosts and replicas."""

from __future__ import annotations

import tensorflow as tf

from largebatch.data.images.image_set import ImageSet
from largebatch.data.images.normalisation import normaliser
from largebatch.data.streams.padded_batches import PaddedBatches


@tf.autograph.experimental.do_not_convert
def eval_dataset(
    image_set: ImageSet,
    *,
    split: str = "test",
    batch: int,
    context: tf.distribute.InputContext,
    subset: int | None = None,
) -> tf.data.Dataset:
    """Batches of one replica, as `train_dataset` has them: {"image", "label", "weight"}.

    Every example of the split comes exactly once with weight 1. What fills up the batches has
    weight 0: all hosts yield the same number of batches, a multiple of their replicas, so that no
    replica waits for a batch that never comes.

    Args:
      split: "test" or "train".
      batch: b, the batch of one replica.
      subset: an element then has "subset", float32 [b], 1 for the first so many examples of the
        split, which are scored by themselves, too. None: it has not.

    Raises:
      ValueError: an unknown split or a batch below 1.
    """
    if split not in ("test", "train"):
        raise ValueError(f"unknown split {split!r} (known: test, train)")
    count = image_set.num_test if split == "test" else image_set.num_train
    plan = PaddedBatches(count, batch, context)
    normalise = normaliser(image_set)
    with tf.device("CPU:0"):
        images = tf.constant(getattr(image_set, f"{split}_images"))
        labels = tf.constant(getattr(image_set, f"{split}_labels"))

    def fetch(number):
        index, weight = plan.index_and_weight(number)
        element = {"label": tf.gather(labels, index), "weight": weight}
        if subset is not None:
            element["subset"] = plan.among_first(number, subset)
        return {"image": normalise(tf.gather(images, index)), **element}

    return (
        tf.data.Dataset.range(plan.batches)
        .map(fetch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
    )
