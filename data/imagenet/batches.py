"""What ImageNet's two pipelines share: from an image's pixels to batches ahead of use."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from largebatch import workers
from largebatch.data.imagenet import files as imagenet
from largebatch.data.imagenet.files import ImageNetFiles
from largebatch.data.images.normalisation import pixel_normaliser
from largebatch.data.streams import freed_memory


def grey_image(files: ImageNetFiles, dtype: tf.DType) -> tf.data.Dataset:
    """One image of weight 0: the mean colour, 0 after normalisation."""
    return tf.data.Dataset.from_tensors(
        {
            "image": tf.zeros(files.image_shape, dtype),
            "label": tf.zeros([], tf.int32),
            "weight": tf.zeros([], tf.float32),
        }
    )


def image_normaliser(files: ImageNetFiles, dtype: tf.DType) -> Callable[[tf.Tensor], tf.Tensor]:
    normalise = pixel_normaliser(files.image_shape, imagenet.MEAN, imagenet.STD)
    # An image at a time: it fits into a core's cache, a batch does not.
    return lambda image: tf.cast(normalise(image)[0], dtype)


def parallel_calls(asked: int | None) -> int:
    """Of images decoded at once: this process's cores, unless asked for another number."""
    return workers.cores() if asked is None else asked


def prefetched(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Ready ahead of use; its parallelism is that over images alone. What its batches free is kept
    for those to come."""
    freed_memory.keep()
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1  # an image is too small to be shared by threads
    return dataset.prefetch(2).with_options(options)


def make_first(stream: tf.data.Dataset) -> None:
    """Makes the first image of a stream, or raises the error that it is."""
    for _ in stream.take(1):
        pass
