"""Weights made by NumPy from their seeds, against TensorFlow's and Keras' own."""

import numpy as np
import pytest
import tensorflow as tf

from largebatch.benchmarks.seeded_weights import made

SEEDS = (0, 7, 123_456_789, 999_999_999)


@pytest.mark.parametrize("seed", SEEDS)
def test_uniform_numbers_are_tensorflows_bit_for_bit(seed):
    theirs = tf.random.stateless_uniform([37, 11], [seed, 0], -0.3, 0.25).numpy()
    ours = made({"kind": "uniform", "seed": seed, "shape": [37, 11], "low": -0.3, "high": 0.25})
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_truncated_normal_numbers_are_tensorflows_to_rounding(seed):
    theirs = tf.random.stateless_truncated_normal([301, 13], [seed, 0], 0.1, 0.02).numpy()
    recipe = {
        "kind": "truncated_normal",
        "seed": seed,
        "shape": [301, 13],
        "mean": 0.1,
        "std": 0.02,
    }
    np.testing.assert_allclose(made(recipe), theirs, rtol=0, atol=1e-7)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="'cauchy'"):
        made({"kind": "cauchy", "seed": 1, "shape": [2]})
