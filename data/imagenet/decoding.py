"""A block of encoded images as a stream of decoded ones, and what happens to one that is corrupt.

TensorFlow's decoder fails for the whole pipeline, and says neither file nor record. Here images
are numbered, and a decoder's error leaves a gap in the numbers. `numbered` and `checked` look at a
batch's numbers at once, which costs next to nothing and tells that an image is missing; `named`
looks at each image, which costs more, and tells which it is. The decoder's errors are looked for in
a data set that does nothing but decode: an error of reading is never taken for one.

A stream is a host's images in their order, the first of them number 0.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

import tensorflow as tf

from largebatch.data.files.record_runs import END, MARK


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


class Decoding(NamedTuple):
    """`function`: (record, an argument) -> image [H, W, C]; `calls`: of it at once.

    `lack`: what a record may lack, and the function records [n] -> bool [n] that tells which do:
    no corrupt image, and an error even where these are left out.
    """

    function: Callable
    calls: int
    lack: tuple[str, Callable] | None = None


def numbered(
    block: dict,
    position: tf.Tensor,
    order: tf.Tensor,
    arguments: tf.data.Dataset,
    decoding: Decoding,
) -> tf.data.Dataset:
    """A block's images in `order`, the corrupt ones left out: number int64, image, label int32.

    Args:
      block: `record`, `label`, `place` [n] of `imagenet_records.read_block`.
      position: the first image's number in the stream.
      order: int64 [k] of 0, ..., n - 1: which images come.
      arguments: of the decoding, one for each of them.
    """

    def made(number, argument):
        place = order[number]
        return {
            "number": position + number,
            "image": decoding.function(tf.gather(block["record"], place), argument),
            "label": tf.gather(block["label"], place),
        }

    numbers = tf.data.Dataset.range(tf.size(order, tf.int64))
    return (
        tf.data.Dataset.zip((numbers, arguments))
        .map(made, num_parallel_calls=decoding.calls, deterministic=True)
        .ignore_errors()
    )


def checked(
    images: tf.data.Dataset, batch: int, first: int, refuse: Callable[[int], None]
) -> tf.data.Dataset:
    """Batches {"image", "label", "weight" float32 [batch], ones} of a stream from `first` on.

    Args:
      images: `numbered`, block by block.
      refuse: raises an error over the image of a number, which is missing.
    """

    def complete(place, images):
        wanted = first + place * batch + tf.range(batch, dtype=tf.int64)
        wrong = images["number"] != wanted
        refused = tf.cond(
            tf.reduce_any(wrong),
            lambda: tf.group(tf.py_function(_calling(refuse), [wanted[tf.argmax(wrong)]], [])),
            tf.no_op,
        )
        with tf.control_dependencies([refused]):
            image, label = tf.identity(images["image"]), tf.identity(images["label"])
        return {"image": image, "label": label, "weight": tf.ones([batch], tf.float32)}

    # What is missing at the end of the stream shows, too.
    end = tf.nest.map_structure(lambda one: tf.zeros(one.shape, one.dtype), images.element_spec)
    end["number"] = tf.constant(-1, tf.int64)
    ends = tf.data.Dataset.from_tensors(end).repeat(batch)
    stream = images.concatenate(ends).batch(batch, drop_remainder=True)
    return stream.enumerate().map(complete)


def _calling(refuse: Callable[[int], None]) -> Callable:
    def call(number):
        refuse(int(number))
        raise RuntimeError(f"image {int(number)} of the stream was lost")

    return call


def named(
    block: dict,
    position: tf.Tensor,
    order: tf.Tensor,
    arguments: tf.data.Dataset,
    decoding: Decoding,
    skipped: SkippedImages | None,
) -> tf.data.Dataset:
    """As `numbered`, all images: image [m, H, W, C], label int32 [m], weight float32 [m].

    m is 1, but where images are corrupt: they come with the next image or, the last ones, alone;
    zeros, with weight 0.

    Args:
      skipped: takes the corrupt ones. None: one is an error that names it, see `reading_error`.
    """

    def missed(first, end):
        """Labels of images first, ..., end - 1 of `order`, which are refused or reported."""
        rows = order[first:end]
        places = tf.gather(block["place"], rows)
        lacking = _refuse_lacking(tf.gather(block["record"], rows), places, decoding)
        with tf.control_dependencies([lacking]):
            places = tf.identity(places)
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

    zero = tf.constant(0, tf.int64)
    images = numbered(block, zero, order, arguments, decoding).map(
        lambda one: (
            one["number"],
            one["image"][tf.newaxis],
            one["label"][tf.newaxis],
            tf.ones([1]),
        )
    )
    _, image, label, weight = images.element_spec
    nothing = [tf.zeros([0, *spec.shape[1:]], spec.dtype) for spec in (image, label, weight)]
    end = tf.data.Dataset.from_tensors((tf.size(order, tf.int64), *nothing))
    return images.concatenate(end).scan(zero, without_gap)


def _refuse_lacking(records: tf.Tensor, places: tf.Tensor, decoding: Decoding) -> tf.Operation:
    """An error over the first record that lacks its image."""
    if decoding.lack is None:
        return tf.no_op()
    what, lacks = decoding.lack
    lacking = lacks(records)

    def refuse():
        said = f" has no {what}: it is no record of ImageNet{END}"
        message = tf.strings.join([MARK, places[tf.argmax(lacking)], said])
        return tf.debugging.Assert(False, [message])

    return tf.cond(tf.reduce_any(lacking), refuse, tf.no_op)
