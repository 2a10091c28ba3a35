"""The maximum over a box: against the enumeration of corners, and against SciPy's L-BFGS-B."""

import itertools

import numpy as np
import pytest
import scipy.optimize

from largebatch.experiments.analyses.box_maximum import maximise


def quadratic(matrix, slope):
    """y -> (y'Ay/2 + b'y, Ay + b)."""
    return lambda y: (0.5 * y @ matrix @ y + slope @ y, matrix @ y + slope)


def largest_at_a_corner(function, width):
    """A convex function is largest at a corner: all 2^n of them."""
    corners = (width * np.array(signs) for signs in itertools.product([-1, 1], repeat=len(width)))
    return max(function(corner)[0] for corner in corners)


def random_convex(seed, size):
    random = np.random.default_rng(seed)
    factor = random.normal(size=(size, size))
    return quadratic(factor @ factor.T, random.normal(size=size)), random.uniform(0.1, 2, size)


@pytest.mark.parametrize("seed", range(20))
def test_of_a_convex_quadratic_it_is_the_best_of_all_corners(seed):
    function, width = random_convex(seed, 5)
    found = maximise(function, width, iterations=20, starts=100)
    assert found.value == pytest.approx(largest_at_a_corner(function, width))
    assert np.allclose(abs(found.place), width)


def test_a_few_starts_come_near_the_best_corner():
    shares = []
    for seed in range(20):
        function, width = random_convex(seed, 6)
        found = maximise(function, width, iterations=20, starts=4)
        assert np.allclose(abs(found.place), width)
        assert found.value == pytest.approx(function(found.place)[0])
        shares.append(found.value / largest_at_a_corner(function, width))
    assert np.mean(shares) > 0.9 and max(shares) <= 1 + 1e-9


def test_a_separable_quadratic_is_solved_exactly():
    # sum a_i y_i^2 / 2 + b_i y_i is largest at width_i sign(b_i), known without a search.
    curvature, slope, width = np.array([3.0, 0.0, 1.0]), np.array([-1.0, 2.0, 0.5]), np.ones(3)
    found = maximise(quadratic(np.diag(curvature), slope), width, iterations=5)
    assert found.value == pytest.approx(np.sum(curvature / 2 + abs(slope)))
    np.testing.assert_array_equal(found.place, [-1, 1, 1])


def test_a_maximum_inside_the_box_is_found_too():
    # Concave: 1 - |y - c|^2, c inside. Corners alone would give no more than 1 - 4.5.
    centre = np.array([0.5, -0.5])
    found = maximise(
        lambda y: (1 - np.sum((y - centre) ** 2), -2 * (y - centre)),
        np.full(2, 2.0),
        iterations=200,
    )
    assert found.value == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("seed", range(10))
def test_no_place_lies_outside_the_box_and_no_value_is_below_the_start(seed):
    random = np.random.default_rng(seed)
    width = random.uniform(0, 1, 5)
    direction = random.normal(size=5)

    def wavy(y):
        assert np.all(abs(y) <= width * (1 + 1e-12))
        return np.sin(5 * direction @ y), 5 * direction * np.cos(5 * direction @ y)

    assert maximise(wavy, width, iterations=10, starts=3).value >= 0


@pytest.mark.parametrize("starts, least", [(1, 0.97), (4, 1.05)])
def test_it_is_as_good_as_l_bfgs_b_and_with_more_starts_better(starts, least):
    shares = []
    for seed in range(100, 110):
        function, width = random_convex(seed, 60)
        found = maximise(function, width, iterations=10, starts=starts)
        rival = scipy.optimize.minimize(
            lambda y, function=function: tuple(-part for part in function(y)),
            np.zeros(60),
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(-width, width)),
            options={"maxiter": 10},
        )
        shares.append(found.value / -rival.fun)
    assert np.mean(shares) > least


def test_evaluations_are_counted_and_bounded():
    calls = []

    def counted(y):
        calls.append(y)
        return 0.5 * y @ y, y + 1.0

    found = maximise(counted, np.ones(4), iterations=3, starts=2)
    assert found.evaluations == len(calls) <= 2 * (1 + 3)


def test_the_same_seed_gives_the_same_place():
    function, width = random_convex(7, 30)
    one, other = (maximise(function, width, iterations=3, starts=4, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.place, other.place)
