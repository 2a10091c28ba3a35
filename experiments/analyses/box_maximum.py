"""The maximum of a function over a box around the origin, by ascent from corner to corner."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

SMALLEST_STEP = 1e-3  # of the way to a corner


class Maximum(NamedTuple):
    value: float
    place: np.ndarray
    evaluations: int  # of the function with its gradient


def maximise(
    function: Callable[[np.ndarray], tuple[float, np.ndarray]],
    width: np.ndarray,
    *,
    iterations: int,
    starts: int = 1,
    seed: int = 0,
) -> Maximum:
    """A maximum of `function` over |y_i| <= width_i: a lower bound of the largest one.

    Projected ascent to the corner c that the gradient at y points to, c_i = width_i sign(g_i):
    y + s (c - y), from s = 1, halved when the value does not rise and doubled, up to 1, when it
    does. For a convex function every step with s = 1 rises, as f(c) >= f(y) + g.(c - y), and the
    end is a corner that no other is better than to first order. Starts at the origin, and at
    `starts` - 1 random corners; the same result for the same seed.

    Args:
      function: y -> (value, gradient).
      width: [n], of the box, not negative.
      iterations: Evaluations of each start after its first.
      starts: How many, at least 1.
      seed: Of the random corners.
    """
    random = np.random.default_rng(seed)
    best, evaluations = Maximum(-np.inf, np.zeros_like(width), 0), 0
    for start in range(starts):
        y = width * random.choice([-1.0, 1.0], width.shape) if start else np.zeros_like(width)
        value, gradient = function(y)
        evaluations += 1
        share = 1.0
        for _ in range(iterations):
            corner = np.where(gradient == 0, y, width * np.sign(gradient))
            if share < SMALLEST_STEP or np.array_equal(corner, y):
                break
            trial = y + share * (corner - y)
            found, there = function(trial)
            evaluations += 1
            if found > value:
                y, value, gradient, share = trial, found, there, min(1.0, 2 * share)
            else:
                share /= 2
        if value > best.value:
            best = Maximum(value, y, 0)
    return best._replace(evaluations=evaluations)
