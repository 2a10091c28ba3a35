"""The words of a damaged file's error, inside those of either TensorFlow."""

import pytest
import tensorflow as tf

from largebatch.data import reading_error

FILE = "/data/a folder: x/b-00001.tfrecord"
STAGE = "Error in user-defined function passed to {}Dataset:2 transformation with iterator: {}: "
STAGES = STAGE.format("Map", "Iterator::Root::Prefetch::Map") + STAGE.format(
    "FlatMap", "SingleElementIterator::BatchV2::Concatenate[0]::FlatMap"
)
GRAPH = "Graph execution error:\n\nDetected at node X (most recent call last):\n<no traces>\n"


@pytest.mark.parametrize("stages", ["", STAGES], ids=["2.15", "2.20"])
@pytest.mark.parametrize("before", ["{{function_node __wrapped__Next}} ", "", GRAPH])
def test_a_shard_that_is_gone_is_named_whatever_stands_before_it(before, stages):
    message = f"{before}{stages}{FILE}; No such file or directory\n\t [[{{node X}}]]"
    error = tf.errors.NotFoundError(None, None, message)
    assert reading_error(error) == f"{FILE}: this shard is no longer there"


def test_another_error_is_not_taken_for_one_of_the_data():
    error = tf.errors.NotFoundError(None, None, "/data/checkpoint.index; No such file or directory")
    assert reading_error(error) is None
    assert reading_error(ValueError(f"{FILE}; No such file")) is None
