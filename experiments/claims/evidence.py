"""The runs and analyses that claims are judged by, found by row and scale."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from largebatch.experiments.claims.statistics import Sample, expected_maximum, welch_interval
from largebatch.experiments.claims.verdict import Measured
from largebatch.experiments.records import best as selection
from largebatch.experiments.records import former
from largebatch.experiments.records.match import differences, row_of
from largebatch.experiments.records.reader import Run, find_runs, finite_number, read_file
from largebatch.experiments.records.text_floors import floors_of
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry

# NAME.json under the folder of runs: what an analysis wrote, and what it has to have.
ANALYSES = {
    "layer_density": ("scale", "model", "dataset", "seeds", "optimizers"),
    "theorem_rates": ("points",),
    "bert_floors": ("texts",),
}
TENSORFLOW = "tensorflow"  # of a result that names no engine


@dataclasses.dataclass(frozen=True)
class Side:
    """One side of a comparison: a row, or the best of several.

    `changes` are settings that an ablation is about: runs with exactly these overridden. They fill
    no cell of the paper's, and are asked for here by name alone.
    """

    rows: tuple[str, ...]
    metric: str | None = None  # None: the row's own, at its scale
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    devices: int | None = None  # runs on so many alone

    @property
    def label(self) -> str:
        name = self.rows[0] if len(self.rows) == 1 else f"the best of {len(self.rows)} rows"
        changed = ", ".join(f"{field} {value}" for field, value in self.changes.items())
        return f"{name} with {changed}" if changed else name


def side(*rows: str, metric: str | None = None, devices: int | None = None, **changes: Any) -> Side:
    return Side(rows, metric, changes, devices)


class _Point(NamedTuple):
    """Runs of one row at one point of its grid, one a seed, and what was read of them."""

    label: str
    sample: Sample
    runs: tuple[Run, ...]
    chosen: bool


class Results:
    """What lies under a folder of runs."""

    def __init__(self, runs: Iterable[Run], analyses: Mapping[str, dict] | None = None):
        self.analyses = dict(analyses or {})
        self._runs: dict[tuple[str, str], list[tuple[dict[str, Any], Run]]] = {}
        self._before: dict[tuple[str, str], list[tuple[dict[str, Any], Run]]] = {}
        for run in runs:
            row = row_of(run)
            different = {} if row is None else differences(run, row)
            changes = {field: theirs for field, (_, theirs) in different.items()}
            # Of other settings than this version's row, and not by --set: of no row here.
            if row is not None and set(changes) <= set(run.overrides):
                self._runs.setdefault((row.name, row.scale), []).append((changes, run))
            elif row is None or "dataset" in changes:
                continue  # on other data, it would be set beside today's runs of other rows
            elif all(former.had(row, *change) for change in changes.items()):
                self._before.setdefault((row.name, row.scale), []).append((changes, run))

    def earlier(self) -> Results:
        """The same where a row has no run with its settings of now, and some with those that it had
        before: those count, of one set of settings a row, the one with the most runs.

        What a row had before is a reading of what the paper leaves open, as what it has now is.
        """
        found = Results((), self.analyses)
        found._runs = dict(self._runs)
        for key, pairs in self._before.items():
            if any(not changes for changes, _ in self._runs.get(key, ())):
                continue
            settings = [changes for changes, _ in pairs]
            most = max(settings, key=settings.count)
            mine = [({}, run) for changes, run in pairs if changes == most]
            found._runs[key] = [*self._runs.get(key, ()), *mine]
        return found

    def measure(self, wanted: Side, scale: str) -> tuple[Measured, Sample]:
        """The best of the side's rows, each at its best point, by the mean over its seeds."""
        metric = wanted.metric
        points: list[_Point] = []
        missing = 0
        for name in wanted.rows:
            row = registry.scaled(registry.run_of(registry.find(name)), scale)
            metric = metric or row.metric
            found = self._points(name, row, wanted, metric)
            points += found
            missing += not found
        if not points:
            return Measured(wanted.label, str(metric), missing=missing), Sample(())
        chosen = [point for point in points if point.chosen]
        best = max(chosen, key=lambda point: point.sample.mean * sign(metric))
        measured = Measured(
            label=wanted.label,
            metric=str(metric),
            mean=best.sample.mean,
            std=best.sample.std,
            n=best.sample.n,
            chosen=best.label if len(points) > 1 else "",
            contenders=sum(point is best or _untold(point, best) for point in points),
            diverged=sum(run.status == "diverged" for run in best.runs),
            missing=missing,
            engines=tuple(sorted({str(r.record.get("engine") or TENSORFLOW) for r in best.runs})),
        )
        return measured, best.sample

    def floor(self, wanted: Side, scale: str, metric: str, name: str) -> float:
        """What counting the words of the side's text scores, `name` unigram, left_bigram or
        both_neighbours; nan where that was not computed."""
        texts = texts_with_floors(self.analyses)
        for row in (registry.run_of(registry.find(row)) for row in wanted.rows):
            for _, run in self._runs.get((row.name, scale), ()):
                return floors_of(run.record, texts).get(metric, {}).get(name, math.nan)
        return math.nan

    def loss_and_metric(self, names: Iterable[str], scale: str) -> list[tuple[float, float]]:
        """[(loss, metric)] of the rows' finished runs, at every point of their grids."""
        found = []
        for name in names:
            row = registry.scaled(registry.run_of(registry.find(name)), scale)
            for changes, run in self._runs.get((row.name, row.scale), ()):
                pair = (run.metrics.get("loss"), run.metrics.get(row.metric))
                if not changes and run.status == "finished" and None not in pair:
                    found.append(pair)
        return found

    def _points(self, name: str, row: Row, wanted: Side, metric: str) -> list[_Point]:
        """A row's points that were run; the chosen one is the report's (see selection)."""
        mine = [
            run
            for changes, run in self._runs.get((row.name, row.scale), ())
            if changes == dict(wanted.changes)
            and run.status in ("finished", "diverged")
            and wanted.devices in (None, run.record.get("num_devices"))
        ]
        runs, _ = selection.one_a_seed(mine, tuple(row.grid))
        points = [point for point in selection.at_points(row, runs) if point.runs]
        best = selection.best(points, row.metric) or max(
            points, key=lambda point: len(point.runs), default=None
        )
        found = []
        for point in points:
            read = [(value_of(run, metric), run) for run in point.runs]
            read = [(value, run) for value, run in read if value is not None]
            if read:
                at = ", ".join(f"{field} {value:g}" for field, value in point.values.items())
                found.append(
                    _Point(
                        f"{name} at {at}" if at else name,
                        Sample(tuple(value for value, _ in read)),
                        tuple(run for _, run in read),
                        point == best,
                    )
                )
        return found if any(point.chosen for point in found) else []


def find(root: str, say: Callable[[str], None] = lambda line: None) -> Results:
    """The results under a folder; `say` is told what is left out, and why."""
    runs, problems = find_runs(root)
    for problem in problems:
        say(f"left out: {problem.path} {problem.reason}")
    return Results(runs, find_analyses(root))


def find_analyses(root: str) -> dict[str, dict]:
    """{name: the object of NAME.json} of the analyses under `root`, the first of each by path; what
    is no file of the analysis is passed over."""
    found: dict[str, dict] = {}
    for folder, subfolders, files in os.walk(root):
        subfolders.sort()
        for name, wanted in ANALYSES.items():
            if f"{name}.json" in files and name not in found:
                record = _read_json(os.path.join(folder, f"{name}.json"))
                if isinstance(record, dict) and all(field in record for field in wanted):
                    found[name] = record
    return found


def texts_with_floors(analyses: Mapping[str, dict]) -> Sequence[Mapping[str, Any]]:
    """The texts whose floors were computed, as `text_floors.floors_of` takes them."""
    return analyses.get("bert_floors", {}).get("texts", ())


def _read_json(path: str) -> Any:
    try:
        return json.loads(read_file(path).decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def noise_of_maximum(found: Measured, sample: Sample) -> float:
    """How much the best of `contenders` equal points exceeds them by noise alone, on average."""
    if found.contenders < 2 or sample.n < 2:
        return 0.0
    return expected_maximum(found.contenders) * sample.error


def value_of(run: Run, metric: str) -> float | None:
    """What a run says of `metric`: a metric of its result, `NAME_error` for 1 - NAME, or one of the
    readings below; None where it says nothing.

    A diverged run scores 0: it has no model.
    """
    if metric in READINGS:
        return READINGS[metric](run)
    if metric.endswith("_error"):
        value = value_of(run, metric[: -len("_error")])
        return None if value is None else 1 - value
    if run.status == "diverged":
        return None if metric.endswith("loss") else 0.0
    return run.metrics.get(metric)


def _number(run: Run, field: str) -> float | None:
    value = run.record.get(field)
    return value if run.status == "finished" and finite_number(value) and value > 0 else None


def _device_seconds(run: Run) -> float | None:
    seconds, devices = _number(run, "wall_seconds"), _number(run, "num_devices")
    return None if seconds is None or devices is None else seconds * devices


def _ratio_range(run: Run) -> float | None:
    """The largest trust ratio of an update over its smallest, among the layers that are adapted;
    the median over the recorded updates."""
    ranges = []
    records = run.record.get("layers")
    for record in records if isinstance(records, list) else ():
        layers = record.get("layers") if isinstance(record, dict) else None
        entries = layers.values() if isinstance(layers, dict) else ()
        ratios = [entry[-1] for entry in entries if isinstance(entry, list) and entry]
        ratios = [ratio for ratio in ratios if finite_number(ratio) and ratio not in (0, 1)]
        if len(ratios) > 1:
            ranges.append(max(ratios) / min(ratios))
    return sorted(ranges)[len(ranges) // 2] if ranges else None


READINGS = {
    "wall_seconds": lambda run: _number(run, "wall_seconds"),
    "device_seconds": _device_seconds,
    "trust_ratio_range": _ratio_range,
}


def sign(metric: str) -> int:
    """-1 where less is better."""
    return -1 if metric.endswith(("_error", "loss", "seconds")) else 1


def _untold(point: _Point, best: _Point) -> bool:
    """Whether the seeds cannot tell a point from the best."""
    interval = welch_interval(best.sample, point.sample)
    return math.isnan(interval.low) or interval.low <= 0 <= interval.high
