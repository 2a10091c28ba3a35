"""What counts as holding: criteria that turn results at one scale into a verdict.

Those about means are in `means`, those about the files of analyses in `analysed`.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Protocol

from largebatch.experiments.claims import statistics
from largebatch.experiments.claims.evidence import Results, Side, side
from largebatch.experiments.claims.statistics import CONFIDENCE, Interval
from largebatch.experiments.claims.verdict import (
    CANNOT_TELL,
    FAILS,
    HOLDS,
    INSIDE_AND_OUTSIDE,
    NOT_RUN,
    SHARE,
    Measured,
    Verdict,
    counted,
    decide,
)

FEWEST_PAIRED = 10  # runs that a share of pairs is worth taking of


class Criterion(Protocol):
    """Of one claim, at any scale."""

    @property
    def text(self) -> str:
        """'difference > 0'."""

    @property
    def rows(self) -> tuple[str, ...]:
        """The names of the rows that it reads."""

    def judge(self, results: Results, scale: str, confidence: float = CONFIDENCE) -> Verdict:
        """`scale` is the rows': paper, laptop, laptop-cifar10."""


@dataclasses.dataclass(frozen=True)
class Every:
    """All of several criteria.

    It holds where each holds at the given confidence, which needs no correction for their number;
    it fails where one fails at a confidence that has it (Bonferroni). What is shown is the weakest.
    """

    parts: tuple[Criterion, ...]

    @property
    def text(self) -> str:
        texts = list(dict.fromkeys(part.text for part in self.parts))
        return f"each of {len(self.parts)}: {' or '.join(texts)}"

    @property
    def rows(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.rows)

    def judge(self, results: Results, scale: str, confidence: float = CONFIDENCE) -> Verdict:
        found = tuple(part.judge(results, scale, confidence) for part in self.parts)
        strict = 1 - (1 - confidence) / len(self.parts)
        failed = [
            verdict
            for verdict, part in zip(found, self.parts)
            if verdict.word == FAILS and part.judge(results, scale, strict).word == FAILS
        ]
        words = [verdict.word for verdict in found]
        if failed:
            word, shown = FAILS, failed
        elif set(words) in ({HOLDS}, {NOT_RUN}):
            word, shown = words[0], found
        else:
            undecided = [verdict for verdict in found if verdict.word in (CANNOT_TELL, FAILS)]
            word, shown = CANNOT_TELL, undecided or [v for v in found if v.word == HOLDS]
        weakest = min(shown, key=_strength)
        why = {HOLDS: "", NOT_RUN: weakest.why}.get(word, counted(words))
        return dataclasses.replace(weakest, word=word, criterion=self.text, why=why, parts=found)


@dataclasses.dataclass(frozen=True)
class Controlled:
    """A criterion about an absolute level, with a positive control.

    A level can only be judged on data and code on which a reference reaches its own: where the
    mean of `control` lies more than `margin` below `level`, the answer is `cannot tell`.
    """

    criterion: Criterion
    control: Side
    level: float
    margin: float

    @property
    def text(self) -> str:
        return self.criterion.text

    @property
    def rows(self) -> tuple[str, ...]:
        return (*self.criterion.rows, *self.control.rows)

    def judge(self, results: Results, scale: str, confidence: float = CONFIDENCE) -> Verdict:
        verdict = self.criterion.judge(results, scale, confidence)
        reference, sample = results.measure(self.control, scale)
        if verdict.word == NOT_RUN or not sample.n or reference.mean >= self.level - self.margin:
            return verdict
        why = (
            f"the control falls short, too: {reference.label} has {reference.mean:.4f}, "
            f"{self.level:g} printed"
        )
        return dataclasses.replace(verdict, word=CANNOT_TELL, why=why)


def _strength(verdict: Verdict) -> tuple[float, float]:
    """How far inside the bounds the interval is, then what is printed; last where there is none."""
    inside, printed = (
        math.inf if math.isnan(slack) else slack for slack in (verdict.slack, verdict.printed_slack)
    )
    return inside, printed


def every(*parts: Criterion) -> Every:
    return Every(parts)


@dataclasses.dataclass(frozen=True)
class Share:
    """More than half of a row's runs diverge; with `finish`, of its runs end well."""

    row: str
    finish: bool = False

    @property
    def text(self) -> str:
        return f"share of {'finished' if self.finish else 'diverged'} runs > 0.5"

    @property
    def rows(self) -> tuple[str, ...]:
        return (self.row,)

    def judge(self, results: Results, scale: str, confidence: float = CONFIDENCE) -> Verdict:
        found, _ = results.measure(side(self.row), scale)
        blank = Verdict(NOT_RUN, self.text, 0.5, unit=SHARE, metric="status", sides=(found,))
        if not found.n:
            return dataclasses.replace(blank, why=f"no run of {found.label}")
        successes = found.n - found.diverged if self.finish else found.diverged
        interval = statistics.share_interval(successes, found.n, confidence)
        return judged(blank, interval, "Clopper-Pearson")


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """Of the pairs of a table's runs, more than `share` have the lower loss at the lower accuracy.

    The better half of the runs by accuracy, which is what a choice is made among; the bootstrap is
    over the runs.
    """

    rows: tuple[str, ...]
    share: float

    @property
    def text(self) -> str:
        return f"share of contradicting pairs > {self.share:g}"

    def judge(self, results: Results, scale: str, confidence: float = CONFIDENCE) -> Verdict:
        points = statistics.better_half(results.loss_and_metric(self.rows, scale))
        found = Measured(f"{len(self.rows)} rows", "loss and accuracy", n=len(points))
        blank = Verdict(NOT_RUN, self.text, self.share, unit=SHARE, metric="pairs", sides=(found,))
        if len(points) < FEWEST_PAIRED:
            why = f"{len(points)} runs of {', '.join(self.rows)}; want {FEWEST_PAIRED}"
            return dataclasses.replace(blank, why=why)
        return judged(blank, statistics.disagreement_interval(points, confidence), "bootstrap")


def judged(blank: Verdict, interval: Interval, method: str) -> Verdict:
    """`blank`, whose bounds are set, with an interval and the word for it."""
    word = decide(interval.low, interval.high, blank.at_least, blank.at_most)
    return dataclasses.replace(
        blank,
        word=word,
        method=method,
        why=INSIDE_AND_OUTSIDE if word == CANNOT_TELL else "",
        **interval._asdict(),
    )
