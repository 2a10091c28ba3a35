"""Theorems 1 to 3 on a quadratic whose constants are known: the iterates, and the bounds.

The problem has h layers of w weights each (d = h w), and its minimum is f* = 0:

    f(x)    = sum_i sum_j a_ij (x_ij - x*_ij)^2 / 2        L_i = max_j a_ij
    sample  : grad l(x, s)_ij = a_ij (x_ij - x*_ij) + s_ij,    s_ij = +sigma~_ij or -sigma~_ij

so the assumptions of section 2 hold with equality: equation 2 with L_i (the layers are separable),
the variance sigma~_ij^2 of each weight and sigma_i^2 = sum_j sigma~_ij^2 of each layer. The mean of
b signs is drawn as a binomial, which is exact. As in the theorems: beta_1 = 0, lambda = 0, b = T,
alpha_l <= phi <= alpha_u by phi(z) = min(max(z, alpha_l), alpha_u), and x_a uniform over x_1..x_T.

The theorems say O(...). The constants below are those that the proofs give; D is f(x_1) - f*.

    1  E|grad f|^2 <= 2 L_max D / T + |sigma|^2 / b
       eta = 1 / L_max; Ghadimi & Lan 2013, from E f(x') <= f(x) - eta (1 - L_max eta / 2) |grad|^2
       + L_max eta^2 |sigma|^2 / 2b.
    2  E sum_i |grad_i f| / sqrt(h) <= (alpha_u / alpha_l) (sqrt(2 D L_avg / T)
       + 2 |sigma|_1 / sqrt(h b)): the end of appendix A with the theorem's eta; squared.
    3.1  E |grad f|_1 / sqrt(d) <= (alpha_u / alpha_l) (sqrt(2 D L_avg / T)
       + |sigma~|_1 / sqrt(h b)): appendix B with beta_2 = 0; squared. A coordinate with the wrong
       sign costs 2 |grad_j| / sqrt(w): its share was counted as gained. The appendix takes it
       once, but then bounds r_j / |r| = 1 / sqrt(w) by 1; so its constant holds for w >= 4.
    3.2  E |grad f|^2 <= G sqrt(d / (h (1 - beta_2))) (alpha_u / alpha_l) (sqrt(2 D |L|_1 / T)
       + |sigma~|_1 / sqrt(b)): the end of appendix B. G is the largest coordinate of a sample's
       gradient at the iterates visited; the proof needs no more.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

THEOREMS = {  # what each bounds, as it is drawn
    "theorem 1, SGD": "E |grad f|^2",
    "theorem 2, LARS": "(E sum_i |grad_i f| / sqrt(h))^2",
    "theorem 3.1, LAMB, beta_2 = 0": "(E |grad f|_1 / sqrt(d))^2",
    "theorem 3.2, LAMB, beta_2 > 0": "E |grad f|^2",
}
SMALLEST_WIDTH = 4  # of a layer, for 3.1


@dataclasses.dataclass(frozen=True)
class Quadratic:
    """The problem; all arrays are [h, w]."""

    curvature: np.ndarray  # a
    noise: np.ndarray  # sigma~
    optimum: np.ndarray  # x*
    start: np.ndarray  # x_1

    @property
    def smoothness(self) -> np.ndarray:
        """L, [h]."""
        return self.curvature.max(axis=1)

    @property
    def layer_noise(self) -> np.ndarray:
        """sigma, [h]."""
        return np.sqrt((self.noise**2).sum(axis=1))

    @property
    def gap(self) -> float:
        """f(x_1) - f*."""
        return float(0.5 * (self.curvature * (self.start - self.optimum) ** 2).sum())

    def gradient(self, x: np.ndarray) -> np.ndarray:
        return self.curvature * (x - self.optimum)


def new_quadratic(layers: int, width: int, noise: float, seed: int = 0) -> Quadratic:
    """L_i from 0.1 to 10, evenly in the logarithm; optima of norm 1; x_1 at distance 1 in each
    layer; sigma~ uniform between 0.5 and 1.5 times `noise`.

    Raises:
      ValueError: A layer is narrower than theorem 3.1 needs, or the noise is negative.
    """
    if layers < 1 or width < SMALLEST_WIDTH:
        raise ValueError(
            f"{layers} layers of {width}: want at least 1, of {SMALLEST_WIDTH} or more"
        )
    if noise < 0:
        raise ValueError(f"noise {noise}: want 0 or more")
    random = np.random.default_rng(seed)
    largest = np.geomspace(0.1, 10, layers)[:, None]
    curvature = largest * random.uniform(0.1, 1, (layers, width))
    curvature[:, 0] = largest[:, 0]
    optimum = _unit(random.normal(size=(layers, width)))
    start = optimum + _unit(random.normal(size=(layers, width)))
    return Quadratic(curvature, noise * random.uniform(0.5, 1.5, (layers, width)), optimum, start)


class Settings(NamedTuple):
    """Of the layer-wise optimizers."""

    alpha_l: float = 0.9
    alpha_u: float = 1.1
    beta_2: float = 0.999


def update(
    theorem: str, x: np.ndarray, gradient: np.ndarray, v: np.ndarray, step: int, settings: Settings
) -> tuple[np.ndarray, np.ndarray]:
    """(what is taken off x for eta = 1, the new v) of update number `step`, from 1.

    x, gradient and v are [..., h, w]; epsilon is 0, and 0/0 is 0.
    """
    if theorem == "theorem 1, SGD":
        return gradient, v
    if theorem == "theorem 2, LARS":
        ratio = gradient
    elif theorem == "theorem 3.1, LAMB, beta_2 = 0":
        ratio = np.sign(gradient)
    else:
        v = settings.beta_2 * v + (1 - settings.beta_2) * gradient**2
        ratio = _quotient(gradient, np.sqrt(v / (1 - settings.beta_2**step)))
    phi = np.clip(_norm(x), settings.alpha_l, settings.alpha_u)
    return phi * _quotient(ratio, _norm(ratio)), v


def rate(theorem: str, problem: Quadratic, steps: int, settings: Settings) -> float:
    """eta: 1 / L_max for SGD, and that of theorems 2 and 3."""
    if theorem == "theorem 1, SGD":
        return 1 / problem.smoothness.max()
    total = problem.smoothness.sum()
    return float(np.sqrt(2 * problem.gap / (settings.alpha_u**2 * total * steps)))


class Measured(NamedTuple):
    value: float  # what the theorem bounds
    largest: float  # G
    values: tuple[float, ...]  # the mean over t of each seed; their mean, or its square, is `value`


def measure(
    theorem: str, problem: Quadratic, steps: int, seeds: int, settings: Settings
) -> Measured:
    """Runs T = `steps` updates with batches of T, `seeds` times, and averages over t and seeds."""
    random = np.random.default_rng([steps, list(THEOREMS).index(theorem)])
    x = np.repeat(problem.start[None], seeds, axis=0)  # [seeds, h, w]
    v, eta = np.zeros_like(x), rate(theorem, problem, steps, settings)
    total, largest = np.zeros(seeds), 0.0
    for step in range(1, steps + 1):
        exact = problem.gradient(x)
        total += _stationarity(theorem, exact)
        largest = max(largest, (np.abs(exact) + problem.noise).max())
        signs = 2 * random.binomial(steps, 0.5, x.shape) / steps - 1  # the mean of b = T
        change, v = update(theorem, x, exact + problem.noise * signs, v, step, settings)
        x = x - eta * change
    values = total / steps
    return Measured(
        float(values.mean() ** (2 if squares(theorem) else 1)),
        float(largest),
        tuple(values.tolist()),
    )


def bound(
    theorem: str, problem: Quadratic, steps: int, settings: Settings, largest: float
) -> float:
    """The right-hand side for T = b = `steps`, of the module's docstring; `largest` is G."""
    smoothness, gap, (layers, width) = problem.smoothness, problem.gap, problem.curvature.shape
    if theorem == "theorem 1, SGD":
        return float((2 * smoothness.max() * gap + (problem.layer_noise**2).sum()) / steps)
    spread = settings.alpha_u / settings.alpha_l
    drift = np.sqrt(2 * gap * smoothness.mean() / steps)
    if theorem == "theorem 2, LARS":
        noise = 2 * problem.layer_noise.sum() / np.sqrt(layers * steps)
    else:
        noise = problem.noise.sum() / np.sqrt(layers * steps)
    found = spread * (drift + noise)
    if theorem != "theorem 3.2, LAMB, beta_2 > 0":
        return float(found**2)
    # sqrt(h) takes the mean over layers back to the sum of the last line of appendix B.
    found *= np.sqrt(layers)
    return float(largest * np.sqrt(width / (1 - settings.beta_2)) * found)


def _stationarity(theorem: str, gradient: np.ndarray) -> np.ndarray:
    """[seeds], of gradients [seeds, h, w]."""
    layers, width = gradient.shape[1:]
    if theorem == "theorem 2, LARS":
        return _norm(gradient).sum(axis=(1, 2)) / np.sqrt(layers)
    if theorem == "theorem 3.1, LAMB, beta_2 = 0":
        return np.abs(gradient).sum(axis=(1, 2)) / np.sqrt(layers * width)
    return (gradient**2).sum(axis=(1, 2))


def squares(theorem: str) -> bool:
    """Whether it bounds the square of the mean over the seeds."""
    return THEOREMS[theorem].endswith(")^2")


def _norm(values: np.ndarray) -> np.ndarray:
    """Of each layer, [..., h, 1]."""
    return np.linalg.norm(values, axis=-1, keepdims=True)


def _unit(values: np.ndarray) -> np.ndarray:
    return values / _norm(values)


def _quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
