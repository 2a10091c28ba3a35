"""ImageNet's training and evaluation streams.

Legend: B the global batch, b a micro-batch of one replica, M micro-batches a host and update, H
hosts, S the image's side in pixels.
"""

from __future__ import annotations

import os

import tensorflow as tf

from largebatch.data import imagenet, imagenet_images
from largebatch.data.autotuning import untuned
from largebatch.data.imagenet import ImageNetFiles
from largebatch.data.normalisation import pixel_normaliser
from largebatch.data.padded_batches import PaddedBatches
from largebatch.data.pretraining_order import ShardOrder
from largebatch.data.record_runs import read_run
from largebatch.data.update_slices import AUGMENT_STREAM, UpdateSlices, check_steps, stream_seed

# Images that are shuffled together, beside whole shards: of 110 kB each, and up to twice as many in
# one of about three blocks that a host holds.
BLOCK = 4096


def imagenet_train_dataset(
    files: ImageNetFiles,
    *,
    batch_size: int,
    micro_batch: int,
    context: tf.distribute.InputContext,
    seed: int,
    first_step: int,
    steps: int,
    dtype: tf.DType = tf.float32,
    pad: bool = False,
    block: int = BLOCK,
    num_parallel_calls: int | None = None,
) -> tf.data.Dataset:
    """This host's micro-batches of updates first_step, ..., steps - 1.

    Each host reads an endless list of its own: epoch after epoch a fresh permutation of the shards,
    of which hosts have disjoint parts, their images shuffled in blocks (`ShardOrder`). Its slice of
    global batch s is images s B / H, ..., (s + 1) B / H - 1 of its list; box and flip of each place
    in the global batch are drawn from (seed, s). So a batch depends on the number of hosts, and on
    neither replicas nor micro-batches nor the step at which a run resumes nor num_parallel_calls.

    An element is one micro-batch of one replica: {"image": `dtype` [b, S, S, 3], normalised;
    "label": int32 [b]; "weight": float32 [b], ones but for what fills up a batch}.

    Args:
      batch_size: B; a multiple of hosts, and of replicas x micro_batch.
      first_step: what comes before is skipped by arithmetic; the first block that is needed is the
        first that is read.
      steps: the update at which the run ends (not the number of updates from first_step on).
      dtype: of the images; bfloat16 halves what goes to the device.
      pad: fills up a batch that replicas x micro_batch do not divide, with grey images of weight 0;
        otherwise it is refused.
      block: about how many images are shuffled together.
      num_parallel_calls: images decoded at once; None: as many as this process has cores.

    Raises:
      ValueError: sizes that do not divide, a first_step outside [0, steps], fewer images than
        hosts. A damaged record is an error while iterating: see `reading_error`.
    """
    slices = UpdateSlices(batch_size, micro_batch, context, pad)
    check_steps(first_step, steps)
    if block < 1:
        raise ValueError(f"the block is {block} images, wanted at least 1")
    host = context.input_pipeline_id
    order = ShardOrder(files, seed, context.num_input_pipelines, host, block)
    size, normalise = files.image_size, _normaliser(files, dtype)

    def shuffled(planned):
        runs = [planned[name] for name in ("run_path", "run_first", "run_count", "run_total")]
        return (
            tf.data.Dataset.from_tensor_slices(tuple(runs))
            .map(read_run)
            .rebatch(planned["count"])
            .map(lambda records: tf.gather(records, planned["order"]))
        )

    def draw(step):
        """int32 [B / H, 3]: the random numbers of this host's images."""
        drawn = tf.random.stateless_uniform(
            [batch_size, 3],
            stream_seed(seed, AUGMENT_STREAM + step),
            minval=None,
            maxval=None,
            dtype=tf.int32,
            alg="philox",  # the stream must be the same on every kind of host
        )
        return drawn[host * slices.per_host :][: slices.real_per_host]

    def decode(record, random):
        jpeg, label = imagenet_images.parse(record)
        return imagenet_images.distorted(jpeg, random, size), label, tf.ones([], tf.float32)

    def finish(image, label, weight):
        return {"image": normalise(image), "label": label, "weight": weight}

    records = (
        order.blocks(first_step * slices.real_per_host)
        .flat_map(shuffled)
        .prefetch(1)  # the next block is read while this one is used
        .unbatch()
    )
    randoms = tf.data.Dataset.range(first_step, steps).map(draw).unbatch()  # ends the stream
    images = tf.data.Dataset.zip((records, randoms)).map(
        decode, num_parallel_calls=_calls(num_parallel_calls), deterministic=True
    )
    if slices.size != batch_size:
        images = _filled_up(images, slices, size, steps - first_step)
    return untuned(images.batch(micro_batch, drop_remainder=True).map(finish).prefetch(2))


def imagenet_eval_dataset(
    files: ImageNetFiles,
    *,
    batch: int,
    context: tf.distribute.InputContext,
    dtype: tf.DType = tf.float32,
    num_parallel_calls: int | None = None,
) -> tf.data.Dataset:
    """Batches of one replica, as `imagenet_train_dataset` has them, of the validation images.

    Every image comes exactly once with weight 1, its centre; a shard with fewer or more images
    than it should hold is an error. What fills up the batches has weight 0: all hosts yield the
    same number of batches, a multiple of their replicas.

    Args:
      batch: b, the batch of one replica.

    Raises:
      ValueError: a batch below 1.
    """
    plan = PaddedBatches(files.num_test, batch, context)
    size, normalise = files.image_size, _normaliser(files, dtype)

    def decode(record):
        jpeg, label = imagenet_images.parse(record)
        return imagenet_images.centred(jpeg, size), label, tf.ones([], tf.float32)

    def finish(image, label, weight):
        return {"image": normalise(image), "label": label, "weight": weight}

    filling = _grey(size).repeat(plan.batches * batch - plan.examples)
    runs = _runs(files.validation, plan.first, plan.examples)
    calls = _calls(num_parallel_calls)
    return untuned(
        tf.data.Dataset.from_tensor_slices(runs)
        .map(read_run)
        .prefetch(1)
        .unbatch()
        .map(decode, num_parallel_calls=calls, deterministic=True)
        .concatenate(filling)
        .batch(batch, drop_remainder=True)
        .map(finish)
        .prefetch(2)
    )


def _filled_up(images, slices: UpdateSlices, size: int, updates: int) -> tf.data.Dataset:
    """After this host's images of each update, grey ones of weight 0 up to its part of it."""
    choice = tf.data.Dataset.range(updates * slices.per_host).map(
        lambda place: tf.cast(place % slices.per_host >= slices.real_per_host, tf.int64)
    )
    return tf.data.Dataset.choose_from_datasets([images, _grey(size).repeat()], choice)


def _grey(size: int) -> tf.data.Dataset:
    """One image of weight 0: the mean colour, 0 after normalisation."""
    mean = tf.constant(imagenet.MEAN) * 255.0
    image = tf.broadcast_to(mean, [size, size, 3])
    return tf.data.Dataset.from_tensors((image, tf.zeros([], tf.int32), tf.zeros([], tf.float32)))


def _runs(shards, first: int, count: int) -> tuple:
    """(path, first, count, total) of the runs that make up images first, ..., first + count - 1."""
    runs, before = [], 0
    for shard in shards:
        start, end = max(first, before), min(first + count, before + shard.examples)
        if start < end:
            runs.append((shard.path, start - before, end - start, shard.examples))
        before += shard.examples
    paths = tf.constant([run[0] for run in runs], tf.string)
    numbers = [tf.constant([run[place] for run in runs], tf.int64) for place in (1, 2, 3)]
    return (paths, *numbers)


def _normaliser(files: ImageNetFiles, dtype: tf.DType):
    normalise = pixel_normaliser(files.image_shape, imagenet.MEAN, imagenet.STD)
    return lambda image: tf.cast(normalise(image), dtype)


def _calls(asked: int | None) -> int:
    """Of images decoded at once: this process's cores, unless asked for another number."""
    if asked is not None:
        return asked
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
