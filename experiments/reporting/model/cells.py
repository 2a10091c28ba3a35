"""What a report says, before it takes any form: each run is sorted into exactly one place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from largebatch.experiments.claims.claim import Judged, judge
from largebatch.experiments.claims.claims import about
from largebatch.experiments.claims.evidence import Results, find_analyses, texts_with_floors
from largebatch.experiments.records import best as selection
from largebatch.experiments.records import former
from largebatch.experiments.records.best import Point, Summary
from largebatch.experiments.records.match import differences, row_of
from largebatch.experiments.records.provenance import commit_dates
from largebatch.experiments.records.reader import Problem, Run, find_runs
from largebatch.experiments.rows import scale as scales
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry


class Cell(NamedTuple):
    """One row of the suite at one scale, and the runs that are runs of it."""

    row: Row
    points: list[Point]  # of the row's grid, in its order
    best: Point | None
    # What the first author's code ran in its place: rows whose twin this row is.
    as_run: tuple[Cell, ...] = ()

    @property
    def runs(self) -> list[Run]:
        return [run for point in self.points for run in point.runs]

    @property
    def summary(self) -> Summary | None:
        return self.best.summary(self.row.metric) if self.best else None

    @property
    def printed(self) -> float | None:
        """The paper's value; none for a scaled row, which is not what the paper measured."""
        return self.row.paper.get(self.row.metric) if self.row.scale == "paper" else None

    @property
    def logged(self) -> bool:
        """Whether the printed value is a log's of the authors' code, not the paper's."""
        return self.printed is not None and self.row.printed_source(self.row.metric).kind == "code"

    @property
    def status(self) -> str:
        """measured | running | interrupted | diverged | not run."""
        if self.best:
            return "measured"
        states = {run.status for run in self.runs}
        return next((s for s in ("running", "interrupted", "diverged") if s in states), "not run")

    @property
    def counts(self) -> dict[str, int]:
        """{status: runs}, those that occur."""
        found = [run.status for run in self.runs]
        return {status: found.count(status) for status in selection.STATUSES if status in found}


class Overridden(NamedTuple):
    """Runs with settings changed by hand, or that the row had before, one a seed: shown apart,
    never in a table's cell."""

    row: Row
    changes: dict[str, Any]  # field -> the runs' value
    point: Point

    @property
    def status(self) -> str:
        states = {run.status for run in self.point.runs}
        return next(s for s in selection.STATUSES if s in states)


@dataclasses.dataclass(frozen=True)
class TableReport:
    """One table at one scale."""

    table: str  # table7
    scale: str
    layout: Layout
    cells: list[Cell]
    texts: Sequence[Mapping[str, Any]] = ()  # what counting words scores, text by text

    @property
    def all_cells(self) -> list[Cell]:
        """The table's own and, behind them, those as run."""
        return [*self.cells, *(other for cell in self.cells for other in cell.as_run)]

    @property
    def flag(self) -> str:
        return registry.table_flag(self.table)

    @property
    def heading(self) -> str:
        return registry.heading(self.table)

    @property
    def anchor(self) -> str:
        return self.table if self.scale == "paper" else f"{self.table}-{self.scale}"

    @property
    def title(self) -> str:
        if self.scale == "paper":
            return f"{self.heading}: {self.layout.title}"
        row = self.cells[0].row
        return f"{self.heading} at {self.scale} scale: {row.model} on {row.dataset}"


@dataclasses.dataclass(frozen=True)
class Report:
    root: str
    tables: list[TableReport]
    overridden: list[Overridden]
    left_out: list[Problem]  # unreadable, foreign, of other settings, or twice there
    counted: int  # folders that hold a run's files
    claims: list[Judged] = dataclasses.field(default_factory=list)  # those that the tables test
    dates: dict[str, str] = dataclasses.field(default_factory=dict)  # of the runs' commits


def gather(root: str, tables: Sequence[str], tags: Sequence[str] = ()) -> Report:
    """Reads all runs under `root` into a report of `tables`; runs of other tables are ignored, and
    so are those that lack one of `tags`."""
    runs, left_out = find_runs(root)
    runs = [run for run in runs if set(tags) <= set(run.tags)]
    counted = len(runs) + len(left_out)
    accepted: dict[tuple[str, str], list[Run]] = {}
    wanted = {row.run_name for table in tables for row in registry.module(table).ROWS.values()}
    changed: dict[str, list[tuple[Row, dict, Run]]] = {}
    for run in runs:
        row = row_of(run)
        if row is None:
            why = f"names {run.name!r} at scale {run.scale!r}, unknown here"
            left_out.append(Problem(run.folder, why))
            continue
        if row.name not in wanted:
            continue
        if run.status == "finished" and row.metric not in run.metrics:
            left_out.append(Problem(run.folder, f"has finished without a value of {row.metric!r}"))
            continue
        different = differences(run, row)
        if not different:
            accepted.setdefault((row.name, run.scale), []).append(run)
            continue
        changes = {field: theirs for field, (_, theirs) in different.items()}
        if all(name in run.overrides or former.had(row, name, changes[name]) for name in changes):
            # Points of a grid are told apart here too.
            changes.update({f: run.row.get(f) for f in row.grid if f in run.overrides})
            key = f"{row.name} {run.scale} {sorted(changes.items())}"
            changed.setdefault(key, []).append((row, changes, run))
            continue
        fields = [f"{name} {theirs!r} (now {ours!r})" for name, (ours, theirs) in different.items()]
        why = f"disagrees with {row.name} as it is now: {', '.join(fields)}"
        left_out.append(Problem(run.folder, why))
    analyses = find_analyses(root)
    texts = texts_with_floors(analyses)
    reports = [
        dataclasses.replace(report, texts=texts)
        for table in tables
        for scale in scales.ALL_SCALES
        if (report := _table(table, scale, accepted, left_out)) is not None
    ]
    overridden = []
    for group in changed.values():
        row, changes, _ = group[0]
        kept = _one_a_seed([run for *_, run in group], (), left_out)
        overridden.append(Overridden(row, changes, Point(changes, tuple(kept))))
    results = Results(runs, analyses)
    judged = judge(about(tables), results)
    dates = commit_dates(str(run.record.get("commit")) for run in runs)
    return Report(root, reports, overridden, left_out, counted, judged, dates)


def _table(
    table: str, scale: str, accepted: dict[tuple[str, str], list[Run]], left_out: list[Problem]
) -> TableReport | None:
    """None for a scale at which nothing was run."""
    module = registry.module(table)
    ran = any((row.run_name, scale) in accepted for row in module.ROWS.values())
    if scale != "paper" and not ran:
        return None

    def cell(row: Row) -> Cell:
        row = registry.scaled(row, scale)
        runs = _one_a_seed(accepted.get((row.run_name, scale), []), tuple(row.grid), left_out)
        points = selection.at_points(row, runs)
        return Cell(row, points, selection.best(points, row.metric))

    rows = [row for row in module.ROWS.values() if scale in scales.of(row)]
    as_run: dict[str, list[Cell]] = {}
    for row in rows:
        if _beside(row, module.ROWS):
            as_run.setdefault(row.twin, []).append(cell(row))
    cells = [
        cell(row)._replace(as_run=tuple(as_run.get(row.name, ())))
        for row in rows
        if not _beside(row, module.ROWS)
    ]
    return TableReport(table, scale, module.LAYOUT, cells)


def _beside(row: Row, rows: Mapping[str, Row]) -> bool:
    """Whether `row` is shown below its twin, with whose printed value it is compared.

    Of a study, whose own row prints nothing, the row as run is a cell like the others.
    """
    return row.follows_code and bool(rows[row.twin].paper)


def _one_a_seed(runs: list[Run], grid: tuple[str, ...], left_out: list[Problem]) -> list[Run]:
    kept, further = selection.one_a_seed(runs, grid)
    for run, same in further:
        problem = Problem(run.folder, f"is the same run, seed {run.seed}, as {same.folder}")
        if problem not in left_out:  # two rows may show one run
            left_out.append(problem)
    return kept
