"""A warning over shards that are sorted by class."""

import json

import tensorflow as tf

from largebatch.data import find_imagenet
from largebatch.data.imagenet import sorted_shards

SHARDS, IMAGES = 20, 40


def folder(tmp_path, new_record, label_of):
    """A TFDS folder whose image i of shard s has the label label_of(s, i); there are no pixels."""
    place = tmp_path / "imagenet2012" / "5.1.0"
    place.mkdir(parents=True)
    for shard in range(SHARDS):
        name = f"imagenet2012-train.tfrecord-{shard:05d}-of-{SHARDS:05d}"
        with tf.io.TFRecordWriter(str(place / name)) as writer:
            for number in range(IMAGES):
                writer.write(new_record(label=label_of(shard, number), image=b""))
    with tf.io.TFRecordWriter(
        str(place / "imagenet2012-validation.tfrecord-00000-of-00001")
    ) as one:
        one.write(new_record(label=0, image=b""))
    splits = [
        {"name": "train", "shardLengths": [str(IMAGES)] * SHARDS},
        {"name": "validation", "shardLengths": ["1"]},
    ]
    info = {"name": "imagenet2012", "version": "5.1.0", "splits": splits}
    (place / "dataset_info.json").write_text(json.dumps(info))
    return find_imagenet(str(tmp_path))


def test_sorted_shards_are_told_with_the_numbers(tmp_path, new_imagenet_record):
    files = folder(tmp_path, new_imagenet_record, lambda shard, number: shard)
    told = sorted_shards.warning(files, batch=64, block=4 * IMAGES)
    assert "sorted by class: the first 32 images of" in told and "of 1 of 1,000 classes" in told
    assert "a batch of 64 come from about 4 of 20 shards at a time" in told


def test_shuffled_shards_are_not(tmp_path, new_imagenet_record):
    def label(shard, number):
        return (shard * IMAGES + number) * 7919 % 1000

    files = folder(tmp_path, new_imagenet_record, label)
    assert sorted_shards.warning(files, batch=64, block=4096) is None
