"""ImageNet's training stream.

Legend: B the global batch, b a micro-batch of one replica, M micro-batches a host and update, H
hosts, S the image's side in pixels.
"""

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
from largebatch.data.streams.shard_order import ShardOrder
from largebatch.data.streams.updates import AUGMENT_STREAM, Updates, UpdateSlices, stream_seed

# Images that are shuffled together, beside whole shards: of 110 kB each, and up to twice as many in
# one of about three blocks that a host holds.
BLOCK = 4096


@tf.autograph.experimental.do_not_convert
def imagenet_train_dataset(
    files: ImageNetFiles,
    updates: Updates,
    *,
    dtype: tf.DType = tf.float32,
    skipped: SkippedImages | None = None,
    cache_dir: str | None = None,
    block: int = BLOCK,
    num_parallel_calls: int | None = None,
) -> tf.data.Dataset:
    """This host's micro-batches of the updates.

    Each host reads an endless list of its own: epoch after epoch a fresh permutation of the shards,
    of which hosts have disjoint parts, their images shuffled in blocks (`ShardOrder`). Its slice of
    global batch s is images s B / H, ..., (s + 1) B / H - 1 of its list; box and flip of each place
    in the global batch are drawn from (seed, s). So a batch depends on the number of hosts, and on
    neither replicas nor micro-batches nor the step at which a run resumes nor num_parallel_calls.

    An element is one micro-batch of one replica: {"image": `dtype` [b, S, S, 3], normalised;
    "label": int32 [b]; "weight": float32 [b], ones but for grey images, which fill up a batch or
    stand for one that was skipped}.

    Args:
      updates: The block that first_step needs is the first that is read.
      dtype: of the images; bfloat16 halves what goes to the device.
      skipped: takes the corrupt images, which keep their places, grey, with weight 0. None: one is
        an error.
      cache_dir: keeps copies of the shards, see `ShardCache`; None: they are read where they are.
      block: about how many images are shuffled together.
      num_parallel_calls: images decoded at once; None: as many as this process has cores.

    Raises:
      ValueError: fewer images than hosts. A damaged record is an error while iterating: see
        `reading_error`.
    """
    slices, context, micro_batch = updates.slices(), updates.context, updates.micro_batch
    if block < 1:
        raise ValueError(f"the block is {block} images, wanted at least 1")
    host = context.input_pipeline_id
    order = ShardOrder(files.train, updates.seed, context.num_input_pipelines, host, block)
    normalise = image_normaliser(files, dtype)
    cache = None if cache_dir is None else ShardCache(cache_dir)
    per_step = max(slices.real_per_host, 1)

    def read(position, planned):
        runs = [planned[name] for name in ("run_path", "run_first", "run_count", "run_total")]
        return position, {**read_block(files.layout, cache, *runs), "order": planned["order"]}

    def draw(step):
        """int32 [B / H, 3]: the random numbers of this host's images."""
        drawn = tf.random.stateless_uniform(
            [updates.batch_size, 3],
            stream_seed(updates.seed, AUGMENT_STREAM + step),
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

        return tf.data.Dataset.range(first, updates.steps).map(rest).unbatch()

    def counted(position, planned):
        """The block with the number of its first image in the host's stream."""
        return position + tf.size(planned["order"], tf.int64), (position, planned)

    def decode(record, random):
        encoded = image_of(files.layout, record)
        return normalise(crop.distorted(encoded, random, files.image_size))

    def images(make, start):
        """The host's images from number `start` on, as `make` makes them of a block."""
        calls, lack = parallel_calls(num_parallel_calls), images_missing(files.layout)
        decoding = Decoding(decode, calls, lack)
        end = updates.steps * per_step

        def of_block(position, block):
            left = block["order"][: end - position]
            return make(block, position, left, randoms(position), decoding)

        return (
            order.blocks(start)
            .scan(tf.constant(start, tf.int64), counted)
            .take_while(lambda position, _: position < end)
            .map(read)
            .prefetch(1)  # the next block is read while this one is used
            .flat_map(of_block)
        )

    each = functools.partial(named, skipped=skipped)
    start = updates.first_step * slices.real_per_host
    if slices.size != updates.batch_size:
        grey = grey_image(files, dtype)
        stream = _filled_up(images(each, start).unbatch(), slices, grey, updates.left)
        stream = stream.batch(micro_batch, drop_remainder=True)
    elif skipped is not None:
        stream = images(each, start).rebatch(micro_batch, drop_remainder=True)
    else:
        stream = checked(
            images(numbered, start), micro_batch, start, lambda at: make_first(images(each, at))
        )
    return prefetched(stream.take(updates.left * slices.pieces))


def _filled_up(images, slices: UpdateSlices, grey, count: int) -> tf.data.Dataset:
    """After this host's images of each update, grey ones of weight 0 up to its part of it."""
    choice = tf.data.Dataset.range(count * slices.per_host).map(
        lambda place: tf.cast(place % slices.per_host >= slices.real_per_host, tf.int64)
    )
    return tf.data.Dataset.choose_from_datasets([images, grey.repeat()], choice)
