"""The ratios of appendix C: in closed form, and against the appendix's own definitions."""

import math

import numpy as np
import pytest

from largebatch.experiments.analyses import psi


def test_a_density_is_1_where_layers_are_alike_and_1_over_h_where_one_has_it_all():
    assert psi.density([2.0, 2.0, 2.0, 2.0]) == pytest.approx(1)
    assert psi.density([0.0, 0.0, 7.0, 0.0]) == pytest.approx(1 / 4)
    assert psi.density([3.0, 1.0]) == pytest.approx(16 / 20)
    assert psi.evenness([1.0, 3.0]) == pytest.approx(2 / 3)
    assert math.isnan(psi.density([0.0, 0.0])) and math.isnan(psi.evenness([0.0]))


@pytest.mark.parametrize("seed", range(3))
def test_psi_is_what_the_appendix_defines(seed):
    random = np.random.default_rng(seed)
    h, d = 5, 321
    gradients, noise = random.uniform(0.1, 3, (2, 4, h))
    smoothness = random.uniform(0.1, 9, (4, h))
    found = psi.of_training(d, gradients, smoothness, noise)
    squares = [(g.sum() ** 2) * h / (d * (g**2).sum()) for g in gradients]
    assert found.psi_g == pytest.approx(min(squares))
    for g in gradients:  # psi_g is the bound that holds at every look
        assert g.sum() ** 2 >= found.psi_g * d * (g**2).sum() / h - 1e-9
    largest, sigma = smoothness.max(axis=0), noise.max(axis=0)
    assert largest.sum() ** 2 == pytest.approx(found.psi_l * d**2 * largest.max() ** 2 / h**2)
    assert sigma.sum() ** 2 == pytest.approx(found.psi_sigma * d * (sigma**2).sum() / h)


def test_the_factors_are_theorem_2_over_theorem_1():
    """Theorem 2's bound, turned into one of |grad f|^2 by psi_g, over theorem 1's, term by term."""
    random = np.random.default_rng(0)
    h, d = 6, 1000
    smoothness, noise = random.uniform(0.1, 9, h), random.uniform(0.1, 2, h)
    gradient = random.uniform(0.1, 3, (1, h))
    found = psi.of_training(d, gradient, smoothness[None], noise[None])
    turned = gradient.sum() ** 2 / h / (gradient**2).sum()  # of the left-hand side
    assert found.curvature_factor == pytest.approx(smoothness.mean() / smoothness.max() / turned)
    assert found.noise_factor == pytest.approx(noise.sum() ** 2 / h / (noise**2).sum() / turned)
    assert found.curvature_factor == pytest.approx(math.sqrt(found.psi_l) / found.psi_g)
    assert found.noise_factor == pytest.approx(found.psi_sigma / found.psi_g)


def test_the_number_of_weights_changes_psi_and_no_factor():
    norms = np.array([[1.0, 2.0, 5.0]])
    few, many = (psi.of_training(d, norms, norms**2, norms**0.5) for d in (10, 10_000))
    assert few.psi_g == pytest.approx(1000 * many.psi_g)
    assert few.curvature_factor == many.curvature_factor
    assert few.noise_factor == many.noise_factor
    # So psi_sigma << psi_g^2, as printed, is met for few weights and not for many.
    assert few.psi_sigma / few.psi_g**2 == pytest.approx(many.psi_sigma / many.psi_g**2 / 1000)
