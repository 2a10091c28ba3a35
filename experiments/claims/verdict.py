"""A verdict: what the results say of one claim at one scale. It is computed, never written."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

HOLDS, FAILS, CANNOT_TELL, NOT_RUN = WORDS = ("holds", "fails", "cannot tell", "not run")
DIFFERENCE, RATIO, SHARE = "difference", "ratio", "share"  # what an effect is
INSIDE_AND_OUTSIDE = "the interval holds both"


@dataclasses.dataclass(frozen=True)
class Measured:
    """One side of a comparison."""

    label: str  # table7/lamb
    metric: str
    mean: float = math.nan
    std: float = math.nan  # between seeds
    n: int = 0  # seeds
    chosen: str = ""  # the best of several points or rows: which
    contenders: int = 1  # points that the seeds do not tell from the best, itself among them
    missing: int = 0  # of several rows, those that were not run
    diverged: int = 0  # of the n
    engines: tuple[str, ...] = ()  # what computed the runs: tensorflow, pjrt


@dataclasses.dataclass(frozen=True)
class Verdict:
    """`effect`, `low` and `high` are what the criterion is about; nan where there is none.

    The interval has the coverage `confidence`, and allows for the maximum of noise, `noise`, where
    a side is the best of several.
    """

    word: str
    criterion: str  # difference > 0
    at_least: float = -math.inf  # the bounds that the criterion names
    at_most: float = math.inf
    effect: float = math.nan
    low: float = math.nan
    high: float = math.nan
    unit: str = DIFFERENCE
    metric: str = ""
    method: str = ""  # Welch, t, bootstrap, Clopper-Pearson
    sides: tuple[Measured, ...] = ()
    printed: float = math.nan  # the effect by the paper's printed values
    noise: float = 0.0
    beside: str = ""  # a remark on maxima
    why: str = ""  # where there is no answer
    parts: tuple[Verdict, ...] = ()  # of a claim that is several comparisons

    @property
    def n(self) -> str:
        """'5, 3': seeds of each side; '' for none."""
        return ", ".join(str(side.n) for side in self.sides)

    @property
    def slack(self) -> float:
        """How far the interval is inside the bounds; below 0 for what it has outside."""
        return min(self.low - self.at_least, self.at_most - self.high)

    @property
    def printed_slack(self) -> float:
        """The same of the printed effect."""
        return min(self.printed - self.at_least, self.at_most - self.printed)

    @property
    def engines(self) -> tuple[str, ...]:
        found = [engine for side in self.sides for engine in side.engines]
        found += [engine for part in self.parts for engine in part.engines]
        return tuple(sorted(set(found)))

    def same(self, other: Verdict) -> bool:
        """Whether it says the same; nan is nan."""
        return self.record() == other.record()

    def record(self) -> dict[str, Any]:
        """As JSON types; what there is none of is None."""
        found = dataclasses.asdict(self)
        found.update(n=self.n, engines=list(self.engines))
        found["parts"] = [part.record() for part in self.parts]
        return _without_nan(found)


def counted(words: Sequence[str]) -> str:
    """'2 hold, 1 fails, 4 not run'."""
    plural = {HOLDS: "hold", FAILS: "fail"}
    numbers = {word: words.count(word) for word in WORDS if word in words}
    return ", ".join(f"{n} {plural.get(w, w) if n > 1 else w}" for w, n in numbers.items())


def decide(low: float, high: float, at_least: float, at_most: float) -> str:
    """The word for an interval and the open region that the claim is about: inside it the claim
    holds, outside it fails, and an interval that is in both cannot tell."""
    if math.isnan(low) or math.isnan(high):
        return CANNOT_TELL
    if low > at_least and high < at_most:
        return HOLDS
    return FAILS if high <= at_least or low >= at_most else CANNOT_TELL


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
