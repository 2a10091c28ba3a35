"""Damaged shards of ImageNet: each ends in an error that names the file, and the record met.

The same of the text's shards is in tests/data/test_pretraining_examples.py and
test_pretraining_files.py.
"""

import shutil
import struct

import pytest
import tensorflow as tf

from largebatch.data import Updates, find_imagenet, imagenet_train_dataset, reading_error

RECORDS = 11  # in the last of the three training shards


def record_ends(content):
    """Where each record of a TFRecord file ends: its length, a checksum, the data, a checksum."""
    ends, position = [], 0
    while position < len(content):
        (length,) = struct.unpack("<Q", content[position : position + 8])
        position += 8 + 4 + length + 4
        ends.append(position)
    return ends


def flip(content, ends):
    middle = (ends[4] + ends[5]) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


DAMAGES = {
    "a bit flipped in record 5": (flip, ": record 5 cannot be read"),
    "cut inside record 7": (lambda c, ends: c[: ends[7] - 9], ": record 7 cannot be read"),
    "cut at a record's edge": (lambda c, ends: c[: ends[7]], ": record 8 cannot be read"),
    "empty": (lambda c, ends: b"", ": record 0 cannot be read"),
    "one record too many": (lambda c, ends: c + c[: ends[0]], "holds more than the 11 records"),
}


@pytest.fixture(scope="module")
def epoch(imagenet_folder, tmp_path_factory):
    """A shard of a copy of the set, and the training data over it, found while it was whole."""
    folder = tmp_path_factory.mktemp("imagenet")
    shutil.copytree(imagenet_folder, folder, dirs_exist_ok=True)
    data = imagenet_train_dataset(
        find_imagenet(str(folder), 8),
        Updates(8, 8, tf.distribute.InputContext(1, 0, 1), seed=0, first_step=0, steps=4),
    )
    return folder / "imagenet2012/5.1.0/imagenet2012-train.tfrecord-00002-of-00003", data


@pytest.fixture
def shard(epoch):
    """The shard; whole again after the test."""
    content = epoch[0].read_bytes()
    yield epoch[0]
    epoch[0].write_bytes(content)


@pytest.fixture
def what_is_said(epoch):
    """Reads an epoch; returns what the run says of the error."""

    def read():
        with pytest.raises(tf.errors.OpError) as caught:
            for _ in epoch[1]:
                pass
        return reading_error(caught.value)

    return read


@pytest.mark.parametrize("damage, message", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_shard_is_named_and_nothing_is_trained_on_less(
    shard, what_is_said, damage, message
):
    content = shard.read_bytes()
    ends = record_ends(content)
    assert len(ends) == RECORDS
    shard.write_bytes(damage(content, ends))
    said = what_is_said()
    assert said.startswith(str(shard)) and message in said


def test_another_runs_shard_in_its_place_is_named(shard, what_is_said):
    shutil.copy(shard.with_name(shard.name.replace("00002-of", "00001-of")), shard)
    assert what_is_said().startswith(f"{shard}: record 8 cannot be read")


def test_a_shard_that_vanishes_is_named_while_it_is_read_and_before(shard, what_is_said):
    shard.unlink()
    assert what_is_said() == f"{shard}: this shard is no longer there"
    with pytest.raises(ValueError, match=shard.name):
        find_imagenet(str(shard.parents[2]), 8)
