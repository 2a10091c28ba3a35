"""Reductions that are folded for XLA on a CPU give what plain ones give, at any shape and value."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from largebatch.optimizers import LAMB, LARS
from largebatch.optimizers.finite import all_finite
from largebatch.optimizers.reduction import SMALL, _cut, folds, reduce_folded, sum_of

# As of BERT, of ResNet-50 and of nothing in particular; all large enough to be folded or tried.
SHAPES = [
    (96, 96),
    (16, 12, 64),
    (12, 16, 64),
    (3, 3, 32, 64),
    (1, 1, 128, 128),
    (8192,),
    (8209,),
    (2, 4099),
    (101, 103),
]


def random(shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    "shape, cut",
    [
        ((30522, 768), (0, 6)),
        ((768, 3072), (0, 8)),
        ((768, 12, 64), (0, 8)),
        ((12, 64, 768), (0, 6)),
        ((3, 3, 64, 64), (2, 8)),
        ((3, 3, 3, 64), (0, 3)),
        ((2, 8192), (1, 8)),
        ((8192,), (0, 8)),
        ((101, 103), (0, 1)),
        ((), (0, 1)),
    ],
)
def test_the_first_axis_that_gives_enough_parts_is_cut(shape, cut):
    assert _cut(list(shape)) == cut


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_folded_reduction_equals_the_plain_one(shape, compiled):
    tensor = random(shape)

    @tf.function(jit_compile=compiled)
    def reductions(x):
        return (
            reduce_folded([x], tf.square, tf.add, sum_of),
            reduce_folded([x], tf.abs, tf.maximum, tf.reduce_max),
        )

    total, largest = reductions(tf.constant(tensor))
    assert float(total) == pytest.approx(np.square(tensor.astype(np.float64)).sum(), rel=1e-5)
    assert float(largest) == np.abs(tensor).max()


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    shape=st.sampled_from(SHAPES),
    place=st.floats(0, 1, exclude_max=True),
    value=st.sampled_from([np.nan, np.inf, -np.inf]),
)
def test_one_bad_value_is_found_wherever_it_is(shape, place, value):
    good, bad = random(shape), random(shape)
    bad.flat[int(place * bad.size)] = value
    for jit_compile in (False, True):
        assert all_finite([tf.constant(good), tf.ones((3,))], jit_compile)
        assert not all_finite([tf.constant(good), tf.constant(bad), tf.ones((3,))], jit_compile)


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16, tf.float32, tf.float64])
def test_the_largest_finite_values_of_a_type_are_finite(dtype):
    for shape in ((4,), (SMALL // 64, 64)):
        tensor = tf.fill(shape, tf.constant(dtype.max, dtype))
        for jit_compile in (False, True):
            assert all_finite([tensor, -tensor], jit_compile)


def test_nothing_is_folded_without_xla():
    assert folds(True)  # The tests see no accelerator.
    assert not folds(False)


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
@pytest.mark.parametrize("algorithm", ["lamb", "lars"])
def test_a_compiled_step_of_a_large_layer_follows_the_algorithm(oracles, algorithm, norm):
    shape, rates = (16, 12, 64), [0.05] * 3
    weight, gradients = random(shape), [random(shape, seed) for seed in (1, 2, 3)]
    assert weight.size >= SMALL and _cut(list(shape))[1] > 1
    arguments = {"weight_decay": 0.25, "norm": norm}
    optimizer = {"lamb": LAMB, "lars": LARS}[algorithm](rates[0], **arguments)
    variable = tf.Variable(weight, name="attention/kernel")
    for gradient in gradients:
        optimizer.apply_gradients([(tf.constant(gradient), variable)])
    wanted, statistics = getattr(oracles, algorithm)(
        weight.astype(np.float64), gradients, rates, **arguments
    )
    np.testing.assert_allclose(variable, wanted[-1], rtol=0, atol=1e-5 * np.abs(wanted[-1]).max())
    found = np.array(optimizer.layer_statistics()["attention/kernel"])
    np.testing.assert_allclose(found, statistics, rtol=1e-4)
