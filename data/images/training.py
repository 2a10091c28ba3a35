"""The training stream: global batches that are a pure function of (seed, step).

Legend: N examples, B the global batch, b a micro-batch of one replica, M = B / hosts / b
micro-batches a host and step.
"""

from __future__ import annotations

import tensorflow as tf

from largebatch.data.images import augment as augmentation
from largebatch.data.images.image_set import ImageSet
from largebatch.data.images.normalisation import normaliser
from largebatch.data.streams.updates import AUGMENT_STREAM, Updates, stream_seed


@tf.autograph.experimental.do_not_convert
def train_dataset(
    image_set: ImageSet,
    updates: Updates,
    *,
    augment: str = "none",
    num_parallel_calls: int = tf.data.AUTOTUNE,
) -> tf.data.Dataset:
    """This host's micro-batches of the updates, of `Updates.numbered_batches`.

    Augmentation of batch s is drawn from (seed, s) for all B examples. So neither the number of
    hosts, replicas or micro-batches, nor the step at which a run resumes, nor num_parallel_calls
    changes what a batch holds.

    An element is one micro-batch of one replica: {"image": float32 [b, H, W, C], normalised;
    "label": int32 [b]; "weight": float32 [b], ones but for what fills up a batch: some of its
    examples again}.

    Args:
      augment: "none", "crop_flip" or "davidnet", see `augment.draw`.

    Raises:
      ValueError: an unknown augmentation.
    """
    augmentation.check(augment)
    slices = updates.slices()
    height, width, _ = image_set.image_shape

    def plan(step, index):
        """Indices and random numbers of this host's part of batch `step`, each int [M, b]."""
        seed = stream_seed(updates.seed, AUGMENT_STREAM + step)
        drawn = augmentation.draw(augment, seed, updates.batch_size, height, width)
        whole = {"index": index, **drawn}
        parts = {key: slices.of_host(slices.filled(value)) for key, value in whole.items()}
        return {**parts, "weight": slices.weights()}

    normalise = normaliser(image_set)
    with tf.device("CPU:0"):
        # As uint8: a quarter of float32's memory and traffic, for a cast that costs less.
        images = tf.constant(image_set.train_images)
        labels = tf.constant(image_set.train_labels)

    def fetch(planned):
        index = planned["index"]
        image = normalise(augmentation.gather(images, index, planned))
        return {
            "image": augmentation.erase(image, planned),
            "label": tf.gather(labels, index),
            "weight": planned["weight"],
        }

    return (
        updates.numbered_batches(image_set.num_train)
        .map(plan)
        .unbatch()
        .map(fetch, num_parallel_calls=num_parallel_calls, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
    )
