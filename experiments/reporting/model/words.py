"""A report as plain sheets of text: the same words for the terminal, Markdown and the page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from largebatch.experiments.claims.words import DECIMALS
from largebatch.experiments.program.text_table import NOTHING, Sheet
from largebatch.experiments.records.best import Point, Summary
from largebatch.experiments.records.reader import Run, finite_number
from largebatch.experiments.reporting.model import like_with_like
from largebatch.experiments.reporting.model.cells import Cell, Overridden, Report, TableReport
from largebatch.experiments.rows.row import SETTINGS, Row

# What is shown beside a metric, from the same runs.
BESIDE = {
    "masked_lm_accuracy": {"masked_lm_loss": "loss", "next_sentence_accuracy": "next sentence"},
    "f1": {"exact_match": "exact match"},
    "top1": {"top5": "top-5"},
}
WIDE_GRID = 8  # above, a tuning table lists what was run, a line a point


def number(value: float, metric: str) -> str:
    return f"{value:.{DECIMALS.get(metric, 4)}f}"


def spread(summary: Summary, metric: str) -> str:
    """'0.9931 ± 0.0004'; the mean alone for one run."""
    mean = number(summary.mean, metric)
    return f"{mean} ± {number(summary.std, metric)}" if summary.n > 1 else mean


def difference(cell: Cell) -> str:
    """Measured less printed, on the images that the printed value was scored on."""
    found = like_with_like.difference(cell)
    return NOTHING if found is None else f"{found:+.{DECIMALS.get(cell.row.metric, 4)}f}"


def values(fields: dict[str, Any]) -> str:
    """'learning_rate 0.001, weight_decay 0.1'."""
    return ", ".join(f"{field} {plain(value)}" for field, value in fields.items())


def plain(value: Any) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value:g}" if is_number else str(value)


def status_note(cell: Cell) -> str:
    """'20 finished, 1 diverged; 4 of 4 grid points'."""
    parts = [", ".join(f"{n} {status}" for status, n in cell.counts.items())]
    if len(cell.points) > 1 and cell.runs:
        tried = sum(bool(point.runs) for point in cell.points)
        parts.append(f"{tried} of {len(cell.points)} grid points")
    return "; ".join(part for part in parts if part)


def point_text(point: Point, metric: str) -> str:
    """'0.9931 ± 0.0004 (5)', 'diverged (2)', '-'."""
    parts = []
    summary = point.summary(metric)
    if summary.n:
        parts.append(f"{spread(summary, metric)} ({summary.n})")
    states = [run.status for run in point.runs]
    others = (status for status in ("diverged", "running", "interrupted") if status in states)
    parts += [f"{status} ({states.count(status)})" for status in others]
    return ", ".join(parts) or NOTHING


def tuning_sheet(table: TableReport) -> Sheet | None:
    """Each optimizer's value at each point of its grid, the best marked; None if there is no grid.

    A row an optimizer and a column a rate where all share one short grid, else a row a point that
    was run.
    """
    tuned = [cell for cell in table.cells if cell.row.grid]
    if not any(cell.runs for cell in tuned):
        return None
    grids = [cell.row.grid for cell in tuned]
    if all(grid == grids[0] for grid in grids) and len(tuned[0].points) <= WIDE_GRID:
        points = (", ".join(map(plain, point.values.values())) for point in tuned[0].points)
        lines = [[c.row.label, *(_marked(c, point) for point in c.points)] for c in tuned]
        return Sheet([" / ".join(grids[0]), *points], lines)
    rows = [
        [cell.row.label, values(point.values), _marked(cell, point)]
        for cell in tuned
        for point in cell.points
        if point.runs
    ]
    return Sheet([table.layout.corner, "at", f"test {tuned[0].row.metric}"], rows)


def _marked(cell: Cell, point: Point) -> str:
    text = point_text(point, cell.row.metric)
    return f"{text} *" if cell.best is not None and point == cell.best else text


def floors(runs: Iterable[Run], metric: str) -> str:
    """'random spans 4.530': what the runs' data give without any learning, by the runs' own word;
    '' where they say nothing. The mean over runs."""
    found: dict[str, list[float]] = {}
    for run in runs:
        of_metric = run.record.get("floors")
        of_metric = of_metric.get(metric) if isinstance(of_metric, dict) else None
        for name, score in of_metric.items() if isinstance(of_metric, dict) else ():
            if finite_number(score):
                found.setdefault(name, []).append(score)
    means = {name: sum(scores) / len(scores) for name, scores in found.items()}
    return ", ".join(f"{name} {number(mean, metric)}" for name, mean in means.items())


def overridden_sheet(overridden: list[Overridden]) -> Sheet:
    """Runs with settings changed by hand; a column of floors where a run knows one."""
    header = ["row", "scale", "changed", "measured (n)", "status"]
    lines, known = [], [floors(item.point.runs, item.row.metric) for item in overridden]
    for item, floor in zip(overridden, known):
        measured = point_text(item.point, item.row.metric)
        line = [item.row.name, item.row.scale, values(item.changes), measured, item.status]
        lines.append([*line, floor or NOTHING] if any(known) else line)
    return Sheet([*header, "floor"] if any(known) else header, lines)


def left_out_sheet(report: Report) -> Sheet:
    return Sheet(["file", "why"], [[path, reason] for path, reason in report.left_out])


def provenance_sheet(table: TableReport) -> Sheet:
    """The settings that the paper does not print, with their values and where they are from."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for cell in table.cells:
        for field in SETTINGS:
            source = cell.row.sources.get(field)
            value = getattr(cell.row, field)
            if source is None or source.kind == "paper" or value is None:
                continue
            shown = "the grid's best" if field in cell.row.grid else plain(value)
            key = (field, shown, source.kind, source.note)
            groups.setdefault(key, []).append(cell.row.label)
    rows = []
    for (field, shown, kind, note), labels in groups.items():
        who = "all" if len(labels) == len(table.cells) else ", ".join(labels)
        rows.append([field, shown, who, f"{kind}: {note}"])
    return Sheet(["setting", "value", "for", "source"], rows)


def device(run: Run) -> str:
    found = run.record.get("device_kind") or run.record.get("device", "unknown device")
    return str(found).replace("device:", "")


def data_flags(row: Row) -> str:
    """' --data_dir=DIR' where the row's data have to be given."""
    if row.dataset in ("digits", "python_text"):
        return ""
    return " --data_dir=DIR" + (" --squad_dir=SQUAD" if row.task == "pretraining" else "")


def sweep_command(flags: str, row: Row, seeds: int) -> str:
    """The sweep of what `flags` select, at the row's scale and with its data."""
    scale = "" if row.scale == "paper" else f" --scale={row.scale}"
    program = "python -m largebatch.experiments.sweep"
    return f"{program} {flags} --seeds={seeds}{scale}{data_flags(row)}"


def commands(cell: Cell, seeds: int) -> list[str]:
    """What regenerates the cell: the whole of it, and, for a tuned row, its best point alone."""
    seeds = max(seeds, cell.summary.n if cell.summary else 0)
    whole = sweep_command(f"--rows={cell.row.name}", cell.row, seeds)
    if not cell.best or not cell.best.values:
        return [whole]
    return [whole, whole + as_flags(cell.best.values)]


def as_flags(changes: dict[str, Any]) -> str:
    """' --set learning_rate=0.01'."""
    return "".join(f" --set {field}={plain(value)}" for field, value in changes.items())
