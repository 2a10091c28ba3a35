"""A number that cannot be meant is an error that names the argument."""

import math

import pytest

from largebatch.optimizers import create


@pytest.mark.parametrize(
    "name, argument",
    [
        *((name, beta) for name in ("lamb", "nlamb", "nnlamb", "bert_adamw", "nadam")
          for beta in ("beta_1", "beta_2")),
        ("lars", "momentum"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [-0.1, 1.0, 1.5, math.nan])
def test_a_decay_rate_outside_0_to_1_is_refused(name, argument, value):
    with pytest.raises(ValueError, match=rf"{argument} must be in \[0, 1\), found"):
        create(name, 0.1, **{argument: value})


@pytest.mark.parametrize(
    "name, argument",
    [
        ("lamb", "epsilon"),
        ("lamb", "weight_decay"),
        ("lars", "weight_decay"),
        ("lars", "trust_coefficient"),
        ("bert_adamw", "weight_decay"),
        ("adamw", "weight_decay"),
        ("adam", "l2_regularization"),
        ("momentum", "weight_decay"),
    ],
)
@pytest.mark.parametrize("value", [-1e-9, math.nan, math.inf, "0.1"])
def test_a_negative_penalty_or_epsilon_is_refused(name, argument, value):
    with pytest.raises(ValueError, match=f"{argument} must be 0 or more, found"):
        create(name, 0.1, **{argument: value})


@pytest.mark.parametrize("name", ["lamb", "lars", "bert_adamw", "adamw", "momentum"])
def test_a_decay_of_none_is_refused_by_its_name(name):
    with pytest.raises(ValueError, match="weight_decay must be 0 or more, found None"):
        create(name, 0.1, weight_decay=None)
