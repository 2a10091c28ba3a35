"""Every cell of the report as a line of a CSV file, for a reader's own tools."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from largebatch.experiments.records.best import Summary
from largebatch.experiments.records.reader import Run
from largebatch.experiments.reporting.model import like_with_like, origins, words
from largebatch.experiments.reporting.model.cells import Cell, Overridden, Report, TableReport

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
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for table in report.tables:
        for cell in table.all_cells:
            writer.writerows(_lines(table, cell, report))
    writer.writerows(_overridden(item, report) for item in report.overridden)
    return text.getvalue()


def _lines(table: TableReport, cell: Cell, report: Report) -> list[dict[str, str]]:
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
                "table": table.table,
                "row": cell.row.name,
                "label": cell.row.label,
                "scale": cell.row.scale,
                "metric": metric,
                **_numbers(summary, printed),
                "printed": _printed(cell, printed, judged),
                "status": status,
                "command": words.commands(cell, table.layout.seeds)[-1],
                "at": words.values(cell.best.values) if cell.best else "",
                "changed": "",
                "twin": cell.row.twin,
                **_comparison(cell, metric, printed),
                **_origin(origins.shown_runs(cell), report),
            }
        )
    return lines


def _comparison(cell: Cell, metric: str, printed: float | None) -> dict[str, str]:
    """Where the printed value is from, and what is compared with it."""
    if printed is None:
        return {"printed_from": "", "compared": ""}
    found = {"printed_from": cell.row.printed_source(metric).kind, "compared": metric}
    if metric == cell.row.metric:
        value = like_with_like.difference(cell)
        found["compared"] = like_with_like.compared_metric(cell)
        found["difference"] = "" if value is None else repr(value)
    return found


def _printed(cell: Cell, value: float | None, judged: bool) -> str:
    if value is None:
        return (cell.printed_status or "") if judged else ""
    return repr(value)


def _numbers(summary: Summary | None, printed: float | None) -> dict[str, str]:
    if summary is None or not summary.n:
        return {"seed_count": "0", "mean": "", "std": "", "difference": ""}
    return {
        "seed_count": str(summary.n),
        "mean": repr(summary.mean),
        "std": "" if math.isnan(summary.std) else repr(summary.std),
        "difference": "" if printed is None else repr(summary.mean - printed),
    }


def _overridden(item: Overridden, report: Report) -> dict[str, str]:
    """Its command: the row's, with the settings that were changed."""
    row = item.row
    command = words.sweep_command(f"--rows={row.name}", row, len(item.point.runs))
    return {
        "table": row.table,
        "row": row.name,
        "label": row.label,
        "scale": row.scale,
        "metric": row.metric,
        **_numbers(item.point.summary(row.metric), None),
        "printed": "",
        "status": f"overridden, {item.status}",
        "command": command + words.as_flags(item.changes),
        "at": "",
        "changed": words.values(item.changes),
        "twin": row.twin,
        "printed_from": "",
        "compared": "",
        **_origin(item.point.runs, report),
    }


def _origin(runs: Sequence[Run], report: Report) -> dict[str, str]:
    return origins.origin(runs, report.dates)._asdict()
