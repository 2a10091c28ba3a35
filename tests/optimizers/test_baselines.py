"""The baselines against their oracles: SGD, momentum, Adagrad, Adam, AdamW, BERT's AdamW, Nadam."""

import pytest
import tensorflow as tf

from largebatch.optimizers import create
from largebatch.optimizers.schedules import WarmupPolynomialDecay

BASELINES = [
    ("sgd", {}),
    ("sgd", {"momentum": 0.5, "nesterov": True}),
    ("momentum", {}),
    ("momentum", {"nesterov": True, "l2_regularization": 0.2}),
    ("momentum", {"weight_decay": 0.2}),
    ("adagrad", {}),
    ("adagrad", {"initial_accumulator_value": 0.5, "epsilon": 0.05, "l2_regularization": 0.2}),
    ("adam", {}),
    ("adam", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.05}),
    ("adam", {"l2_regularization": 0.2}),
    ("adamw", {}),
    ("adamw", {"weight_decay": 0.2}),
    ("adamw", {"weight_decay": 0.0, "l2_regularization": 0.2}),
    ("adamw", {"weight_decay": 0.2, "l2_regularization": 0.1}),
    ("adamw", {"weight_decay": 0.2, "decay_form": "plain", "l2_regularization": 0.1}),
    ("bert_adamw", {}),
    ("bert_adamw", {"weight_decay": 0.2, "epsilon": 0.05, "beta_1": 0.5, "beta_2": 0.9}),
    ("nadam", {}),
    ("nadam", {"momentum_schedule": "constant", "epsilon": 0.05}),
]


def flags(name):
    """What the oracle is told of exclusions: Keras' baselines exclude nothing by default."""
    if name == "nadam":
        return {"adapts": False, "no_decay": None}
    if name == "bert_adamw":
        return {"adapts": False}
    return {"adapts": False, "no_decay": lambda path: False}


@pytest.mark.parametrize("name, arguments", BASELINES, ids=str)
def test_a_baseline_follows_its_formula(oracles, agrees_with_oracle, name, arguments):
    optimizer = create(name, 0.05, jit_compile=False, **arguments)
    # Keras takes 1 − β₂ᵗ as it comes in float32: a relative 3e-5 of the first update.
    agrees_with_oracle(
        optimizer, getattr(oracles, name), 0.05, tolerance=3e-5, **flags(name), **arguments
    )


@pytest.mark.parametrize(
    "name, tolerance",
    # Keras rounds 0.999 to float32 before it takes 1 − β₂ᵗ, whatever the weights' type.
    [("sgd", 1e-9), ("adagrad", 1e-8), ("adamw", 1e-5), ("bert_adamw", 1e-8), ("nadam", 2e-7)],
)
def test_a_baseline_in_float64_follows_more_closely(oracles, agrees_with_oracle, name, tolerance):
    agrees_with_oracle(
        create(name, 0.05, jit_compile=False),
        getattr(oracles, name),
        0.05,
        dtype=tf.float64,
        tolerance=tolerance,
        **flags(name),
    )


def test_both_penalties_leave_excluded_variables_alone(oracles, agrees_with_oracle):
    arguments = {"weight_decay": 0.2, "l2_regularization": 0.1}
    agrees_with_oracle(
        create(
            "adamw", 0.05, jit_compile=False, exclude_from_weight_decay=["kernel$"], **arguments
        ),
        oracles.adamw,
        0.05,
        tolerance=3e-5,
        adapts=False,
        no_decay=lambda path: path.endswith("kernel"),
        **arguments,
    )


def test_decoupled_decay_and_l2_regularization_are_two_things(oracles, agrees_with_oracle):
    with pytest.raises(AssertionError, match="after step"):
        agrees_with_oracle(
            create("adam", 0.05, jit_compile=False, l2_regularization=0.2),
            oracles.adam,
            0.05,
            weight_decay=0.2,
            **flags("adam"),
        )


@pytest.mark.parametrize("form, left", [("rate", 1 - 1e-4 * 0.01), ("plain", 1 - 0.01)])
def test_the_two_forms_of_decay_shrink_a_weight_without_gradient_as_they_say(form, left):
    optimizer = create("adamw", 1e-4, weight_decay=0.01, decay_form=form)
    weight = tf.Variable([1.0], name="kernel")
    for _ in range(10):
        optimizer.apply_gradients([(tf.zeros([1]), weight)])
    assert float(weight[0]) == pytest.approx(left**10, rel=1e-6)


def test_an_unknown_form_of_decay_is_named():
    with pytest.raises(ValueError, match="decay_form must be one of rate, plain, found 'plane'"):
        create("adamw", 0.1, decay_form="plane")


def test_decoupled_decay_follows_the_learning_rate_of_the_step(oracles, agrees_with_oracle):
    agrees_with_oracle(
        create("sgd", WarmupPolynomialDecay(0.5, 4, 16), jit_compile=False, weight_decay=0.2),
        oracles.sgd,
        lambda t: 0.5 * t / 4 if t < 4 else 0.5 * (1 - t / 16),
        weight_decay=0.2,
        **flags("sgd"),
    )
