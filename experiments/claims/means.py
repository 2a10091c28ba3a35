"""The criterion that most claims have: a difference, or a ratio, of means over seeds."""

from __future__ import annotations

import dataclasses
import math
from typing import cast

from largebatch.experiments.claims import evidence, statistics
from largebatch.experiments.claims.criteria import judged
from largebatch.experiments.claims.evidence import Results, Side
from largebatch.experiments.claims.statistics import CONFIDENCE, Interval, Sample
from largebatch.experiments.claims.verdict import (
    CANNOT_TELL,
    DIFFERENCE,
    NOT_RUN,
    RATIO,
    Measured,
    Verdict,
)
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry

ONE_SEED = "one seed gives no interval (n = 1)"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """first - second, or first / second with `ratio`, lies between two bounds, which are outside.

    Means over seeds: of two sides by Welch's t, of one side and a number by Student's; of a ratio,
    of the logarithms. Where a side is the best of several points, the end of the interval that its
    luck would have moved is set back by the expected maximum of noise over them.
    """

    first: Side
    second: Side | float
    at_least: float = -math.inf
    at_most: float = math.inf
    ratio: bool = False
    trials: int = 1  # of which a printed number was the best, as logs say
    against: float | None = None  # the printed effect, where the rows' values do not give it

    @property
    def text(self) -> str:
        """'difference > 0', '0.9 < ratio < 1.1', 'mean - 0.763 > 0'."""
        what = "ratio" if self.ratio else "difference"
        if not isinstance(self.second, Side):
            what = f"mean {'/' if self.ratio else '-'} {self.second:g}"
        if self.ratio and self.second == 1:
            what = "mean"
        low, high = map(math.isfinite, (self.at_least, self.at_most))
        if low and high:
            return f"{self.at_least:g} < {what} < {self.at_most:g}"
        return f"{what} > {self.at_least:g}" if low else f"{what} < {self.at_most:g}"

    @property
    def rows(self) -> tuple[str, ...]:
        return self.first.rows + (self.second.rows if isinstance(self.second, Side) else ())

    def judge(self, results: Results, scale: str, confidence: float = CONFIDENCE) -> Verdict:
        wanted = [part for part in (self.first, self.second) if isinstance(part, Side)]
        sides, samples = zip(*(results.measure(part, scale) for part in wanted))
        missing = [found.label for found in sides if not found.n]
        blank = Verdict(
            NOT_RUN, self.text, self.at_least, self.at_most, metric=sides[0].metric, sides=sides,
            unit=RATIO if self.ratio else DIFFERENCE, printed=self._printed(scale),
            why=f"no run of {' or '.join(missing)}",
        )  # fmt: skip
        if missing:
            return blank
        noise = [evidence.noise_of_maximum(*pair) for pair in zip(sides, samples)]
        found = judged(
            blank, self._interval(samples, noise, confidence), "Welch" if len(sides) == 2 else "t"
        )
        untried = [f"{side.missing} of {side.label} not run" for side in sides if side.missing]
        if untried:  # The best of several may be one that was not run.
            found = dataclasses.replace(found, word=CANNOT_TELL, why=", ".join(untried))
        elif found.word == CANNOT_TELL and any(sample.n < 2 for sample in samples):
            found = dataclasses.replace(found, why=ONE_SEED)
        beside = self._beside(sides, samples, noise)
        return dataclasses.replace(found, noise=max(noise), beside=beside)

    @property
    def _line(self) -> float:
        """What the first side is held against where that is a number."""
        return cast(float, self.second)

    def _interval(self, samples: tuple[Sample, ...], noise: list[float], confidence: float):
        if self.ratio:
            if any(value <= 0 for sample in samples for value in sample.values):
                below_line = samples[1].mean if len(samples) == 2 else self._line
                effect = samples[0].mean / below_line if below_line else math.nan
                return Interval(effect, math.nan, math.nan)
            noise = [part / sample.mean for part, sample in zip(noise, samples)]
            samples = tuple(Sample(tuple(map(math.log, s.values))) for s in samples)
        if len(samples) == 2:
            found = statistics.welch_interval(*samples, confidence)
        else:
            number = math.log(self._line) if self.ratio else self._line
            mean = statistics.mean_interval(samples[0], confidence)
            found, noise = Interval(*(end - number for end in mean)), [*noise, 0.0]
        # The best of several is too high by noise; of a metric where less is better, too low.
        if evidence.sign(self.first.metric or "") < 0:
            noise = noise[::-1]
        found = Interval(found.effect, found.low - noise[0], found.high + noise[1])
        return Interval(*map(math.exp, found)) if self.ratio else found

    def _beside(self, sides: tuple[Measured, ...], samples, noise: list[float]) -> str:
        """What is to be said of maxima."""
        told = [
            f"{found.chosen} is the best of {found.contenders} that their seeds do not tell "
            f"apart, which adds {extra:.2g} by noise alone"
            for found, extra in zip(sides, noise)
            if extra
        ]
        if self.trials > 1 and samples[0].n > 1:
            mean, std = samples[0].mean, samples[0].std
            extra = statistics.expected_maximum(self.trials) * std
            told.append(
                f"the best of {self.trials} runs with this spread is expected {extra:.2g} above "
                f"the mean, at {mean + extra:.4f}"
            )
        return "; ".join(told)

    def _printed(self, scale: str) -> float:
        if scale != "paper":
            return math.nan
        if self.against is not None:
            return self.against
        values = [_printed(part) for part in (self.first, self.second)]
        if None in values:
            return math.nan
        return values[0] / values[1] if self.ratio else values[0] - values[1]


@dataclasses.dataclass(frozen=True)
class Learned:
    """A comparison of runs that have learned something: two that have not are no worse than each
    other, and that says nothing.

    Where no side's mean of `metric` is more than `margin` above `floor`, a score that counting
    words gives, the answer is `cannot tell`. A floor that is not known changes nothing.
    """

    criterion: Comparison
    metric: str
    margin: float
    floor: str = "unigram"

    @property
    def text(self) -> str:
        return self.criterion.text

    @property
    def rows(self) -> tuple[str, ...]:
        return self.criterion.rows

    def judge(self, results: Results, scale: str, confidence: float = CONFIDENCE) -> Verdict:
        verdict = self.criterion.judge(results, scale, confidence)
        if verdict.word == NOT_RUN:
            return verdict
        pair = (self.criterion.first, self.criterion.second)
        sides = [dataclasses.replace(s, metric=self.metric) for s in pair if isinstance(s, Side)]
        floors = [results.floor(part, scale, self.metric, self.floor) for part in sides]
        means = [results.measure(part, scale)[0].mean for part in sides]
        # A mean or floor that is nan is not at the floor: nothing is known of it.
        if not all(mean <= floor + self.margin for mean, floor in zip(means, floors)):
            return verdict
        why = (
            f"nothing was learned: {self.metric} is within {self.margin:g} of the {self.floor} "
            f"floor, {max(floors):.4f}"
        )
        return dataclasses.replace(verdict, word=CANNOT_TELL, why=why)


@dataclasses.dataclass(frozen=True)
class Maximum:
    """A printed number is what the best of `runs` runs at a row's level is expected to be.

    The expected maximum, mean + E[max of n normals] std, lies within `margin` of it.
    """

    side: Side
    printed: float
    runs: int
    margin: float

    @property
    def text(self) -> str:
        return f"|expected maximum of {self.runs:,} runs - {self.printed:g}| < {self.margin:g}"

    @property
    def rows(self) -> tuple[str, ...]:
        return self.side.rows

    def judge(self, results: Results, scale: str, confidence: float = CONFIDENCE) -> Verdict:
        found, sample = results.measure(self.side, scale)
        blank = Verdict(
            NOT_RUN, self.text, -self.margin, self.margin, metric=found.metric, sides=(found,)
        )
        if not sample.n:
            return dataclasses.replace(blank, why=f"no run of {found.label}")
        expected = statistics.maximum_interval(sample, self.runs, confidence)
        judged_ = judged(blank, Interval(*(end - self.printed for end in expected)), "simulation")
        return dataclasses.replace(judged_, why=ONE_SEED) if sample.n < 2 else judged_


def better(first: Side, second: Side) -> Comparison:
    """first has the higher metric."""
    return Comparison(first, second, at_least=0.0)


def no_worse(first: Side, second: Side, margin: float) -> Comparison:
    """first loses less than `margin` against second."""
    return Comparison(first, second, at_least=-margin)


def equal(first: Side, second: Side | float, margin: float) -> Comparison:
    """They differ by less than `margin`, either way."""
    return Comparison(first, second, at_least=-margin, at_most=margin)


def reaches(first: Side, target: float, trials: int = 1) -> Comparison:
    return Comparison(first, target, at_least=0.0, trials=trials)


def below(first: Side, target: float) -> Comparison:
    return Comparison(first, target, at_most=0.0)


def error_ratio(
    first: str, second: str, at_most: float, at_least: float = -math.inf, metric: str = "top1"
) -> Comparison:
    """The error (1 - accuracy) of first over second's: a loss of accuracy that means the same on
    an easy and on a hard data set."""
    one, other = (evidence.side(name, metric=f"{metric}_error") for name in (first, second))
    return Comparison(one, other, at_least, at_most, ratio=True)


def _printed(part: Side | float) -> float | None:
    """What the paper prints for a side; of several rows, the best."""
    if not isinstance(part, Side):
        return part
    values = [printed_value(registry.find(name), part.metric) for name in part.rows]
    known = [value for value in values if value is not None]
    if part.changes or not known:
        return None
    return max(known, key=lambda value: value * evidence.sign(part.metric or ""))


def printed_value(row: Row, metric: str | None) -> float | None:
    """What the paper prints of a metric, the row's own for None."""
    name = metric or row.metric or ""
    if name.endswith("_error"):
        accuracy = row.paper.get(name[: -len("_error")])
        return None if accuracy is None else 1 - accuracy
    # A subset is what the printed value's evaluation saw.
    return row.paper.get(name[: -len("_subset")] if name.endswith("_subset") else name)
