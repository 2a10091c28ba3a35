"""The training stream: global batches that are a pure function of (seed, step).

Legend: N examples, B the global batch, b a micro-batch of one replica, M = B / hosts / b
micro-batches a host and step.
"""

from __future__ import annotations

import tensorflow as tf

from largebatch.data import augment as augmentation
from largebatch.data.image_set import ImageSet
from largebatch.data.normalisation import normaliser

# Separate streams of the run's seed; a change here changes every run. A stateless seed is two
# words: (run's seed, stream << 48 | epoch or step), which TensorFlow scrambles before use, so near
# seeds give unrelated numbers.
_SHUFFLE_STREAM, _AUGMENT_STREAM = 1 << 48, 2 << 48


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
    num_parallel_calls: int = tf.data.AUTOTUNE,
) -> tf.data.Dataset:
    """This host's micro-batches of updates first_step, ..., steps - 1.

    Global batch number s holds positions s B, ..., (s + 1) B - 1 of an endless list: one fresh
    uniform permutation of the N examples after another, the e-th drawn from (seed, e). A batch may
    straddle epochs, or hold several. Augmentation of batch s is drawn from (seed, s) for all B
    examples. So neither the number of hosts, replicas or micro-batches, nor the step at which a run
    resumes, nor num_parallel_calls changes what a batch holds.

    An element is one micro-batch of one replica: {"image": float32 [b, H, W, C], normalised;
    "label": int32 [b]; "weight": float32 [b], ones}. Host h of `context` gets the h-th of the equal
    slices of each global batch, in order.

    Args:
      batch_size: B; a multiple of hosts, and of replicas x micro_batch.
      first_step: what comes before is skipped by arithmetic, without touching an image.
      steps: the update at which the run ends (not the number of updates from first_step on).
      augment: "none" or "davidnet".

    Raises:
      ValueError: sizes that do not divide, an unknown augmentation, a first_step outside [0,
        steps].
    """
    augmentation.check(augment)
    _check_sizes(batch_size, micro_batch, context)
    if not 0 <= first_step <= steps:
        raise ValueError(f"first_step is {first_step}, wanted 0 to steps = {steps}")
    count = image_set.num_train
    height, width, _ = image_set.image_shape
    hosts, host = context.num_input_pipelines, context.input_pipeline_id
    per_host = batch_size // hosts
    pieces = per_host // micro_batch
    first_epoch, offset = divmod(first_step * batch_size, count)
    last_epoch = -(-steps * batch_size // count)

    def permutation(epoch):
        epoch_seed = tf.stack([tf.constant(seed, tf.int64), _SHUFFLE_STREAM + epoch])
        order = tf.random.experimental.stateless_shuffle(
            tf.range(count, dtype=tf.int64), epoch_seed, alg="philox"
        )
        return order[tf.where(epoch == first_epoch, tf.constant(offset, tf.int64), 0) :]

    def plan(step, index):
        """Indices and random numbers of this host's part of batch `step`, each int [M, b]."""
        step_seed = tf.stack([tf.constant(seed, tf.int64), _AUGMENT_STREAM + step])
        drawn = augmentation.draw(augment, step_seed, batch_size, height, width)
        return {
            key: tf.reshape(value[host * per_host : (host + 1) * per_host], [pieces, micro_batch])
            for key, value in {"index": index, **drawn}.items()
        }

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
            "weight": tf.ones([micro_batch], tf.float32),
        }

    dataset = (
        tf.data.Dataset.range(first_epoch, last_epoch)
        .map(permutation)
        .rebatch(batch_size, drop_remainder=True)
        .take(steps - first_step)
    )
    numbered = tf.data.Dataset.zip((tf.data.Dataset.range(first_step, steps), dataset))
    return (
        numbered.map(plan)
        .unbatch()
        .map(fetch, num_parallel_calls=num_parallel_calls, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def _check_sizes(batch_size: int, micro_batch: int, context: tf.distribute.InputContext) -> None:
    hosts, replicas = context.num_input_pipelines, context.num_replicas_in_sync
    if batch_size < 1 or micro_batch < 1:
        raise ValueError(f"batch_size {batch_size} and micro_batch {micro_batch} must be positive")
    if replicas % hosts:
        raise ValueError(f"{replicas} replicas cannot be shared evenly by {hosts} hosts")
    if batch_size % (replicas * micro_batch):
        raise ValueError(
            f"a batch of {batch_size} is not a multiple of {replicas} replicas x {micro_batch} "
            f"examples a micro-batch; choose a batch size that {replicas} devices divide, or "
            "another micro-batch"
        )
