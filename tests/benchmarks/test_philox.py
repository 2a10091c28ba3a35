"""Random numbers by NumPy, against TensorFlow's stateless ones."""

import numpy as np
import pytest
import tensorflow as tf

from largebatch.benchmarks.philox import Stream, permutation

SEEDS = [(0, 0), (7, 1 << 48 | 23), (123_456_789_012, 3 << 48 | 1_757), (-1, 5)]


@pytest.mark.parametrize("seed", SEEDS)
def test_words_are_those_of_stateless_uniform(seed):
    theirs = tf.random.stateless_uniform([5, 2], seed, None, None, tf.int32, alg="philox")
    ours = Stream(*seed).words(10).view(np.int32).reshape(5, 2)
    np.testing.assert_array_equal(ours, theirs.numpy())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("count", [1, 2, 5, 1_000])
def test_a_permutation_is_that_of_stateless_shuffle(seed, count):
    values = tf.range(count, dtype=tf.int64)
    theirs = tf.random.experimental.stateless_shuffle(values, seed, alg="philox").numpy()
    np.testing.assert_array_equal(permutation(count, *seed), theirs)


def test_a_groups_place_may_lie_beyond_32_bits():
    far = Stream(1).groups(np.array([1 << 40, 5], np.uint64))
    assert not np.array_equal(far[0], Stream(1).groups(np.array([0], np.uint64))[0])
    np.testing.assert_array_equal(far[1], Stream(1).words(24)[20:])
