"""ImageNet's training and evaluation streams.

Legend: B the global batch, b a micro-batch of one replica, M micro-batches a host and update, H
hosts, S the image's side in pixels.
"""

from __future__ import annotations

import functools
import os

import tensorflow as tf

from largebatch.data import imagenet, imagenet_images
from largebatch.data.autotuning import untuned
from largebatch.data.imagenet import ImageNetFiles
from largebatch.data.imagenet_cache import ShardCache
from largebatch.data.imagenet_decoding import SkippedImages, decoded
from largebatch.data.imagenet_records import read_images
from largebatch.data.normalisation import pixel_normaliser
from largebatch.data.padded_batches import PaddedBatches
from largebatch.data.pretraining_order import ShardOrder
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
    skipped: SkippedImages | None = None,
    cache_dir: str | None = None,
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
    "label": int32 [b]; "weight": float32 [b], ones but for what fills up a batch, or was skipped}.

    Args:
      batch_size: B; a multiple of hosts, and of replicas x micro_batch.
      first_step: what comes before is skipped by arithmetic; the first block that is needed is the
        first that is read.
      steps: the update at which the run ends (not the number of updates from first_step on).
      dtype: of the images; bfloat16 halves what goes to the device.
      pad: fills up a batch that replicas x micro_batch do not divide, with grey images of weight 0;
        otherwise it is refused.
      skipped: takes the corrupt images, which keep their places, grey, with weight 0. None: one is
        an error.
      cache_dir: keeps copies of the shards, see `ShardCache`; None: they are read where they are.
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
    normalise = _normaliser(files, dtype)
    cache = None if cache_dir is None else ShardCache(cache_dir)
    per_step = max(slices.real_per_host, 1)

    def read(planned):
        """One element: the block's images, encoded."""
        runs = [planned[name] for name in ("run_path", "run_first", "run_count", "run_total")]
        return (
            tf.data.Dataset.from_tensor_slices(tuple(runs))
            .map(functools.partial(read_images, files.layout, cache))
            .rebatch(planned["count"])
            .map(lambda images: {**images, "order": planned["order"]})
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

    def randoms(position):
        """Those of the host's images from `position` on, up to the end of the run."""
        first = position // per_step

        def rest(step):
            gone = tf.where(step == first, position % per_step, 0)
            return draw(step)[gone:]

        return tf.data.Dataset.range(first, steps).map(rest).unbatch()

    def numbered(position, planned):
        """Counts the host's images, block by block."""
        return position + tf.size(planned["order"], tf.int64), (position, planned)

    def decode(encoded, random):
        return normalise(imagenet_images.distorted(encoded, random, files.image_size))

    def images(position, block):
        order = block["order"][: tf.maximum(steps * per_step - position, 0)]
        calls = _calls(num_parallel_calls)
        return decoded(block, order, randoms(position), decode, calls, skipped)

    start = first_step * slices.real_per_host
    blocks = order.blocks(start)
    stream = (
        blocks.scan(tf.constant(start, tf.int64), numbered)
        .flat_map(lambda position, planned: read(planned).map(lambda read: (position, read)))
        .prefetch(1)  # the next block is read while this one is used
        .flat_map(images)
    )
    if slices.size == batch_size:
        stream = stream.rebatch(micro_batch, drop_remainder=True)
    else:
        stream = _filled_up(stream.unbatch(), slices, _grey(files, dtype), steps - first_step)
        stream = stream.batch(micro_batch, drop_remainder=True)
    return _prefetched(stream.take((steps - first_step) * slices.pieces))


def imagenet_eval_dataset(
    files: ImageNetFiles,
    *,
    batch: int,
    context: tf.distribute.InputContext,
    dtype: tf.DType = tf.float32,
    skipped: SkippedImages | None = None,
    cache_dir: str | None = None,
    num_parallel_calls: int | None = None,
) -> tf.data.Dataset:
    """Batches of one replica, as `imagenet_train_dataset` has them, of the validation images.

    Every image comes exactly once with weight 1, its centre; a shard with fewer or more images
    than it should hold is an error. What fills up the batches has weight 0: all hosts yield the
    same number of batches, a multiple of their replicas.

    Args:
      batch: b, the batch of one replica.
      skipped: takes the corrupt images, which keep their places, grey, with weight 0; an element
        then has "left_out", float32 [b], 1 for them. None: one is an error.
      cache_dir: as for training.

    Raises:
      ValueError: a batch below 1.
    """
    plan = PaddedBatches(files.num_test, batch, context)
    normalise = _normaliser(files, dtype)
    cache = None if cache_dir is None else ShardCache(cache_dir)

    def decode(encoded, _):
        return normalise(imagenet_images.centred(encoded, files.image_size))

    def images(block):
        order = tf.range(tf.size(block["label"], tf.int64))
        calls = _calls(num_parallel_calls)
        return decoded(block, order, tf.data.Dataset.range(order[-1] + 1), decode, calls, skipped)

    def counted(number, element):
        place = number * batch + tf.range(batch, dtype=tf.int64)
        here = tf.cast(place < plan.examples, tf.float32)
        return {**element, "left_out": here - element["weight"]}

    filling = _grey(files, dtype).batch(1).repeat(plan.batches * batch - plan.examples)
    stream = (
        tf.data.Dataset.from_tensor_slices(_runs(files.validation, plan.first, plan.examples))
        .map(functools.partial(read_images, files.layout, cache))
        .prefetch(1)
        .flat_map(images)
        .concatenate(filling)
        .rebatch(batch, drop_remainder=True)
    )
    if skipped is not None:
        stream = stream.enumerate().map(counted)
    return _prefetched(stream)


def _prefetched(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Ready ahead of use; its parallelism is that over images alone."""
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1  # an image is too small to be shared by threads
    return untuned(dataset.prefetch(2).with_options(options))


def _filled_up(images, slices: UpdateSlices, grey, updates: int) -> tf.data.Dataset:
    """After this host's images of each update, grey ones of weight 0 up to its part of it."""
    choice = tf.data.Dataset.range(updates * slices.per_host).map(
        lambda place: tf.cast(place % slices.per_host >= slices.real_per_host, tf.int64)
    )
    return tf.data.Dataset.choose_from_datasets([images, grey.repeat()], choice)


def _grey(files: ImageNetFiles, dtype: tf.DType) -> tf.data.Dataset:
    """One image of weight 0: the mean colour, 0 after normalisation."""
    return tf.data.Dataset.from_tensors(
        {
            "image": tf.zeros(files.image_shape, dtype),
            "label": tf.zeros([], tf.int32),
            "weight": tf.zeros([], tf.float32),
        }
    )


def _runs(shards, first: int, count: int) -> tuple:
    """(path, first, count, total) of the runs that make up images first, ..., first + count - 1."""
    runs, before = [], 0
    for shard in shards:
        start, end = max(first, before), min(first + count, before + shard.examples)
        for here in range(start, end, BLOCK):  # of a large shard, too, a part is held at a time
            part = min(end - here, BLOCK)
            runs.append((shard.path, here - before, part, shard.examples))
        before += shard.examples
    paths = tf.constant([run[0] for run in runs], tf.string)
    numbers = [tf.constant([run[place] for run in runs], tf.int64) for place in (1, 2, 3)]
    return (paths, *numbers)


def _normaliser(files: ImageNetFiles, dtype: tf.DType):
    normalise = pixel_normaliser(files.image_shape, imagenet.MEAN, imagenet.STD)
    # An image at a time: it fits into a core's cache, a batch does not.
    return lambda image: tf.cast(normalise(image)[0], dtype)


def _calls(asked: int | None) -> int:
    """Of images decoded at once: this process's cores, unless asked for another number."""
    if asked is not None:
        return asked
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
