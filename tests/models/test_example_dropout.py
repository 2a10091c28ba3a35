import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import example_dropout

EXAMPLES, UNITS = 512, 768


def seeds(count=EXAMPLES, seed=0):
    return tf.random.stateless_uniform([count, 2], (seed, 1), None, None, tf.int32)


def kept(given=None, rate=0.5, layer=0, units=UNITS):
    """bool [B, U]."""
    given = seeds() if given is None else given
    ones = tf.ones([len(given), units])
    return example_dropout.dropout(ones, rate, given, layer).numpy() > 0


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.5])
@pytest.mark.parametrize("units", [UNITS, UNITS - 1])
def test_units_are_dropped_at_the_rate_and_the_mean_is_kept(rate, units):
    ones = tf.ones([EXAMPLES, units])
    found = example_dropout.dropout(ones, rate, seeds(), 0).numpy()
    met = round(65536 * rate) / 65536
    deviation = np.sqrt(rate * (1 - rate))
    assert abs((found == 0).mean() - met) < 4 * deviation / np.sqrt(found.size)
    np.testing.assert_allclose(np.unique(found), [0, 1 / (1 - met)], rtol=1e-6)
    # Neither an example nor a unit is dropped more often than chance has it.
    for axis, count in ((0, EXAMPLES), (1, units)):
        spread = (found == 0).mean(axis).std() / (deviation / np.sqrt(count))
        assert abs(spread - 1) < 0.15


def test_the_bytes_of_the_random_words_are_uniform():
    words = example_dropout._words(seeds(), 0, 256).numpy()
    for shift in (0, 8, 16, 24):
        counts = np.bincount((words >> shift & 255).ravel(), minlength=256)
        expected = words.size / 256
        # Chi-square with 255 degrees of freedom: 255 +- 22.6.
        assert 165 < np.sum((counts - expected) ** 2 / expected) < 345, shift


def correlation(left, right):
    """In standard deviations of what chance gives."""
    return np.corrcoef(left.ravel(), right.ravel())[0, 1] * np.sqrt(left.size)


def test_masks_are_independent_from_example_to_example_unit_to_unit_layer_to_layer():
    mask = kept()
    for lag in (1, 2, 16, 256, UNITS // 2):
        assert abs(correlation(mask[:-lag], mask[lag:])) < 4.5, lag
        assert abs(correlation(mask[:, :-lag], mask[:, lag:])) < 4.5, lag
    assert abs(correlation(mask, kept(layer=1))) < 4.5
    assert abs(correlation(kept(layer=1), kept(layer=2))) < 4.5
    # All pairs of examples at once: agreements of two are binomial.
    signs = 2.0 * mask - 1
    agreement = (signs @ signs.T)[np.triu_indices(EXAMPLES, 1)] / np.sqrt(UNITS)
    assert abs(agreement.std() - 1) < 0.02 and np.abs(agreement).max() < 5.5


def test_masks_are_independent_from_step_to_step_and_of_near_seeds():
    assert abs(correlation(kept(), kept(seeds(seed=1)))) < 4.5
    counted = tf.stack([tf.zeros(EXAMPLES, tf.int32), tf.range(EXAMPLES)], 1)
    swapped = tf.reverse(counted, [1])
    for near in (counted, swapped):
        mask = kept(near)
        assert abs(mask.mean() - 0.5) < 4 * 0.5 / np.sqrt(mask.size)
        for lag in (1, 2, 4):
            assert abs(correlation(mask[:-lag], mask[lag:])) < 4.5
    assert abs(correlation(kept(counted), kept(swapped))) < 4.5


def test_an_example_is_dropped_alike_in_any_batch():
    whole, given = kept(), seeds()
    for first, last in ((0, 8), (8, 9), (100, EXAMPLES)):
        np.testing.assert_array_equal(kept(given[first:last]), whole[first:last])


def test_masks_are_the_same_eagerly_in_a_graph_and_under_xla():
    x, given = tf.ones([6, 3, 5]), seeds(6)

    def draw(x, given):
        return example_dropout.dropout(x, 0.4, given, 3)

    expected = draw(x, given)
    np.testing.assert_array_equal(tf.function(draw)(x, given), expected)
    np.testing.assert_array_equal(tf.function(draw, jit_compile=True)(x, given), expected)


def test_masks_are_pinned_so_that_another_release_draws_the_same():
    # Written down once: a change here breaks the resuming of old runs. By Python's integers:
    def mix(x):
        x ^= x >> 16
        x = x * 0x21F0AAAD % 2**32
        x ^= x >> 15
        x = x * 0xD35A2D97 % 2**32
        return x ^ x >> 15

    given = np.array([[1, -2], [2**31 - 1, -(2**31)]], np.int32)
    keys = [[mix((int(s) + 3 * 0x9E3779B9) % 2**32) for s in pair] for pair in given]
    wanted = [[mix(mix((j + k0) % 2**32) ^ k1) for j in range(4)] for k0, k1 in keys]
    np.testing.assert_array_equal(example_dropout._words(tf.constant(given), 2, 4), wanted)
    assert wanted[0][:2] == [285317078, 1582106259]


def test_the_gradient_passes_where_the_value_does():
    x, given = tf.ones([5, 40]), seeds(5)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = example_dropout.dropout(x, 0.3, given, 0)
    np.testing.assert_array_equal(tape.gradient(y, x), y)


def test_bfloat16_draws_the_masks_of_float32():
    y = example_dropout.dropout(tf.ones([5, 40], tf.bfloat16), 0.3, seeds(5), 0)
    assert y.dtype == tf.bfloat16
    np.testing.assert_array_equal(tf.cast(y, tf.float32) > 0, kept(seeds(5), 0.3, units=40))


def test_wrong_rates_and_seeds_are_named():
    with pytest.raises(ValueError, match="dropout rate is 1"):
        example_dropout.dropout(tf.ones([2, 3]), 1, seeds(2), 0)
    with pytest.raises(ValueError, match=r"for each example, int32 \[2, 2\]; found \(3, 2\)"):
        example_dropout.dropout(tf.ones([2, 3]), 0.5, seeds(3), 0)
