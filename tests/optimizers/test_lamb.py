"""LAMB against the oracle of Algorithm 2, and what the algorithm promises for any input."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from largebatch.optimizers import LAMB
from largebatch.optimizers.schedules import WarmupPolynomialDecay

few = settings(max_examples=12, deadline=None, derandomize=True)
seeds = st.integers(0, 2**16)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.05, "weight_decay": 0.3},
        {"norm": "l1"},
        {"norm": "linf", "epsilon": 0.05},
        {"phi_bounds": (0.25, 1.5)},
        {"norm": "l1", "phi_bounds": (0.0, 2.0)},
        {"bias_correction": False},
        {"weight_decay": 0.0},
        {"beta_1": 0.0, "beta_2": 0.0, "epsilon": 0.0},
    ],
    ids=str,
)
def test_lamb_follows_algorithm_2(oracles, agrees_with_oracle, arguments):
    agrees_with_oracle(LAMB(0.05, jit_compile=False, **arguments), oracles.lamb, 0.05, **arguments)


def test_lamb_compiled_by_xla_follows_algorithm_2(oracles, agrees_with_oracle):
    arguments = {"epsilon": 0.05, "weight_decay": 0.3}
    agrees_with_oracle(LAMB(0.05, **arguments), oracles.lamb, 0.05, **arguments)


def test_lamb_in_float64_follows_algorithm_2_more_closely(oracles, agrees_with_oracle):
    # Not to float64's last digits: rates and bias corrections are float32.
    agrees_with_oracle(
        LAMB(0.05, jit_compile=False, epsilon=0.05),
        oracles.lamb,
        0.05,
        epsilon=0.05,
        dtype=tf.float64,
        tolerance=2e-7,
    )


def test_lamb_takes_the_rate_of_the_schedule_before_the_update(oracles, agrees_with_oracle):
    agrees_with_oracle(
        LAMB(WarmupPolynomialDecay(0.25, 4, 16), jit_compile=False),
        oracles.lamb,
        lambda t: 0.25 * t / 4 if t < 4 else 0.25 * (1 - t / 16),
    )


def test_lamb_decays_and_adapts_by_independent_lists(oracles, agrees_with_oracle):
    agrees_with_oracle(
        LAMB(
            0.05,
            weight_decay=0.5,
            exclude_from_weight_decay=["^head/"],
            exclude_from_layer_adaptation=["dense", "embeddings$"],
            jit_compile=False,
        ),
        oracles.lamb,
        0.05,
        weight_decay=0.5,
        no_decay=lambda path: path == "head/kernel",
        no_adaptation=lambda path: "dense" in path or "embeddings" in path,
    )


def test_lamb_with_empty_lists_excludes_nothing(oracles, agrees_with_oracle):
    agrees_with_oracle(
        LAMB(
            0.05,
            weight_decay=0.5,
            exclude_from_weight_decay=[],
            exclude_from_layer_adaptation=[],
            jit_compile=False,
        ),
        oracles.lamb,
        0.05,
        weight_decay=0.5,
        no_decay=lambda path: False,
        no_adaptation=lambda path: False,
    )


def test_an_oracle_with_another_decay_would_be_noticed(oracles, agrees_with_oracle):
    with pytest.raises(AssertionError, match="after step"):
        agrees_with_oracle(
            LAMB(0.05, weight_decay=0.01, jit_compile=False),
            oracles.lamb,
            0.05,
            weight_decay=0.012,
        )


def one_layer(seed, shape=(4, 3), scale=1.0):
    random = np.random.RandomState(seed)
    weight = random.normal(size=shape).astype(np.float32)
    gradient = (random.normal(size=shape) * scale).astype(np.float32)
    return tf.Variable(weight, name="dense/kernel"), tf.constant(gradient)


def update_of(optimizer, variable, gradient):
    before = variable.numpy().astype(np.float64)
    optimizer.apply_gradients([(gradient, variable)])
    return variable.numpy() - before


@few
@given(seed=seeds, rate=st.floats(1e-3, 1.0), scale=st.floats(1e-3, 1e3))
def test_the_norm_of_an_update_is_the_rate_times_the_norm_of_the_weights(seed, rate, scale):
    variable, gradient = one_layer(seed, scale=scale)
    norm = np.linalg.norm(variable.numpy())
    update = update_of(LAMB(rate, jit_compile=False), variable, gradient)
    assert np.linalg.norm(update) == pytest.approx(rate * norm, rel=1e-3)


@few
@given(seed=seeds, lower=st.floats(0.01, 20), width=st.floats(0, 5))
def test_the_norm_of_an_update_stays_within_the_bounds_of_phi(seed, lower, width):
    variable, gradient = one_layer(seed)
    norm = np.linalg.norm(variable.numpy())
    optimizer = LAMB(0.5, phi_bounds=(lower, lower + width), jit_compile=False)
    update = update_of(optimizer, variable, gradient)
    assert np.linalg.norm(update) == pytest.approx(
        0.5 * min(max(norm, lower), lower + width), rel=1e-4
    )


@few
@given(seed=seeds, exponent=st.integers(-12, 12))
def test_the_first_update_does_not_depend_on_the_size_of_the_gradient(seed, exponent):
    updates = []
    for scale in (1.0, 2.0**exponent):
        variable, gradient = one_layer(seed)
        optimizer = LAMB(0.1, epsilon=1e-30, jit_compile=False)
        updates.append(update_of(optimizer, variable, gradient * scale))
    np.testing.assert_allclose(updates[1], updates[0], atol=1e-6)


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_zero_gradient_still_decays_by_the_rate_times_the_weights(norm):
    # r = 0, so the update is λ x and the trust ratio 1/λ: any λ > 0 decays as fast.
    for decay in (0.01, 0.5):
        variable, gradient = one_layer(0)
        weight = variable.numpy()
        optimizer = LAMB(0.125, weight_decay=decay, norm=norm, jit_compile=False)
        update = update_of(optimizer, variable, tf.zeros_like(gradient))
        np.testing.assert_allclose(update, -0.125 * weight, rtol=1e-5)


def test_zero_gradient_without_decay_leaves_the_weights():
    variable, gradient = one_layer(0)
    optimizer = LAMB(0.125, weight_decay=0.0, jit_compile=False)
    assert not update_of(optimizer, variable, tf.zeros_like(gradient)).any()
    assert optimizer.layer_statistics()["dense/kernel"][2] == 1


@pytest.mark.parametrize(
    "bounds, wanted", [(None, 1), ((0.0, 9.0), 1), ((3.0, 9.0), 3 / np.sqrt(12))]
)
def test_weights_of_zero_norm_have_the_lower_bound_of_phi_or_trust_ratio_1(bounds, wanted):
    variable, gradient = one_layer(0)
    variable.assign(tf.zeros_like(variable))
    optimizer = LAMB(0.125, phi_bounds=bounds, jit_compile=False)
    update = update_of(optimizer, variable, gradient)
    np.testing.assert_allclose(update, -0.125 * wanted * np.sign(gradient), rtol=1e-4)
    weight_norm, update_norm, ratio = optimizer.layer_statistics()["dense/kernel"]
    assert weight_norm == 0 and float(ratio) == pytest.approx(wanted, rel=1e-4)
    assert float(update_norm) == pytest.approx(np.sqrt(12), rel=1e-4)


def test_an_update_of_zero_norm_has_trust_ratio_1_whatever_the_bounds_of_phi():
    variable, gradient = one_layer(0)
    optimizer = LAMB(0.125, weight_decay=0.0, phi_bounds=(3.0, 9.0), jit_compile=False)
    assert not update_of(optimizer, variable, tf.zeros_like(gradient)).any()
    assert optimizer.layer_statistics()["dense/kernel"][2] == 1


def test_without_momentum_the_first_update_is_the_gradients_sign():
    # Section 3.2: with β₁ = β₂ = 0, sign SGD with a rate scaled by the layer.
    variable, gradient = one_layer(3)
    norm = np.linalg.norm(variable.numpy())
    optimizer = LAMB(0.5, beta_1=0, beta_2=0, epsilon=0, weight_decay=0, jit_compile=False)
    update = update_of(optimizer, variable, gradient)
    np.testing.assert_allclose(update, -0.5 * norm / np.sqrt(12) * np.sign(gradient), rtol=1e-5)


def test_statistics_are_zero_before_the_first_step():
    variable, _ = one_layer(0)
    optimizer = LAMB(jit_compile=False)
    optimizer.build([variable])
    assert [float(value) for value in optimizer.layer_statistics()["dense/kernel"]] == [0, 0, 0]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"norm": "l3"}, "norm must be one of l1, l2, linf, found 'l3'"),
        ({"phi_bounds": (2, 1)}, r"phi_bounds must be .* found \(2, 1\)"),
        ({"phi_bounds": (-1, 1)}, "phi_bounds must be"),
        ({"phi_bounds": (0, 0)}, "phi_bounds must be"),
        ({"phi_bounds": (1,)}, "phi_bounds must be"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_it(arguments, message):
    with pytest.raises(ValueError, match=message):
        LAMB(**arguments)


@pytest.mark.parametrize("norm", ["l2", "l1", "linf"])
@pytest.mark.parametrize("shape", [(1031,), (257, 129)])
def test_compiled_norms_of_larger_layers_are_numpys(oracles, shape, norm):
    # Larger than a block of any blocked reduction, and no multiple of one.
    random = np.random.RandomState(0)
    weight = random.normal(size=shape).astype(np.float32)
    gradient = random.normal(size=shape).astype(np.float32)
    path, statistics = oracles.lamb(
        weight.astype(np.float64), [gradient.astype(np.float64)], [0.125], norm=norm
    )
    variable = tf.Variable(weight, name="dense/kernel")
    optimizer = LAMB(0.125, norm=norm)
    optimizer.apply_gradients([(tf.constant(gradient), variable)])
    np.testing.assert_allclose(variable, path[0], atol=1e-5 * np.abs(path[0]).max())
    found = [float(value) for value in optimizer.layer_statistics()["dense/kernel"]]
    assert found == pytest.approx(statistics, rel=1e-5)


def trajectory(seed, steps=6, scale=1.0, **arguments):
    """The weights after some steps with the same gradients."""
    random = np.random.RandomState(seed)
    variable, _ = one_layer(seed)
    optimizer = LAMB(0.1, jit_compile=False, **arguments)
    for _ in range(steps):
        gradient = (random.normal(size=variable.shape) * scale).astype(np.float32)
        optimizer.apply_gradients([(tf.constant(gradient), variable)])
    return variable.numpy()


@few
@given(seed=seeds)
def test_without_decay_the_trust_ratio_takes_out_the_bias_correction(seed):
    # Figure 2 and appendix E: both corrections are scalars, of m and of v, and r is normalised.
    settings = {"weight_decay": 0.0, "epsilon": 0.0}
    corrected, plain = (trajectory(seed, bias_correction=on, **settings) for on in (True, False))
    np.testing.assert_allclose(plain, corrected, rtol=1e-4, atol=1e-6)


def test_epsilon_is_what_the_correction_of_v_leaves_where_gradients_are_small():
    arguments = {"weight_decay": 0.0, "epsilon": 1e-6}
    for scale, alike in ((1.0, True), (1e-6, False)):
        one, other = (trajectory(0, scale=scale, bias_correction=b, **arguments) for b in (0, 1))
        assert np.allclose(one, other, rtol=1e-3, atol=1e-5) == alike


def test_with_decay_leaving_the_correction_out_is_another_decay():
    # r without correction is r / c(t), c(t) = sqrt(1 - beta_2^t) / (1 - beta_1^t): so lambda acts
    # as lambda c(t) does with it. Shown at t = 1.
    decay, factor = 0.5, np.sqrt(1 - 0.999) / (1 - 0.9)
    first = {"steps": 1, "epsilon": 0.0}
    plain = trajectory(3, bias_correction=False, weight_decay=decay, **first)
    corrected = trajectory(3, weight_decay=decay * factor, **first)
    np.testing.assert_allclose(plain, corrected, rtol=1e-5, atol=1e-6)
    assert not np.allclose(plain, trajectory(3, weight_decay=decay, **first), rtol=1e-2)
