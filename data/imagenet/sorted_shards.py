"""Shards that are sorted by class, of which a batch sees a few classes alone."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from largebatch.data.imagenet.files import NUM_CLASSES, ImageNetFiles, ImageShard

LOOKED_AT = 4  # shards, over the whole split
RECORDS = 32  # at the beginning of each
# So many of RECORDS images that are drawn from all classes are of different ones, on average.
EXPECTED = NUM_CLASSES * (1 - (1 - 1 / NUM_CLASSES) ** RECORDS)


def warning(files: ImageNetFiles, batch: int, block: int) -> str | None:
    """What to tell of training shards whose records lie together by class; None if they do not.

    A stream shuffles whole shards, and the records of a few in blocks, so that sorted shards are
    mixed by as many as make a block.

    Args:
      batch: images of an update.
      block: images that are shuffled together.
    """
    whole = [shard for shard in files.train if shard.examples >= RECORDS]
    if not whole:
        return None
    places = np.linspace(0, len(whole) - 1, min(LOOKED_AT, len(whole))).round().astype(int)
    found = [len(set(_labels(files, whole[place]))) for place in places]
    if max(found) > EXPECTED / 4:
        return None
    mixed = min(max(1, round(block * len(files.train) / files.num_train)), len(files.train))
    return (
        f"{files.folder}: the training shards are sorted by class: the first {RECORDS} images of "
        f"{whole[places[0]].path} are of {found[0]} of {NUM_CLASSES:,} classes. The images of a "
        f"batch of {batch:,} come from about {-(-batch // block) * mixed} of {len(files.train):,} "
        "shards at a time, so it sees a few classes alone; write the records in a random order"
    )


def _labels(files: ImageNetFiles, shard: ImageShard) -> list[int]:
    feature = {files.layout.label: tf.io.FixedLenFeature([], tf.int64, default_value=-1)}
    records = tf.data.TFRecordDataset(shard.path).take(RECORDS).ignore_errors()
    read = records.map(lambda one: tf.io.parse_single_example(one, feature)[files.layout.label])
    return [int(label) for label in read.as_numpy_iterator()]
