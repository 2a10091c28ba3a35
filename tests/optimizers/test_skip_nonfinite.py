"""A step with a gradient that is not finite is refused: nothing moves, and the count does.

That eager, tf.function and XLA refuse alike, for every optimizer, is in test_all_optimizers; that
one replica's NaN is refused on all, in test_replicas.
"""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from largebatch.optimizers import LAMB, create
from largebatch.optimizers.schedules import WarmupPolynomialDecay


def test_one_bad_value_in_any_variable_refuses_the_whole_step(sample, runner, same):
    run = runner(sample).step(0)
    weights, state = run.weights, run.state
    bad = itertools.product([np.nan, np.inf, -np.inf], [0, 1, 4])
    for refused, (value, which) in enumerate(bad, start=1):
        run.apply(run.problem.spoilt(1, value, which))
        same(run.weights, weights)
        same(run.state, state)
        assert int(run.optimizer.refused_steps) == refused


def test_a_bad_first_step_leaves_a_fresh_optimizer(configuration, runner, eager, same):
    run = runner(configuration)
    weights = run.weights
    run.apply(run.problem.spoilt(0))
    same(run.weights, weights)
    assert int(run.optimizer.iterations) == 0
    run.step(0)
    same(run.weights, eager(configuration, 1).weights)
    same(run.state, eager(configuration, 1).state)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(bad=st.lists(st.booleans(), min_size=1, max_size=6))
def test_good_steps_between_bad_ones_are_those_of_a_run_without_bad_ones(bad, runner_of_lamb):
    run, clean = runner_of_lamb(), runner_of_lamb()
    for step, is_bad in enumerate(bad):
        if is_bad:
            run.apply(run.problem.spoilt(step))
        else:
            run.step(step)
            clean.step(step)
    for found, wanted in zip([*run.weights, *run.state], [*clean.weights, *clean.state]):
        np.testing.assert_array_equal(found, wanted)
    assert int(run.optimizer.refused_steps) == sum(bad)


@pytest.fixture(scope="session")
def runner_of_lamb(runner, all_configurations):
    lamb = next(c for c in all_configurations if c.name == "lamb")
    return lambda: runner(lamb)


@pytest.mark.parametrize("name", ["lamb", "adamw", "tfa_lamb"])
def test_the_clock_of_a_schedule_stands_still_in_a_refused_step(name, problem):
    more = {} if name == "tfa_lamb" else {"jit_compile": False}
    optimizer = create(name, WarmupPolynomialDecay(0.1, 4, 8), **more)
    variables = problem.variables()
    optimizer.apply_gradients(zip(problem.step_gradients(0), variables))
    for _ in range(3):
        optimizer.apply_gradients(zip(problem.spoilt(1), variables))
    assert int(optimizer.iterations) == 1


def test_statistics_are_those_of_the_last_applied_step(problem):
    optimizer, variables = LAMB(0.1, jit_compile=False), problem.variables()
    optimizer.apply_gradients(zip(problem.step_gradients(0), variables))
    before = {k: [float(x) for x in v] for k, v in optimizer.layer_statistics().items()}
    optimizer.apply_gradients(zip(problem.spoilt(1), variables))
    assert {k: [float(x) for x in v] for k, v in optimizer.layer_statistics().items()} == before


def test_large_finite_gradients_are_not_refused(sample, runner):
    # 1e10 squared still fits; only what is not finite is refused.
    run = runner(sample)
    run.apply([gradient * 1e10 for gradient in run.problem.step_gradients(0)])
    assert int(run.optimizer.refused_steps) == 0
    assert int(run.optimizer.iterations) == 1
    assert all(np.isfinite(weight).all() for weight in run.weights)


def test_a_finite_check_over_many_values_finds_the_last_one(problem):
    # More values than a row of any blocked reduction, and no multiple of one.
    for shape in ((1031,), (3, 1031), (257, 129)):
        for compiled in (False, True):
            variable = tf.Variable(tf.ones(shape), name="dense/kernel")
            gradient = np.ones(shape, np.float32)
            gradient.flat[-1] = np.nan
            optimizer = LAMB(0.1, jit_compile=compiled)
            optimizer.apply_gradients([(tf.constant(gradient), variable)])
            assert int(optimizer.refused_steps) == 1
            np.testing.assert_array_equal(variable, np.ones(shape))


SQUARED = ("lamb", "nlamb", "nnlamb", "lars", "nadam", "bert_adamw", "adagrad", "adam", "adamw")


@pytest.mark.parametrize("jit_compile", [True, False])
@pytest.mark.parametrize("name", SQUARED)
def test_a_gradient_whose_square_overflows_is_refused_once(name, jit_compile):
    optimizer, weight = create(name, 0.1, jit_compile=jit_compile), tf.Variable([1.0, 2.0])
    optimizer.build([weight])
    optimizer.apply_gradients([(tf.constant([2e19, 1.0]), weight)])
    np.testing.assert_array_equal(weight, [1.0, 2.0])
    assert (int(optimizer.refused_steps), int(optimizer.iterations)) == (1, 0)
    for gradient in (1e19, 1.0):  # the largest scale whose square is finite, then an ordinary one
        optimizer.apply_gradients([(tf.constant([gradient, 1.0]), weight)])
    assert np.isfinite(weight).all() and weight.numpy()[0] < 1
    assert int(optimizer.refused_steps) == 1


def test_momentum_squares_nothing_and_refuses_no_large_gradient():
    optimizer, weight = create("momentum", 1e-19), tf.Variable([1.0, 2.0])
    optimizer.apply_gradients([(tf.constant([2e19, 0.0]), weight)])
    np.testing.assert_allclose(weight, [-1.0, 2.0], rtol=1e-6)
    assert int(optimizer.refused_steps) == 0


def test_a_square_is_judged_in_float32_when_the_weights_are_half_as_wide():
    optimizer, weight = create("lamb", 0.1), tf.Variable(tf.constant([1.0, 2.0], tf.float16))
    optimizer.apply_gradients([(tf.constant([3e4, 1.0], tf.float16), weight)])
    assert int(optimizer.refused_steps) == 0 and weight.numpy()[0] != 1


@pytest.mark.parametrize("name", ["lamb", "adam"])
def test_a_variable_that_the_optimizer_was_not_built_with_is_named(name):
    optimizer = create(name, 0.1)
    optimizer.build([tf.Variable([1.0], name="a")])
    with pytest.raises(KeyError, match="cannot recognize variable b:0.*build"):
        optimizer.apply_gradients([(tf.constant([1.0]), tf.Variable([1.0], name="b"))])


@pytest.mark.parametrize("name", ["lamb", "lars", "adamw"])
def test_complex_weights_are_refused(name):
    with pytest.raises(ValueError, match="is complex64; want real weights"):
        create(name, 0.1).build([tf.Variable(tf.constant([1 + 1j], tf.complex64))])


@pytest.mark.parametrize("name", ["lamb", "lars"])
def test_iterations_of_another_whole_type_are_counted(name):
    optimizer, weight = create(name, 0.1), tf.Variable([1.0])
    optimizer.iterations = tf.Variable(0, dtype=tf.int32)
    optimizer.apply_gradients([(tf.constant([1.0]), weight)])
    assert int(optimizer.iterations) == 1


def test_variables_of_one_name_have_a_row_each():
    optimizer = LAMB(0.1)
    weights = [tf.Variable([value], name="w") for value in (3.0, 4.0)]
    optimizer.apply_gradients([(tf.constant([1.0]), weight) for weight in weights])
    rows = {path: float(norm) for path, (norm, *_) in optimizer.layer_statistics().items()}
    assert rows == {"w": 3.0, "w#2": 4.0}
