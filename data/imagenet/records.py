"""ImageNet's records: what one holds, read a block at a time and named in every error.

Legend: r runs of records of shards, n records in all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from largebatch.data.files.record_runs import END, MARK, read_runs
from largebatch.data.imagenet import files
from largebatch.data.imagenet.cache import ShardCache
from largebatch.data.imagenet.files import Layout


def read_block(
    layout: Layout,
    cache: ShardCache | None,
    path: tf.Tensor,
    first: tf.Tensor,
    count: tf.Tensor,
    total: tf.Tensor,
) -> dict:
    """Runs of records of shards, as `read_runs` has them, the images still in their records.

    They are read from the cache's copies, if there is a cache.

    Returns string `record` [n], for `image_of`; int32 `label` [n], 0 to 999; and string `place`
    [n], what an error says of a record: its file, its number in it from 0, and the image's own
    file name.

    A record that cannot be read, that is no ImageNet example, or whose label is out of range is an
    error that names it: see `reading_error`.
    """
    if cache is None:
        records = read_runs(path, first, count, total)
    else:
        records = read_runs(path, first, count, total, cache.local)
    run = tf.repeat(tf.range(tf.size(path)), count)
    number = tf.range(tf.reduce_sum(count)) + tf.gather(
        first - tf.cumsum(count, exclusive=True), run
    )
    place = tf.strings.join([tf.gather(path, run), ": record ", tf.strings.as_string(number)])
    refused = f" has no {layout.label}: it is no record of ImageNet{END}"
    parsed = tf.io.parse_example(
        records,
        {
            layout.label: tf.io.FixedLenFeature([], tf.int64),
            layout.file_name: tf.io.FixedLenFeature([], tf.string, default_value=""),
        },
        # TensorFlow's message begins with the name, and says no other place.
        example_names=tf.strings.join([MARK, place, refused]),
    )
    name = parsed[layout.file_name]
    named = tf.where(name == "", place, tf.strings.join([place, " (", name, ")"]))
    label = parsed[layout.label]
    with tf.control_dependencies([_check_labels(layout, named, label)]):
        return {
            "record": tf.identity(records),
            "label": tf.cast(label - layout.first_label, tf.int32),
            "place": named,
        }


def image_of(layout: Layout, record: tf.Tensor) -> tf.Tensor:
    """The encoded image in a record."""
    feature = tf.io.FixedLenFeature([], tf.string)
    return tf.io.parse_single_example(record, {layout.image: feature})[layout.image]


def images_missing(layout: Layout) -> tuple[str, Callable]:
    """The feature that holds the image, and records [n] -> bool [n]: which have no bytes in it."""

    def look(records):
        parsed = (tf.train.Example.FromString(record) for record in records)
        there = [example.features.feature[layout.image].bytes_list.value for example in parsed]
        return np.array([not (images and images[0]) for images in there], bool)

    def missing(records):
        found = tf.numpy_function(look, [records], tf.bool)
        return tf.ensure_shape(found, [None])

    return layout.image, missing


def _check_labels(layout: Layout, place, label):
    """Asserts that every label is in its range, naming the first record that fails."""
    last = layout.first_label + files.NUM_CLASSES - 1
    outside = (label < layout.first_label) | (label > last)
    wanted = f", wanted {layout.first_label} to {last}{END}"

    def refuse():
        row = tf.argmax(outside)
        said = [MARK, place[row], " has the label ", tf.strings.as_string(label[row]), wanted]
        return tf.debugging.Assert(False, [tf.strings.join(said)])

    return tf.cond(tf.reduce_any(outside), refuse, lambda: tf.no_op())
