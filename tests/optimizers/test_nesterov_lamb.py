"""N-LAMB and NN-LAMB against the oracles of Algorithms 3 and 4."""

import pytest
import tensorflow as tf

from largebatch.optimizers import NLAMB, NNLAMB

SETTINGS = [
    {},
    {"momentum_schedule": "constant"},
    {"momentum_schedule": "dozat", "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.05},
    {"norm": "l1", "phi_bounds": (0.5, 2.0), "weight_decay": 0.3},
]


@pytest.mark.parametrize("arguments", SETTINGS, ids=str)
def test_nlamb_follows_algorithm_3(oracles, agrees_with_oracle, arguments):
    agrees_with_oracle(
        NLAMB(0.05, jit_compile=False, **arguments), oracles.nlamb, 0.05, **arguments
    )


@pytest.mark.parametrize("arguments", SETTINGS, ids=str)
def test_nnlamb_follows_algorithm_4(oracles, agrees_with_oracle, arguments):
    agrees_with_oracle(
        NNLAMB(0.05, jit_compile=False, **arguments), oracles.nnlamb, 0.05, **arguments
    )


@pytest.mark.parametrize("name", ["nlamb", "nnlamb"])
def test_in_float64_they_follow_more_closely(oracles, agrees_with_oracle, name):
    cls = {"nlamb": NLAMB, "nnlamb": NNLAMB}[name]
    agrees_with_oracle(
        cls(0.05, jit_compile=False),
        getattr(oracles, name),
        0.05,
        dtype=tf.float64,
        tolerance=5e-7,
    )


def test_the_two_differ(oracles, agrees_with_oracle):
    with pytest.raises(AssertionError, match="after step"):
        agrees_with_oracle(NLAMB(0.05, jit_compile=False), oracles.nnlamb, 0.05)


@pytest.mark.parametrize("cls", [NLAMB, NNLAMB])
def test_the_defaults_are_those_of_appendix_d(cls):
    optimizer = cls()
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.975, 0.999, 1e-8)


def test_an_unknown_momentum_schedule_is_an_error_that_names_the_known():
    with pytest.raises(ValueError, match="one of constant, dozat, found 'cosine'"):
        NLAMB(momentum_schedule="cosine")
