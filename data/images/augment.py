"""Augmentation of a whole batch at once, from random numbers that are drawn beforehand.

`draw` makes the numbers of one global batch from a seed, so that they do not depend on how the
batch is cut into hosts, replicas and micro-batches; `gather` and `erase` apply a slice of them to
the same slice of the batch. Legend: B examples, H x W pixels, C channels, N images in the set.
"""

from __future__ import annotations

import difflib

import tensorflow as tf

NAMES = ("none", "crop_flip", "davidnet")
PADDING = 4
CUTOUT = 8


def check(name: str) -> None:
    """Raises ValueError for an augmentation that does not exist."""
    if name not in NAMES:
        near = difflib.get_close_matches(str(name), NAMES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown augmentation {name!r}{hint} (known: {', '.join(NAMES)})")


def draw(name: str, seed: tf.Tensor, batch: int, height: int, width: int) -> dict:
    """The random numbers of one global batch: a dict of int32 [B] tensors; empty for "none".

    "crop_flip": `row`, `column` in [-4, 4], the crop's offset from the image; `flip` in {0, 1}.
    "davidnet" (DAWNBench's CIFAR-10 recipe) has them, too, the same numbers, and `cutout_row`,
    `cutout_column`: the upper left corner of an 8 x 8 square inside the image.

    Args:
      seed: int64 [2], as tf.random.stateless_* takes it; bits 40 to 47 of the second word are used
        here.
    """
    if name == "none":
        return {}
    offset = (-PADDING, PADDING + 1)
    ranges = {"row": offset, "column": offset, "flip": (0, 2)}
    if name == "davidnet":
        ranges["cutout_row"] = (0, height - CUTOUT + 1)
        ranges["cutout_column"] = (0, width - CUTOUT + 1)
    return {
        key: tf.random.stateless_uniform(
            [batch],
            seed + tf.constant([0, number << 40], tf.int64),
            minval=low,
            maxval=high,
            dtype=tf.int32,
            alg="philox",  # not "auto_select": the stream must be the same on every kind of host
        )
        for number, (key, (low, high)) in enumerate(ranges.items())
    }


def gather(images: tf.Tensor, index: tf.Tensor, drawn: dict) -> tf.Tensor:
    """images[index], cropped and flipped as `drawn` says: [N, H, W, C], int64 [B] -> [B, H, W, C].

    The crop is out of the image padded by 4 pixels of reflection (the border itself is not
    repeated). No padded copy is made: each output pixel's address in the set is computed, and one
    gather fetches them all.
    """
    if "row" not in drawn:
        return tf.gather(images, index)
    _, height, width, channels = images.shape
    rows = _reflect(tf.range(height)[tf.newaxis, :] + drawn["row"][:, tf.newaxis], height)
    columns = tf.range(width)[tf.newaxis, :]
    columns = tf.where(drawn["flip"][:, tf.newaxis] == 1, width - 1 - columns, columns)
    columns = _reflect(columns + drawn["column"][:, tf.newaxis], width)
    # int64: an in-memory set can have more than 2^31 pixels.
    line = index[:, tf.newaxis] * height + tf.cast(rows, tf.int64)  # [B, H]
    address = line[:, :, tf.newaxis] * width + tf.cast(columns, tf.int64)[:, tf.newaxis, :]
    return tf.gather(tf.reshape(images, [-1, channels]), address)  # [B, H, W, C]


def erase(images: tf.Tensor, drawn: dict) -> tf.Tensor:
    """Cutout on normalised images [B, H, W, C]: the square becomes 0, the set's mean colour."""
    if "cutout_row" not in drawn:
        return images
    _, height, width, channels = images.shape
    # Lines of W x C values: broadcasting a mask over a last axis of 3 channels is 10 times slower.
    lines = tf.reshape(images, [-1, height, width * channels])
    row = tf.range(height)[tf.newaxis, :] - drawn["cutout_row"][:, tf.newaxis]  # [B, H]
    column = tf.range(width * channels) // channels
    column = column[tf.newaxis, :] - drawn["cutout_column"][:, tf.newaxis]  # [B, W C]
    row = tf.logical_and(row >= 0, row < CUTOUT)
    column = tf.logical_and(column >= 0, column < CUTOUT)
    square = tf.logical_and(row[:, :, tf.newaxis], column[:, tf.newaxis, :])
    lines = tf.where(square, tf.zeros([], images.dtype), lines)
    return tf.reshape(lines, [-1, height, width, channels])


def _reflect(position: tf.Tensor, size: int) -> tf.Tensor:
    """Positions in (-size, 2 size - 1) folded back into [0, size): -1 -> 1, size -> size - 2."""
    position = tf.abs(position)
    return (size - 1) - tf.abs((size - 1) - position)
