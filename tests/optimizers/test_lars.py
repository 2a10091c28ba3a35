"""LARS in both forms against their oracles."""

import numpy as np
import pytest
import tensorflow as tf

from largebatch.optimizers import LARS

SETTINGS = [
    {},
    {"momentum": 0.5, "weight_decay": 0.3},
    {"trust_coefficient": 0.25, "norm": "l1"},
    {"norm": "linf", "phi_bounds": (0.5, 1.5)},
    {"form": "you2017", "weight_decay": 0.3},
    {"form": "you2017", "nesterov": True, "trust_coefficient": 0.5, "weight_decay": 0.1},
    {"form": "you2017", "trust_coefficient": 1.0, "norm": "l1", "phi_bounds": (0.5, 2.0)},
    {"form": "you2017", "momentum": 0.0, "trust_coefficient": 0.1},
    {"form": "you2017", "weight_decay": 0.3, "trust_coefficient": 1.0, "max_ratio": 0.7},
    {"max_ratio": 0.2},
]


@pytest.mark.parametrize("arguments", SETTINGS, ids=str)
def test_lars_follows_its_algorithm(oracles, agrees_with_oracle, arguments):
    agrees_with_oracle(LARS(0.05, jit_compile=False, **arguments), oracles.lars, 0.05, **arguments)


@pytest.mark.parametrize("form", ["lamb_paper", "you2017"])
def test_lars_compiled_by_xla_follows_its_algorithm(oracles, agrees_with_oracle, form):
    arguments = {"form": form, "weight_decay": 0.3, "trust_coefficient": 0.5}
    agrees_with_oracle(LARS(0.05, **arguments), oracles.lars, 0.05, **arguments)


@pytest.mark.parametrize("form", ["lamb_paper", "you2017"])
def test_lars_in_float64_follows_more_closely(oracles, agrees_with_oracle, form):
    agrees_with_oracle(
        LARS(0.05, form=form, jit_compile=False),
        oracles.lars,
        0.05,
        form=form,
        dtype=tf.float64,
        tolerance=1e-7,
    )


def test_lars_decays_and_adapts_by_independent_lists(oracles, agrees_with_oracle):
    agrees_with_oracle(
        LARS(
            0.05,
            weight_decay=0.5,
            exclude_from_weight_decay=["^head/"],
            exclude_from_layer_adaptation=[],
            jit_compile=False,
        ),
        oracles.lars,
        0.05,
        weight_decay=0.5,
        no_decay=lambda path: path == "head/kernel",
        no_adaptation=lambda path: False,
    )


def test_an_oracle_with_another_coefficient_would_be_noticed(oracles, agrees_with_oracle):
    with pytest.raises(AssertionError, match="after step"):
        agrees_with_oracle(
            LARS(0.05, trust_coefficient=0.5, jit_compile=False),
            oracles.lars,
            0.05,
            trust_coefficient=0.501,
        )


def layer(weight):
    return tf.Variable(np.asarray(weight, np.float32), name="dense/kernel")


def test_the_norm_of_an_update_is_the_rate_times_the_norm_of_the_weights():
    variable = layer([[3.0, 4.0]])
    LARS(0.5, jit_compile=False).apply_gradients([(tf.constant([[0.3, -7.0]]), variable)])
    assert np.linalg.norm(variable.numpy() - [[3, 4]]) == pytest.approx(0.5 * 5, rel=1e-6)


@pytest.mark.parametrize("form", ["lamb_paper", "you2017"])
def test_zero_weights_have_ratio_1_without_the_coefficient(form):
    variable = layer(np.zeros((2, 2)))
    optimizer = LARS(0.5, form=form, trust_coefficient=0.25, momentum=0.5, jit_compile=False)
    optimizer.apply_gradients([(tf.ones((2, 2)), variable)])
    damping = 0.5 if form == "lamb_paper" else 1.0
    np.testing.assert_allclose(variable, np.full((2, 2), -0.5 * damping), rtol=1e-6)
    assert optimizer.layer_statistics()["dense/kernel"][2] == 1


@pytest.mark.parametrize("form", ["lamb_paper", "you2017"])
def test_zero_gradient_still_decays_by_the_rate_times_the_weights(form):
    # The denominator is λ‖w‖ up to the damping, so the step is η κ w whatever λ is.
    variable = layer([[3.0, 4.0]])
    optimizer = LARS(0.125, form=form, weight_decay=0.7, trust_coefficient=0.5, jit_compile=False)
    optimizer.apply_gradients([(tf.zeros((1, 2)), variable)])
    np.testing.assert_allclose(variable, (1 - 0.0625) * np.array([[3, 4]]), rtol=1e-6)


@pytest.mark.parametrize("form", ["lamb_paper", "you2017"])
def test_zero_gradient_without_decay_leaves_the_weights(form):
    variable = layer([[3.0, 4.0]])
    optimizer = LARS(0.125, form=form, weight_decay=0.0, jit_compile=False)
    optimizer.apply_gradients([(tf.zeros((1, 2)), variable)])
    np.testing.assert_array_equal(variable, [[3, 4]])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"form": "2017"}, "form must be one of lamb_paper, you2017, found '2017'"),
        ({"nesterov": True}, 'nesterov=True needs form="you2017"'),
        ({"max_ratio": 0.0}, "max_ratio must be positive or None, found 0.0"),
        ({"norm": "max"}, "norm must be one of"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_it(arguments, message):
    with pytest.raises(ValueError, match=message):
        LARS(**arguments)
