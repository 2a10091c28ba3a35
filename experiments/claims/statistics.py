"""Intervals of means, differences, shares and maxima: what the verdicts are computed with.

All intervals have the coverage CONFIDENCE unless told otherwise. The standard library alone, with
NumPy, imported where it is needed, for what is drawn; a test compares the quantiles with SciPy's.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from largebatch.experiments.records.best import summarize

if TYPE_CHECKING:
    import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 2000  # of a bootstrap
_TINY = 1e-300


class Interval(NamedTuple):
    """An estimate and its interval; both ends are nan where the data give none."""

    effect: float
    low: float
    high: float


class Sample(NamedTuple):
    """n values, one a seed."""

    values: tuple[float, ...]

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> float:
        return summarize(self.values).mean

    @property
    def std(self) -> float:
        """The sample standard deviation (n - 1); nan below two values."""
        return summarize(self.values).std

    @property
    def error(self) -> float:
        """The standard error of the mean, std / sqrt(n)."""
        return self.std / math.sqrt(self.n) if self.n > 1 else math.nan


def mean_interval(sample: Sample, confidence: float = CONFIDENCE) -> Interval:
    """mean ± t(n - 1) std / sqrt(n); no interval for one value."""
    if sample.n < 2:
        return Interval(sample.mean, math.nan, math.nan)
    half = t_quantile(0.5 + confidence / 2, sample.n - 1) * sample.error
    return Interval(sample.mean, sample.mean - half, sample.mean + half)


def welch_interval(first: Sample, second: Sample, confidence: float = CONFIDENCE) -> Interval:
    """mean(first) - mean(second), by Welch's t: the variances may differ.

        s² = s_1²/n_1 + s_2²/n_2,   degrees of freedom = s⁴ / Σ (s_i²/n_i)² / (n_i - 1)

    No interval where a side has one value: its variance is unknown.
    """
    effect = first.mean - second.mean
    if first.n < 2 or second.n < 2:
        return Interval(effect, math.nan, math.nan)
    parts = [(sample.error**2, sample.n - 1) for sample in (first, second)]
    total = math.fsum(part for part, _ in parts)
    if total == 0:
        return Interval(effect, effect, effect)
    freedom = total**2 / math.fsum(part**2 / n for part, n in parts)
    half = t_quantile(0.5 + confidence / 2, freedom) * math.sqrt(total)
    return Interval(effect, effect - half, effect + half)


def share_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """The share of successes, by Clopper and Pearson: exact, from 0 and 1 on, too."""
    tail, failures = (1 - confidence) / 2, trials - successes
    low = beta_quantile(tail, successes, failures + 1) if successes else 0.0
    high = beta_quantile(1 - tail, successes + 1, failures) if failures else 1.0
    return Interval(successes / trials, low, high)


def bootstrap_interval(
    items: Sequence, statistic: Callable[[np.ndarray], float], confidence: float = CONFIDENCE
) -> Interval:
    """The percentile interval of a statistic that is no mean, from items drawn with replacement.

    Args:
      items: What is independent: runs.
      statistic: Of how often each item was drawn, [n] counts; nan draws are left out.
    """
    import numpy as np

    n = len(items)
    effect = statistic(np.ones(n, int))
    random = np.random.RandomState(0)  # its draws are the same in every version of NumPy
    counts = random.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    drawn = np.array([statistic(count) for count in counts])
    drawn = drawn[np.isfinite(drawn)]
    if n < 2 or not len(drawn):
        return Interval(effect, math.nan, math.nan)
    tail = (1 - confidence) / 2
    return Interval(effect, *(float(q) for q in np.quantile(drawn, [tail, 1 - tail])))


@functools.cache
def expected_maximum(n: int) -> float:
    """E max of n standard normals, ∫ x n φ(x) Φ(x)^(n-1) dx; 0 for one.

    By the trapezoidal rule, which converges geometrically on a smooth integrand that vanishes with
    all its derivatives at both ends.
    """
    if n < 1:
        raise ValueError(f"the maximum of {n} values: want 1 or more")
    if n == 1:
        return 0.0
    step, normal = 0.01, NormalDist()
    points = (step * k for k in range(-900, 901))
    return step * math.fsum(x * n * normal.pdf(x) * normal.cdf(x) ** (n - 1) for x in points)


def maximum_interval(sample: Sample, n: int, confidence: float = CONFIDENCE) -> Interval:
    """The expected maximum of n further values, mean + E[max] std, and its interval.

    The level and the spread are themselves estimated: the interval is over draws of the two that
    normal values of this mean and standard deviation are consistent with (std² (n-1) / chi², mean +
    std z / sqrt(n)). None for one value.
    """
    import numpy as np

    extra = expected_maximum(n)
    if sample.n < 2:
        return Interval(sample.mean, math.nan, math.nan)
    random = np.random.RandomState(0)  # its draws are the same in every version of NumPy
    freedom = sample.n - 1
    std = sample.std * np.sqrt(freedom / random.chisquare(freedom, 20 * RESAMPLES))
    mean = sample.mean + std / math.sqrt(sample.n) * random.standard_normal(20 * RESAMPLES)
    tail = (1 - confidence) / 2
    low, high = np.quantile(mean + extra * std, [tail, 1 - tail])
    return Interval(sample.mean + extra * sample.std, float(low), float(high))


def disagreeing(points: Sequence[tuple[float, float]]) -> float | None:
    """The share of the pairs of runs of which the one with the lower loss is the less accurate.

    `points` are (loss, accuracy). Pairs with the same loss or the same accuracy are not counted;
    None if there is no other.
    """
    signs = [
        (loss - other_loss) * (accuracy - other_accuracy)
        for (loss, accuracy), (other_loss, other_accuracy) in itertools.combinations(points, 2)
    ]
    counted = [sign for sign in signs if sign]
    return sum(sign > 0 for sign in counted) / len(counted) if counted else None


def better_half(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points from the median accuracy up: what a choice is made among."""
    ranked = sorted(points, key=lambda point: point[1])
    return ranked[len(ranked) // 2 :]


def disagreement_interval(
    points: Sequence[tuple[float, float]], confidence: float = CONFIDENCE
) -> Interval:
    """The share of `disagreeing` pairs, with a bootstrap over the points."""
    import numpy as np

    loss, accuracy = np.array(points, float).T
    signs = np.sign(loss[:, None] - loss) * np.sign(accuracy[:, None] - accuracy)
    against, all_pairs = (signs > 0).astype(float), (signs != 0).astype(float)

    def share(count: np.ndarray) -> float:
        pairs = count @ all_pairs @ count
        return float(count @ against @ count / pairs) if pairs else math.nan

    return bootstrap_interval(points, share, confidence)


def t_quantile(probability: float, freedom: float) -> float:
    """Student's t: beyond t > 0, either way, lies the share I(ν / (ν + t²); ν/2, 1/2)."""
    if not freedom > 0:
        raise ValueError(f"{freedom} degrees of freedom: want more than 0")
    if probability < 0.5:
        return -t_quantile(1 - probability, freedom)
    x = beta_quantile(2 * (1 - probability), freedom / 2, 0.5)
    return math.sqrt(freedom * (1 - x) / x)


def beta_quantile(probability: float, a: float, b: float) -> float:
    return _bisect(lambda x: incomplete_beta(x, a, b), probability, 0.0, 1.0)


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised I(x; a, b), by Lentz's evaluation of its continued fraction.

    The fraction converges fast for x < (a + 1) / (a + b + 2); beyond, I(x; a, b) =
    1 - I(1 - x; b, a) (DLMF 8.17.22 and 8.17.4).
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        + a * math.log(x) + b * math.log1p(-x)
    ) / a  # fmt: skip
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d or _TINY)
    total = d
    for m in range(1, 500):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + numerator * d) or _TINY)
            c = (1 + numerator / c) or _TINY
            total *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * total


def _bisect(rising: Callable[[float], float], value: float, low: float, high: float) -> float:
    """x with rising(x) = value, to the last bit of a float."""
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if rising(middle) < value:
            low = middle
        else:
            high = middle
