"""ImageNet's records: what one holds, read a run at a time and named in every error.

Legend: n the records of a run.
"""

from __future__ import annotations

import tensorflow as tf

from largebatch.data import imagenet
from largebatch.data.imagenet import Layout
from largebatch.data.imagenet_cache import ShardCache
from largebatch.data.record_runs import END, MARK, read_run


def read_images(layout: Layout, cache: ShardCache | None, path, first, count, total) -> dict:
    """Records first, ..., first + count - 1 of a shard of `total` records, images still encoded.

    They are read from the cache's copy, if there is a cache.

    Returns string `image` [n], int32 `label` [n], 0 to 999, and string `place` [n], what an error
    says of a record: its file, its number in it from 0, and the image's own file name.

    A record that cannot be read, that is no ImageNet example, or whose label is out of range is an
    error that names it: see `reading_error`.
    """
    here = path if cache is None else cache.local(path, total)
    records = read_run(here, first, count, total)
    numbers = tf.strings.as_string(tf.range(first, first + count))
    place = tf.strings.join([path, ": record ", numbers])
    refused = f" has no {layout.image} and {layout.label}: it is no record of ImageNet{END}"
    parsed = tf.io.parse_example(
        records,
        {
            layout.image: tf.io.FixedLenFeature([], tf.string),
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
            "image": tf.identity(parsed[layout.image]),
            "label": tf.cast(label - layout.first_label, tf.int32),
            "place": named,
        }


def _check_labels(layout: Layout, place, label):
    """Asserts that every label is in its range, naming the first record that fails."""
    last = layout.first_label + imagenet.NUM_CLASSES - 1
    outside = (label < layout.first_label) | (label > last)
    wanted = f", wanted {layout.first_label} to {last}{END}"

    def refuse():
        row = tf.argmax(outside)
        said = [MARK, place[row], " has the label ", tf.strings.as_string(label[row]), wanted]
        return tf.debugging.Assert(False, [tf.strings.join(said)])

    return tf.cond(tf.reduce_any(outside), refuse, lambda: tf.no_op())
