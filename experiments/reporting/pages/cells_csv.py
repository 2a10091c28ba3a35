"""Every cell of the report as a line of a CSV file, for a reader's own tools."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from largebatch.experiments.records.best import Summary
from largebatch.experiments.records.reader import Run
from largebatch.experiments.reporting.model import like_with_like, origins, words
from largebatch.experiments.reporting.model.cells import Cell, Overridden, Report
from largebatch.experiments.rows.row import Row

COLUMNS = (
    *("table", "row", "label", "scale", "seed_count", "metric", "mean", "std"),
    *("printed", "difference", "status", "command", "at", "changed"),
    *("twin", "printed_from", "compared"),
    *origins.FIELDS,
)


def as_csv(report: Report) -> str:
    """A line a cell and metric; overridden runs follow, told apart by 'changed' and their status.

    `at` is the best point of the row's grid. `printed_from` is paper, or code: a log of its
    authors' code. `compared` is the metric that `difference` is of: over the part of the test
    images that the printed value was scored on, where there is one. Numbers are not rounded.
    Behind them, of the runs that the value is of: their folders, seeds, commits, dates, versions,
    devices and engines.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for table in report.tables:
        for cell in table.all_cells:
            writer.writerows(_lines(table.layout.seeds, cell, report))
    writer.writerows(_overridden(item, report) for item in report.overridden)
    return text.getvalue()


def _lines(seeds: int, cell: Cell, report: Report) -> list[dict[str, str]]:
    """A cell's; what has no value is left out, and so empty in the file."""
    lines = []
    part = [cell.row.subset_metric] if like_with_like.subset(cell) else []
    for metric in (cell.row.metric, *part, *words.BESIDE.get(cell.row.metric, {})):
        judged = metric == cell.row.metric
        summary = cell.best.summary(metric) if cell.best else None
        printed = cell.row.paper.get(metric) if cell.row.scale == "paper" else None
        if not judged and printed is None and not (summary and summary.n):
            continue
        status = cell.status if judged or (summary and summary.n) else "not run"
        lines.append(
            {
                **_shared(cell.row, metric, summary, origins.shown_runs(cell), report),
                "status": status,
                "command": words.commands(cell, seeds)[-1],
                "at": words.values(cell.best.values) if cell.best else "",
                **_comparison(cell, metric, summary, printed),
            }
        )
    return lines


def _comparison(
    cell: Cell, metric: str, summary: Summary | None, printed: float | None
) -> dict[str, str]:
    """The printed value, where it is from, and what is compared with it."""
    judged = metric == cell.row.metric
    if printed is None:
        told = judged and cell.row.scale == "paper"
        return {"printed": cell.row.paper.get("status", "") if told else ""}
    difference = summary.mean - printed if summary and summary.n else None
    if judged:
        difference = like_with_like.difference(cell)
    return {
        "printed": repr(printed),
        "printed_from": cell.row.printed_source(metric).kind,
        "compared": like_with_like.compared_metric(cell) if judged else metric,
        "difference": "" if difference is None else repr(difference),
    }


def _overridden(item: Overridden, report: Report) -> dict[str, str]:
    """Its command: the row's, with the settings that were changed."""
    row = item.row
    command = words.sweep_command(f"--rows={row.name}", row, len(item.point.runs))
    return {
        **_shared(row, row.metric, item.point.summary(row.metric), item.point.runs, report),
        "status": f"overridden, {item.status}",
        "command": command + words.as_flags(item.changes),
        "changed": words.values(item.changes),
    }


def _shared(
    row: Row, metric: str, summary: Summary | None, runs: Sequence[Run], report: Report
) -> dict[str, str]:
    """What every line says: which row it is of, its mean, and where that is from."""
    found = {name: getattr(row, name) for name in ("table", "label", "scale", "twin")}
    found |= {"row": row.name, "metric": metric, "seed_count": "0"}
    if summary and summary.n:
        std = "" if math.isnan(summary.std) else repr(summary.std)
        found |= {"seed_count": str(summary.n), "mean": repr(summary.mean), "std": std}
    return {**found, **origins.origin(runs, report.dates)._asdict()}
