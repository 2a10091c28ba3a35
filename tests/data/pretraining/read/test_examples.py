import dataclasses
import shutil
import struct
from pathlib import Path

import pytest
import tensorflow as tf

from largebatch.data import (
    Updates,
    find_pretraining,
    pretraining_dataset,
    pretraining_eval_dataset,
    reading_error,
)

CONTEXT = tf.distribute.InputContext()


EVAL = {"batch": 8, "context": CONTEXT}


@pytest.fixture(scope="module")
def files(shards, tmp_path_factory):
    """Of a copy, found before a test damages it."""
    return find_pretraining(shutil.copytree(shards, tmp_path_factory.mktemp("d") / "data"), 16)


@pytest.fixture
def folder(files, shards):
    """Theirs, which a test may damage."""
    folder = Path(files.manifest_file).parent
    yield folder
    shutil.copytree(shards, folder, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def training(files):
    """An epoch of the 32 training examples; what it reads, it reads anew each time."""
    return pretraining_dataset(files, Updates(8, 8, CONTEXT, seed=1, first_step=0, steps=4))


@pytest.fixture(scope="module")
def held_out(files):
    return pretraining_eval_dataset(files, **EVAL)


@pytest.fixture(scope="module")
def of_training(files):
    """Evaluates the training examples."""
    return pretraining_eval_dataset(dataclasses.replace(files, eval=files.train), **EVAL)


def error_of(dataset):
    """What reading it raises, as a message for the user."""
    with pytest.raises(tf.errors.OpError) as error:
        list(dataset)
    return reading_error(error.value)


def evaluation_error(files):
    return error_of(pretraining_eval_dataset(files, **EVAL))


def offsets(content):
    """Where each TFRecord starts: length (8 bytes), its CRC (4), the data, its CRC (4)."""
    place = 0
    while place < len(content):
        yield place
        place += struct.unpack_from("<Q", content, place)[0] + 16


@pytest.mark.parametrize("offset", [0, 9, 20], ids=["length", "length's CRC", "data"])
def test_a_flipped_bit_is_an_error_that_names_file_and_record(
    folder, training, of_training, offset
):
    shard = folder / "x-00001.tfrecord"
    content = bytearray(shard.read_bytes())
    content[list(offsets(content))[5] + offset] ^= 4
    shard.write_bytes(content)
    for dataset in (training, of_training):
        message = error_of(dataset)
        assert message.startswith(f"{shard}: record 5 cannot be read")
        assert "the manifest says 8 records" in message


@pytest.mark.parametrize("kept", [0, 3])
def test_a_file_cut_after_it_was_found_is_an_error(folder, training, of_training, kept):
    """Also between two records, where the file looks whole."""
    shard = folder / "x-00002.tfrecord"
    content = shard.read_bytes()
    shard.write_bytes(content[: list(offsets(content))[kept]])
    for dataset in (training, of_training):
        assert error_of(dataset).startswith(f"{shard}: record {kept} cannot be read")


def test_a_file_with_more_records_than_its_manifest_says_is_an_error(folder, training):
    shard = folder / "x-00000.tfrecord"
    shard.write_bytes(shard.read_bytes() + (folder / "x-00001.tfrecord").read_bytes())
    assert error_of(training) == f"{shard} holds more than the 13 records of its manifest"


@pytest.mark.timeout(60)
def test_a_file_removed_after_it_was_found_is_an_error_that_names_it(folder, of_training):
    (folder / "x-00001.tfrecord").unlink()
    wanted = f"{folder}/x-00001.tfrecord: this shard is no longer there"
    assert error_of(of_training) == wanted


@pytest.mark.parametrize("changes", [{"sequence_length": 24}, {"max_predictions": 2}])
def test_a_record_of_another_length_than_the_manifest_says_is_named(files, folder, changes):
    files = dataclasses.replace(files, **changes)
    length, predictions = files.sequence_length, files.max_predictions
    assert evaluation_error(files) == (
        f"{folder}/x-eval-00000.tfrecord: record 0 is not an example of {length} tokens and "
        f"{predictions} predictions, as {folder}/x.manifest.json says: a feature is missing or has "
        "another length"
    )


@pytest.mark.parametrize(
    ("name", "place", "value", "wanted"),
    [
        ("input_ids", 3, 1000, "0 to 999: the entries of the vocabulary"),
        ("input_ids", 0, -1, "0 to 999: the entries of the vocabulary"),
        ("masked_lm_ids", 1, 4096, "0 to 999: the entries of the vocabulary"),
        ("masked_lm_positions", 2, 16, "0 to 15"),
        ("masked_lm_weights", 0, float("nan"), "0 to 1"),
        ("input_mask", 15, 2, "0 to 1"),
        ("segment_ids", 15, 2, "0 to 1"),
        ("next_sentence_labels", 0, 2, "0 to 1"),
    ],
)
def test_a_number_out_of_its_range_is_named_with_file_and_record(
    folder, held_out, new_example, serialise, name, place, value, wanted
):
    """Found before any of it reaches the model: a token outside the vocabulary has no row of the
    embedding, and on an accelerator nothing would say so."""
    shard = folder / "x-eval-00001.tfrecord"
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for number in range(4):
            example = new_example(number, 16, 3)
            if number == 2:
                example[name][place] = value
            writer.write(serialise(example))
    assert error_of(held_out) == f"{shard}: record 2 has {value} in {name}, wanted {wanted}"


def test_a_path_that_is_not_ascii_is_said_as_it_is(shards, tmp_path):
    folder = shutil.copytree(shards, tmp_path / "d\u00e9j\u00e0 'vu' [1]")
    files = find_pretraining(folder, 16)
    wanted = f"{folder}/x-eval-00000.tfrecord: record 5 has 9 in input_ids"
    assert evaluation_error(dataclasses.replace(files, vocabulary_size=9)).startswith(wanted)
    wanted = f"{folder}/x-eval-00000.tfrecord: record 0 is not an example of 24 tokens"
    assert evaluation_error(dataclasses.replace(files, sequence_length=24)).startswith(wanted)


def test_other_errors_are_not_taken_for_errors_of_the_data():
    assert reading_error(ValueError("input data: x")) is None
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        tf.debugging.assert_equal(1, 2)
    assert reading_error(error.value) is None
