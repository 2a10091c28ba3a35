"""Criteria about the files that analyses leave: the bounds of the theorems, appendix C's ratios."""

from __future__ import annotations

import dataclasses
import math

from largebatch.experiments.claims.criteria import judged
from largebatch.experiments.claims.evidence import TENSORFLOW, Results
from largebatch.experiments.claims.statistics import (
    CONFIDENCE,
    Interval,
    Sample,
    mean_interval,
    welch_interval,
)
from largebatch.experiments.claims.verdict import (
    CANNOT_TELL,
    FAILS,
    HOLDS,
    INSIDE_AND_OUTSIDE,
    NOT_RUN,
    RATIO,
    Measured,
    Verdict,
)

BOUNDS, DENSITY = "theorem_rates", "layer_density"
FACTORS = {"curvature_factor": "sqrt(psi_L) / psi_g", "noise_factor": "psi_sigma / psi_g"}


@dataclasses.dataclass(frozen=True)
class UnderBound:
    """What a theorem bounds lies under its bound, at every T that was measured.

    Of the problem with known constants that `theorem_rates` runs, which has no scale.
    """

    theorem: str  # as the file names it, or its beginning
    rows: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "measured / bound < 1 at every T"

    def judge(self, results: Results, scale: str, confidence: float = CONFIDENCE) -> Verdict:
        record = results.analyses.get(BOUNDS, {"points": ()})
        points = [p for p in record["points"] if p["theorem"].startswith(self.theorem)]
        points = [point for point in points if "values" in point]  # not in files of before
        blank = Verdict(NOT_RUN, self.text, at_most=1.0, unit=RATIO, metric="measured / bound")
        if not points:
            return dataclasses.replace(blank, why=f"no {BOUNDS}.json with {self.theorem}")
        shares = [(_share_of_bound(point, confidence), point) for point in points]
        share, worst = max(shares, key=lambda pair: pair[0].high)
        sample = Measured(f"{worst['theorem']}, T = {worst['steps']}", "", n=len(worst["values"]))
        return judged(dataclasses.replace(blank, sides=(sample,)), share, "t")


def _share_of_bound(point: dict, confidence: float) -> Interval:
    mean = mean_interval(Sample(tuple(point["values"])), confidence)
    power = 2 if point["squared"] else 1
    return Interval(*(end**power / point["bound"] for end in mean))


@dataclasses.dataclass(frozen=True)
class Denser:
    """Gradients are denser over the layers than curvature, or than noise: a factor of appendix C
    is below 1."""

    factor: str  # a key of FACTORS
    rows: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return f"{FACTORS[self.factor]} < 1"

    def judge(self, results: Results, scale: str, confidence: float = CONFIDENCE) -> Verdict:
        record = _density(results, scale)
        blank = Verdict(NOT_RUN, self.text, at_most=1.0, unit=RATIO, metric=FACTORS[self.factor])
        if record is None:
            return dataclasses.replace(blank, why=f"no {DENSITY}.json at this scale")
        found = judged(blank, factor_interval(record, self.factor, confidence), "t")
        return dataclasses.replace(found, sides=_sides(record))


@dataclasses.dataclass(frozen=True)
class Foretold:
    """SGD or LARS is ahead as appendix C foretells: LARS where both factors are below 1, else SGD.

    The effect is LARS's criterion of convergence over SGD's.
    """

    rows: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "LARS / SGD < 1 just where both factors are"

    def judge(self, results: Results, scale: str, confidence: float = CONFIDENCE) -> Verdict:
        record = _density(results, scale)
        blank = Verdict(NOT_RUN, self.text, unit=RATIO, metric="mean squared gradient, LARS / SGD")
        if record is None:
            return dataclasses.replace(blank, why=f"no {DENSITY}.json at this scale")
        factors = [factor_interval(record, factor, confidence) for factor in FACTORS]
        measured = gain_interval(record, confidence)
        told = ", ".join(
            f"{name} {found.effect:.3g} [{found.low:.3g}, {found.high:.3g}]"
            for name, found in zip(FACTORS.values(), factors)
        )
        # LARS is foretold to gain where the larger of the factors is below 1.
        foretold = _side_of_one(max(f.low for f in factors), max(f.high for f in factors))
        seen = _side_of_one(measured.low, measured.high)
        word = CANNOT_TELL if 0 in (foretold, seen) else HOLDS if foretold == seen else FAILS
        return dataclasses.replace(
            blank,
            word=word,
            method="Welch",
            sides=_sides(record),
            beside=f"foretold by {told}",
            why=INSIDE_AND_OUTSIDE if word == CANNOT_TELL else "",
            **measured._asdict(),
        )


def factor_interval(record: dict, factor: str, confidence: float = CONFIDENCE) -> Interval:
    """Of LARS's bound over SGD's: over the seeds, of the logarithm's mean in both trainings.

    `record` is what `layer_density` writes.
    """
    sgd, lars = ([one[factor] for one in record["optimizers"][n]["psi"]] for n in ("sgd", "lars"))
    both = Sample(tuple((math.log(a) + math.log(b)) / 2 for a, b in zip(sgd, lars)))
    return Interval(*map(math.exp, mean_interval(both, confidence)))


def gain_interval(record: dict, confidence: float = CONFIDENCE) -> Interval:
    """LARS's criterion of convergence over SGD's, each at its best rate; below 1 LARS is ahead."""
    lars, sgd = (record["optimizers"][name]["stationarity"] for name in ("lars", "sgd"))
    found = welch_interval(_logarithms(lars), _logarithms(sgd), confidence)
    return Interval(*map(math.exp, found))


def _logarithms(values) -> Sample:
    return Sample(tuple(map(math.log, values)))


def _density(results: Results, scale: str) -> dict | None:
    record = results.analyses.get(DENSITY)
    return record if record and record["scale"] == scale else None


def _sides(record: dict) -> tuple[Measured, ...]:
    what = f"{record['model']} on {record['dataset']}"
    return tuple(
        Measured(f"{name}, {what}", "", n=record["seeds"], engines=(TENSORFLOW,))
        for name in ("LARS", "SGD")
    )


def _side_of_one(low: float, high: float) -> int:
    """-1 below 1, 1 above it, 0 where the interval does not say."""
    return -1 if high < 1 else 1 if low > 1 else 0
