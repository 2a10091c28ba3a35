"""A block of encoded images as a stream of decoded ones, and what happens to one that is corrupt.

TensorFlow's decoder fails for the whole pipeline, and says neither file nor record. Here the images
of a block are numbered; a decoder's error leaves a gap in the numbers, which the next image, or the
block's end, shows. The images' errors are looked for in a data set that does nothing but decode: an
error of reading is never taken for one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

import tensorflow as tf

from largebatch.data.record_runs import END, MARK


class SkippedImages:
    """The corrupt images that this process has left out, each once, in the order met."""

    def __init__(self, earlier: Iterable = ()):
        """`earlier`: the places that an earlier process of the run has left out."""
        self._lock = threading.Lock()
        self._places: dict[str, None] = dict.fromkeys(earlier)

    def add_all(self, places: Iterable) -> None:
        """Called by the pipelines' threads, also ahead of what is trained on."""
        for place in map(bytes.decode, places):
            with self._lock:
                new = place not in self._places
                self._places[place] = None
            if new:
                logging.warning("%s is corrupt: left out", place)

    @property
    def places(self) -> list:
        """Of each: the file, the record's number in it and the image's name."""
        with self._lock:
            return list(self._places)


def decoded(
    block: dict,
    order,
    arguments: tf.data.Dataset,
    decode: Callable,
    num_parallel_calls: int,
    skipped: SkippedImages | None,
) -> tf.data.Dataset:
    """A block's images in `order`: image [m, H, W, C], label int32 [m], weight float32 [m].

    m is 1, but where images are corrupt: they come with the next image or, the last ones, alone;
    zeros, with weight 0.

    Args:
      block: `image`, `label`, `place` [n] of `imagenet_records.read_images`.
      order: int64 [k] of 0, ..., n - 1: which images come.
      arguments: for each of them what `decode` takes besides.
      decode: (encoded image, an element of `arguments`) -> image [H, W, C].
      num_parallel_calls: images decoded at once.
      skipped: takes the corrupt ones. None: one is an error that names it, see `reading_error`.
    """
    count = tf.size(order, tf.int64)

    def made(number, argument):
        image = decode(tf.gather(block["image"], order[number]), argument)
        label = tf.gather(block["label"], order[number])
        return number, image[tf.newaxis], label[tf.newaxis], tf.ones([1], tf.float32)

    def missed(first, end):
        """Labels of images first, ..., end - 1 of `order`, which are refused or reported."""
        rows = order[first:end]
        places = tf.gather(block["place"], rows)
        if skipped is None:
            said = f" is corrupt: no JPEG that can be decoded (--skip_corrupt leaves it out){END}"
            refused = tf.debugging.Assert(False, [tf.strings.join([MARK, places[0], said])])
        else:
            refused = tf.py_function(lambda places: skipped.add_all(places.numpy()), [places], [])
        with tf.control_dependencies([refused]):
            return tf.gather(block["label"], rows)

    def without_gap(next_one, element):
        number, image, label, weight = element

        def filled():
            labels = missed(next_one, number)
            nothing = tf.zeros([number - next_one, *image.shape[1:]], image.dtype)
            return (
                tf.concat([nothing, image], 0),
                tf.concat([labels, label], 0),
                tf.concat([tf.zeros_like(labels, tf.float32), weight], 0),
            )

        whole = tf.cond(number == next_one, lambda: (image, label, weight), filled)
        image, label, weight = whole
        image = tf.ensure_shape(image, [None, *element[1].shape[1:]])
        return number + 1, {"image": image, "label": label, "weight": weight}

    images = (
        tf.data.Dataset.zip((tf.data.Dataset.range(count), arguments))
        .map(made, num_parallel_calls=num_parallel_calls, deterministic=True)
        .ignore_errors()
    )
    _, image, label, weight = images.element_spec
    nothing = [tf.zeros([0, *spec.shape[1:]], spec.dtype) for spec in (image, label, weight)]
    end = tf.data.Dataset.from_tensors((count, *nothing))
    return images.concatenate(end).scan(tf.constant(0, tf.int64), without_gap)
