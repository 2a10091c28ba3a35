"""The training stream: global batches that are a pure function of (seed, step).

Legend: N examples, B the global batch, b a micro-batch of one replica, M = B / hosts / b
micro-batches a host and step.
"""

from __future__ import annotations

import tensorflow as tf

from largebatch.data.images import augment as augmentation
from largebatch.data.images.image_set import ImageSet
from largebatch.data.images.normalisation import normaliser
from largebatch.data.streams.update_slices import (
    AUGMENT_STREAM,
    UpdateSlices,
    numbered_batches,
    stream_seed,
)


def train_dataset(
    image_set: ImageSet,
    *,
    batch_size: int,
    micro_batch: int,
    context: tf.distribute.InputContext,
    seed: int,
    first_step: int,
    steps: int,
    augment: str = "none",
    pad: bool = False,
    num_parallel_calls: int = tf.data.AUTOTUNE,
) -> tf.data.Dataset:
    """This host's micro-batches of updates first_step, ..., steps - 1.

    Global batch number s holds positions s B, ..., (s + 1) B - 1 of an endless list: one fresh
    uniform permutation of the N examples after another, the e-th drawn from (seed, e). A batch may
    straddle epochs, or hold several. Augmentation of batch s is drawn from (seed, s) for all B
    examples. So neither the number of hosts, replicas or micro-batches, nor the step at which a run
    resumes, nor num_parallel_calls changes what a batch holds.

    An element is one micro-batch of one replica: {"image": float32 [b, H, W, C], normalised;
    "label": int32 [b]; "weight": float32 [b], ones but for what fills up a batch}. Host h of
    `context` gets the h-th of the equal slices of each global batch, in order.

    Args:
      batch_size: B; a multiple of hosts, and of replicas x micro_batch.
      first_step: what comes before is skipped by arithmetic, without touching an image.
      steps: the update at which the run ends (not the number of updates from first_step on).
      augment: "none", "crop_flip" or "davidnet", see `augment.draw`.
      pad: fills up a batch that replicas x micro_batch do not divide, with some of its examples
        again, of weight 0; otherwise it is refused.

    Raises:
      ValueError: sizes that do not divide, an unknown augmentation, a first_step outside [0,
        steps].
    """
    augmentation.check(augment)
    slices = UpdateSlices(batch_size, micro_batch, context, pad)
    batches = numbered_batches(image_set.num_train, batch_size, seed, first_step, steps)
    height, width, _ = image_set.image_shape

    def plan(step, index):
        """Indices and random numbers of this host's part of batch `step`, each int [M, b]."""
        drawn = augmentation.draw(
            augment, stream_seed(seed, AUGMENT_STREAM + step), batch_size, height, width
        )
        parts = {
            key: slices.of_host(slices.filled(value))
            for key, value in {"index": index, **drawn}.items()
        }
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
        batches.map(plan)
        .unbatch()
        .map(fetch, num_parallel_calls=num_parallel_calls, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
    )
