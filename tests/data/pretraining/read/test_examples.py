import dataclasses
import shutil
import struct

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


@pytest.fixture
def folder(shards, tmp_path):
    return shutil.copytree(shards, tmp_path / "data")


def training_error(files, steps=4):
    """What reading one epoch of the 32 training examples raises, as a message for the user."""
    dataset = pretraining_dataset(files, Updates(8, 8, CONTEXT, seed=1, first_step=0, steps=steps))
    with pytest.raises(tf.errors.OpError) as error:
        list(dataset)
    return reading_error(error.value)


def offsets(content):
    """Where each TFRecord starts: length (8 bytes), its CRC (4), the data, its CRC (4)."""
    place = 0
    while place < len(content):
        yield place
        place += struct.unpack_from("<Q", content, place)[0] + 16


@pytest.mark.parametrize("offset", [0, 9, 20], ids=["length", "length's CRC", "data"])
def test_a_flipped_bit_is_an_error_that_names_file_and_record(folder, offset):
    files = find_pretraining(folder, 16)
    shard = folder / "x-00001.tfrecord"
    content = bytearray(shard.read_bytes())
    content[list(offsets(content))[5] + offset] ^= 4
    shard.write_bytes(content)
    # One of the three in training, which takes longer to build: both read with the same function.
    message = training_error(files) if offset == 20 else evaluation_error(of_training(files))
    assert message.startswith(f"{shard}: record 5 cannot be read")
    assert "the manifest says 8 records" in message


@pytest.mark.parametrize("kept", [0, 3])
def test_a_file_cut_after_it_was_found_is_an_error(folder, kept):
    """Also between two records, where the file looks whole."""
    files = find_pretraining(folder, 16)
    shard = folder / "x-00002.tfrecord"
    content = shard.read_bytes()
    shard.write_bytes(content[: list(offsets(content))[kept]])
    message = training_error(files) if kept else evaluation_error(of_training(files))
    assert message.startswith(f"{shard}: record {kept} cannot be read")


def test_a_file_with_more_records_than_its_manifest_says_is_an_error(folder):
    files = find_pretraining(folder, 16)
    shard = folder / "x-00000.tfrecord"
    shard.write_bytes(shard.read_bytes() + (folder / "x-00001.tfrecord").read_bytes())
    assert training_error(files) == f"{shard} holds more than the 13 records of its manifest"


@pytest.mark.timeout(60)
def test_a_file_removed_after_it_was_found_is_an_error_that_names_it(folder):
    files = find_pretraining(folder, 16)
    (folder / "x-00001.tfrecord").unlink()
    message = evaluation_error(of_training(files))
    assert message == f"{folder}/x-00001.tfrecord: this shard is no longer there"


EVAL = {"batch": 8, "context": CONTEXT}


def of_training(files):
    """Evaluates the training examples."""
    return dataclasses.replace(files, eval=files.train)


def evaluation_error(files):
    with pytest.raises(tf.errors.OpError) as error:
        list(pretraining_eval_dataset(files, **EVAL))
    return reading_error(error.value)


@pytest.mark.parametrize("changes", [{"sequence_length": 24}, {"max_predictions": 2}])
def test_a_record_of_another_length_than_the_manifest_says_is_named(folder, changes):
    files = dataclasses.replace(find_pretraining(folder, 16), **changes)
    length, predictions = files.sequence_length, files.max_predictions
    assert evaluation_error(files) == (
        f"{folder}/x-eval-00000.tfrecord: record 0 is not an example of {length} tokens and "
        f"{predictions} predictions, as {folder}/x.manifest.json says: a feature is missing or has "
        "another length"
    )


def rewritten(folder, new_example, serialise, name, place, value):
    """The files, with one number of record 2 of the held-out split's second shard changed."""
    files = find_pretraining(folder, 16)
    with tf.io.TFRecordWriter(files.eval[1].path) as writer:
        for number in range(4):
            example = new_example(number, 16, 3)
            if number == 2:
                example[name][place] = value
            writer.write(serialise(example))
    return files


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
    folder, new_example, serialise, name, place, value, wanted
):
    """Found before any of it reaches the model: a token outside the vocabulary has no row of the
    embedding, and on an accelerator nothing would say so."""
    files = rewritten(folder, new_example, serialise, name, place, value)
    assert evaluation_error(files) == (
        f"{folder}/x-eval-00001.tfrecord: record 2 has {value} in {name}, wanted {wanted}"
    )


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
