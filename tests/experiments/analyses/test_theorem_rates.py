"""Theorems 1 to 3 on a quadratic: the iterates are the suite's optimizers', the bounds hold, and
would be seen not to."""

import dataclasses
import json

import numpy as np
import pytest

from largebatch.experiments.analyses import theorem_rates, theorems

SGD, LARS, LAMB_SIGN, LAMB = theorems.THEOREMS
# With phi constant, the bounds are at their tightest.
TIGHT = theorems.Settings(1.0, 1.0)


def shares(problem, told, steps=64, settings=TIGHT, seeds=8):
    """theorem -> measured on `problem` / the bound from the constants that `told` has."""
    found = {}
    for theorem in theorems.THEOREMS:
        measured = theorems.measure(theorem, problem, steps, seeds, settings)
        allowed = theorems.bound(theorem, told, steps, settings, measured.largest)
        found[theorem] = measured.value / allowed
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("noise", [0.0, 0.3, 30.0])
@pytest.mark.parametrize("settings", [TIGHT, theorems.Settings(0.5, 2.0, beta_2=0.9)])
def test_what_is_measured_lies_under_every_bound(seed, noise, settings):
    problem = theorems.new_quadratic(5, 12, noise, seed)
    for theorem, share in shares(problem, problem, settings=settings).items():
        assert 0 < share <= 1, theorem


def test_the_bounds_are_within_a_factor_of_two_where_they_should_be_tight():
    problem = theorems.new_quadratic(8, 16, 0.0)
    found = shares(problem, problem)
    assert min(found[SGD], found[LARS], found[LAMB_SIGN]) > 0.5


@pytest.mark.parametrize("theorem", [SGD, LARS, LAMB_SIGN])
def test_noise_that_is_not_told_breaks_the_bound(theorem):
    problem = theorems.new_quadratic(8, 16, noise=10.0)
    told = dataclasses.replace(problem, noise=problem.noise / 100)
    assert shares(problem, told)[theorem] > 1


@pytest.mark.parametrize("theorem", [LARS, LAMB_SIGN])
def test_curvature_that_is_not_told_breaks_the_bound(theorem):
    problem = theorems.new_quadratic(8, 16, noise=0.0)
    told = dataclasses.replace(problem, curvature=problem.curvature / 4)
    assert shares(problem, told)[theorem] > 1


def test_an_understated_largest_gradient_breaks_the_last_bound():
    # It is the loosest: G enters it as it is.
    problem = theorems.new_quadratic(8, 16, noise=0.3)
    measured = theorems.measure(LAMB, problem, 64, 4, TIGHT)
    assert measured.value < theorems.bound(LAMB, problem, 64, TIGHT, measured.largest)
    assert measured.value > theorems.bound(LAMB, problem, 64, TIGHT, measured.largest / 1e4)


def test_the_constants_of_the_problem_are_what_it_says():
    problem = theorems.new_quadratic(3, 6, noise=2.0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 1000, 3, 6))
    change = np.linalg.norm(problem.gradient(x) - problem.gradient(y), axis=-1)
    assert np.all(change <= problem.smoothness * np.linalg.norm(x - y, axis=-1) * (1 + 1e-12))
    away = np.zeros((3, 6))
    away[:, 0] = 1  # the steepest direction of each layer
    steep = np.linalg.norm(problem.gradient(problem.optimum + away), axis=-1)
    np.testing.assert_allclose(steep, problem.smoothness)
    path = np.linspace(0, 1, 10_001)[:, None, None]  # f(x_1) - f* by integrating the gradient
    line = problem.optimum + path * (problem.start - problem.optimum)
    slope = (problem.gradient(line) * (problem.start - problem.optimum)).sum(axis=(1, 2))
    # By the trapezoidal rule, whose name in NumPy changed with version 2.
    rise = np.sum((slope[1:] + slope[:-1]) / 2 * np.diff(path[:, 0, 0]))
    assert problem.gap == pytest.approx(rise, rel=1e-6)


@pytest.mark.parametrize("theorem", [LARS, LAMB_SIGN, LAMB])
def test_the_iterates_are_those_of_the_suites_optimizers(theorem):
    import tensorflow as tf

    from largebatch import optimizers

    settings, rate = theorems.Settings(0.5, 2.0, beta_2=0.9), 0.01
    free = {"weight_decay": 0.0, "phi_bounds": (0.5, 2.0), "exclude_from_layer_adaptation": []}
    if theorem == LARS:
        optimizer = optimizers.LARS(rate, momentum=0.0, form="lamb_paper", **free)
    else:
        beta_2 = 0.0 if theorem == LAMB_SIGN else settings.beta_2
        optimizer = optimizers.LAMB(rate, beta_1=0.0, beta_2=beta_2, epsilon=0.0, **free)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 5)) * [[0.1], [1], [10]]  # below, between and above the bounds of phi
    layers = [tf.Variable(layer, dtype=tf.float64) for layer in x]
    v = np.zeros_like(x)
    for step in range(1, 5):
        gradient = rng.normal(size=x.shape)
        change, v = theorems.update(theorem, x, gradient, v, step, settings)
        x = x - rate * change
        optimizer.apply_gradients(zip([tf.constant(g) for g in gradient], layers))
    np.testing.assert_allclose(np.stack([layer.numpy() for layer in layers]), x, rtol=1e-6)


def test_the_rates_fall_with_t_as_the_theorems_say():
    problem = theorems.new_quadratic(8, 16, 0.3)
    for theorem, exponent in ((SGD, -1), (LARS, -1), (LAMB_SIGN, -1), (LAMB, -0.5)):
        few, many = (theorems.bound(theorem, problem, steps, TIGHT, 1.0) for steps in (16, 1024))
        assert np.log(many / few) / np.log(64) == pytest.approx(exponent)
        if theorem != LAMB:  # whose bound is loose: it does better
            few, many = (theorems.measure(theorem, problem, n, 4, TIGHT).value for n in (16, 1024))
            assert np.log(many / few) / np.log(64) == pytest.approx(exponent, abs=0.1)


def call(*arguments):
    return theorem_rates.program(["theorem_rates", *arguments])


def test_the_program_prints_and_writes_what_it_found(tmp_path, capsys):
    assert call("--steps=4,16", "--seeds=2", f"--output={tmp_path}") == 0
    assert "all 8 lie under their bounds" in capsys.readouterr().out
    record = json.loads((tmp_path / "theorem_rates.json").read_text())
    assert {point["theorem"] for point in record["points"]} == set(theorems.THEOREMS)
    assert "</svg>" in (tmp_path / "theorem_rates.svg").read_text()


def test_the_program_ends_with_1_when_something_lies_above(monkeypatch, capsys):
    monkeypatch.setattr(theorems, "bound", lambda *_: 1e-9)
    assert call("--steps=4", "--seeds=1") == 1
    assert f"{SGD}: above its bound at T = 4" in capsys.readouterr().out


@pytest.mark.parametrize(
    "flag, said",
    [
        ("--steps=4,x", "--steps=4,x: want positive whole numbers"),
        ("--phi=2,1", "--phi=2,1: want alpha_l,alpha_u"),
        ("--width=3", "8 layers of 3: want at least 1, of 4 or more"),
        ("--beta_2=1", "--beta_2=1.0: want at least 0 and below 1"),
        ("--seeds=0", "--seeds=0: want 1 or more"),
        ("--noise=-1", "noise -1.0: want 0 or more"),
    ],
)
def test_a_mistake_is_one_line(flag, said, capsys):
    assert call(flag) == 2
    assert said in capsys.readouterr().err
