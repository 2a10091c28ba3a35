"""ImageNet's evaluation stream: every validation image exactly once."""

from __future__ import annotations

import functools

import tensorflow as tf

from largebatch.data.imagenet import crop
from largebatch.data.imagenet.batches import (
    grey_image,
    image_normaliser,
    make_first,
    parallel_calls,
    prefetched,
)
from largebatch.data.imagenet.cache import ShardCache
from largebatch.data.imagenet.decoding import Decoding, SkippedImages, checked, named, numbered
from largebatch.data.imagenet.files import ImageNetFiles
from largebatch.data.imagenet.records import image_of, images_missing, read_block
from largebatch.data.streams.padded_batches import PaddedBatches

BLOCK = 4096  # images read at once


@tf.autograph.experimental.do_not_convert
def imagenet_eval_dataset(
    files: ImageNetFiles,
    *,
    batch: int,
    context: tf.distribute.InputContext,
    dtype: tf.DType = tf.float32,
    skipped: SkippedImages | None = None,
    cache_dir: str | None = None,
    subset: int | None = None,
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
      subset: an element then has "subset", float32 [b], 1 for the first so many images in the order
        of the files, but for the corrupt ones. None: it has not.

    Raises:
      ValueError: a batch below 1.
    """
    plan = PaddedBatches(files.num_test, batch, context)
    normalise = image_normaliser(files, dtype)
    cache = None if cache_dir is None else ShardCache(cache_dir)

    def decode(record, _):
        encoded = image_of(files.layout, record)
        return normalise(crop.centred(encoded, files.image_size))

    def images(make, start):
        """The host's images from number `start` on, as `make` makes them of a block."""
        calls, lack = parallel_calls(num_parallel_calls), images_missing(files.layout)
        decoding = Decoding(decode, calls, lack)
        runs = _runs(files.validation, plan.first + start, plan.examples - start)

        def read(position, *run):
            run = [value[tf.newaxis] for value in run]
            return position, read_block(files.layout, cache, *run)

        def of_block(position, block):
            order = tf.range(tf.size(block["label"], tf.int64))
            nothing = tf.data.Dataset.from_tensors(0).repeat()
            return make(block, start + position, order, nothing, decoding)

        return tf.data.Dataset.from_tensor_slices(runs).map(read).prefetch(1).flat_map(of_block)

    def real(number):
        """float32 [batch] of this host's batch: 1 for an image of the set, 0 for filling."""
        place = number * batch + tf.range(batch, dtype=tf.int64)
        return tf.cast(place < plan.examples, tf.float32)

    grey, size = grey_image(files, dtype), plan.batches * batch
    each = functools.partial(named, skipped=skipped)
    if skipped is None:
        filling = tf.data.Dataset.zip((tf.data.Dataset.range(plan.examples, size), grey.repeat()))
        filling = filling.map(
            lambda number, one: {"number": number, "image": one["image"], "label": one["label"]}
        )
        stream = images(numbered, 0).concatenate(filling)
        stream = checked(stream, batch, 0, lambda at: make_first(images(each, at)))
        stream = stream.take(plan.batches).enumerate()
        stream = stream.map(lambda number, element: {**element, "weight": real(number)})
    else:
        filling = grey.batch(1).repeat(size - plan.examples)
        stream = images(each, 0).concatenate(filling).rebatch(batch, drop_remainder=True)
        stream = stream.enumerate().map(
            lambda number, element: {**element, "left_out": real(number) - element["weight"]}
        )
    if subset is not None:
        stream = stream.enumerate().map(
            lambda number, one: {**one, "subset": plan.among_first(number, subset) * one["weight"]}
        )
    return prefetched(stream)


def _runs(shards, first: int, count: int) -> tuple:
    """(position, path, first, count, total) of the runs of images first, ..., first + count - 1.

    `position` counts the images before the run, from `first` on.
    """
    runs, before = [], 0
    for shard in shards:
        start, end = max(first, before), min(first + count, before + shard.examples)
        for here in range(start, end, BLOCK):  # of a large shard, too, a part is held at a time
            part = min(end - here, BLOCK)
            runs.append((here - first, shard.path, here - before, part, shard.examples))
        before += shard.examples
    kinds = (tf.int64, tf.string, tf.int64, tf.int64, tf.int64)
    return tuple(tf.constant([run[k] for run in runs], kind) for k, kind in enumerate(kinds))
