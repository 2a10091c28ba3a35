"""Weights made by NumPy from their seeds, against TensorFlow's and Keras' own."""

import numpy as np
import pytest
import tensorflow as tf

from largebatch.benchmarks.seeded_weights import made, recipe_of

SEEDS = (0, 7, 123_456_789, 999_999_999)


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


def test_the_seed_of_an_array_is_found_among_others():
    drawn = tf.keras.initializers.TruncatedNormal(stddev=0.02, seed=42)((9, 5)).numpy()
    recipe = recipe_of(drawn, [3, 42, 77])
    assert recipe == {"kind": "truncated_normal", "seed": 42, "mean": 0.0, "shape": [9, 5],
                      "std": pytest.approx(0.02)}  # fmt: skip
    np.testing.assert_allclose(made(recipe), drawn, rtol=0, atol=3e-8)
    assert recipe_of(drawn, [3, 77]) is None
    assert recipe_of(drawn + np.eye(9, 5, dtype=np.float32), [42]) is None


def test_a_constant_array_needs_no_seed():
    ones = np.ones((3, 2), np.float32)
    np.testing.assert_array_equal(made(recipe_of(ones, [])), ones)
    assert made(recipe_of(np.zeros([], np.int64), [])).dtype == np.int64


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="'cauchy'"):
        made({"kind": "cauchy", "seed": 1, "shape": [2]})
