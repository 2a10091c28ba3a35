"""The best point of a tuning grid, chosen as the paper did: on the test metric, over the seeds.

A diverged run has no value of the metric. A point with one is chosen only where all have one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from largebatch.experiments.records.reader import Run
from largebatch.experiments.rows.row import Row

HOW = "as the paper did: chosen on the test accuracy"
STATUSES = ("finished", "diverged", "running", "interrupted")  # which of two equal runs is kept


class Summary(NamedTuple):
    """Mean and sample standard deviation of n values; nan where n is too small for it."""

    mean: float
    std: float
    n: int


class Point(NamedTuple):
    """The runs of one row at one point of its grid, one a seed."""

    values: dict[str, Any]  # the grid's fields
    runs: tuple[Run, ...]

    def summary(self, metric: str, seeds: Iterable[int] | None = None) -> Summary:
        """Over the finished runs (of those seeds, if given)."""
        return summarize(
            run.metrics[metric]
            for run in self.runs
            if run.status == "finished"
            and metric in run.metrics
            and (seeds is None or run.seed in seeds)
        )

    @property
    def diverged(self) -> int:
        return sum(run.status == "diverged" for run in self.runs)


def summarize(values: Iterable[float]) -> Summary:
    values = list(values)
    n = len(values)
    mean = math.fsum(values) / n if n else math.nan
    squares = math.fsum((value - mean) ** 2 for value in values)
    return Summary(mean, math.sqrt(squares / (n - 1)) if n > 1 else math.nan, n)


def grid_points(row: Row) -> list[dict[str, Any]]:
    """All points of the row's grid, [{}] where there is none."""
    return [dict(zip(row.grid, values)) for values in itertools.product(*row.grid.values())]


def one_a_seed(runs: Iterable[Run], grid: Sequence[str]) -> tuple[list[Run], list[tuple[Run, Run]]]:
    """(one run of each point and seed, [(a further one, the one that is kept)]).

    A second run of a seed would count that seed twice.
    """
    kept: dict[tuple, Run] = {}
    further = []
    for run in sorted(runs, key=lambda run: STATUSES.index(run.status)):
        key = (run.seed, *(run.row.get(field) for field in grid))
        if key in kept:
            further.append((run, kept[key]))
        else:
            kept[key] = run
    return list(kept.values()), further


def at_points(row: Row, runs: Sequence[Run]) -> list[Point]:
    """A Point for each point of the row's grid, in its order, also where nothing was run.

    `runs` are runs of this row alone (see comparison), no two of one point and seed.
    """
    found = []
    for values in grid_points(row):
        there = [run for run in runs if all(run.row.get(f) == v for f, v in values.items())]
        found.append(Point(values, tuple(sorted(there, key=lambda run: run.seed))))
    return found


def best(points: Sequence[Point], metric: str) -> Point | None:
    """The point with the highest mean; None where no run has finished.

    Means are compared over the seeds that all measured points share, where there are any, so that
    an unfinished sweep does not favour the points that had one lucky seed more.
    """
    measured = [point for point in points if point.summary(metric).n]
    if not measured:
        return None
    sound = [point for point in measured if not point.diverged] or measured
    common = set.intersection(*({r.seed for r in p.runs if r.metrics} for p in sound))
    seeds = common or None
    return max(sound, key=lambda point: point.summary(metric, seeds).mean)
