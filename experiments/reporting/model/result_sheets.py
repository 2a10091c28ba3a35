"""A table of the paper as a plain sheet: what is printed, measured, and what the code ran."""

from __future__ import annotations

from largebatch.experiments.records.best import HOW
from largebatch.experiments.reporting.model import as_run_lines, like_with_like
from largebatch.experiments.reporting.model.cells import Cell, TableReport
from largebatch.experiments.reporting.model.words import (
    BESIDE,
    NOTHING,
    Sheet,
    difference,
    plain,
    printed,
    spread,
    status_note,
)


def result_sheet(table: TableReport) -> Sheet:
    """The paper's layout: a column, or a line, for each of its rows."""
    sheet = columns(table)
    return turned(sheet, table.layout.corner) if table.layout.down else sheet


def columns(table: TableReport) -> Sheet:
    """A column for each row of the table, with what was measured below what was printed."""
    cells = table.cells
    rows = []
    if table.scale == "paper":
        rows.append(["paper", *(printed(cell) for cell in cells)])
    elif cells[0].row.metric in BESIDE:  # rows of many batches
        rows.append(["batch: steps", *(_stages(cell) for cell in cells)])
    rows.append(
        ["measured", *(spread(c.summary, c.row.metric) if c.summary else NOTHING for c in cells)]
    )
    part = as_run_lines.part_name(cells)
    if part:
        rows.append([part, *(as_run_lines.subset(cell) for cell in cells)])
    for metric, name in BESIDE.get(cells[0].row.metric, {}).items():
        rows.append([name, *(_also(cell, metric) for cell in cells)])
    rows.append(["runs (n)", *(str(c.summary.n) if c.summary else "0" for c in cells)])
    if table.scale == "paper":
        rows.append(["difference", *(difference(cell) for cell in cells)])
    if part:
        rows.append(["compared on", *(like_with_like.scored_on(cell) for cell in cells)])
    for field in dict.fromkeys(field for cell in cells for field in cell.row.grid):
        rows.append([f"best {field}", *(_chosen(cell, field) for cell in cells)])
    rows.append(["status", *(cell.status for cell in cells)])
    rows += [
        [line.name, *(line.text(cell) for cell in cells)] for line in as_run_lines.lines(table)
    ]
    measures = table.layout.measures if table.scale == "paper" else f"test {cells[0].row.metric}"
    return Sheet([measures, *(cell.row.label for cell in cells)], rows)


def _stages(cell: Cell) -> str:
    """'64: 480', '128: 216 + 64: 48': what the labels, which are the paper's, do not say."""
    stages = cell.row.stages
    if len({stage.batch_size for stage in stages}) == 1:
        return f"{stages[0].batch_size}: {cell.row.steps}"
    return " + ".join(f"{stage.batch_size}: {stage.steps}" for stage in stages)


def _also(cell: Cell, metric: str) -> str:
    """Another metric of the same runs."""
    summary = cell.best.summary(metric) if cell.best else None
    return spread(summary, metric) if summary and summary.n else NOTHING


def turned(sheet: Sheet, corner: str) -> Sheet:
    """The sheet with a line for each of its columns."""
    _, *lines = zip(sheet.header, *sheet.rows)
    return Sheet([corner, *(row[0] for row in sheet.rows)], [list(line) for line in lines])


def _chosen(cell: Cell, field: str) -> str:
    if cell.best is None or field not in cell.best.values:
        return NOTHING
    return plain(cell.best.values[field])


def notes(table: TableReport) -> list[str]:
    """What to know when reading the table."""
    found = []
    if table.scale != "paper":
        found.append(
            f"The recipe at {table.scale} scale: other data or another model than the paper's, "
            "so nothing here is to be compared with its numbers."
        )
    if table.cells[0].row.metric == "masked_lm_accuracy":
        found.append(
            "The accuracy of the masked language model on held-out text stands in for the F1 "
            "score: a proxy, not the paper's metric."
        )
    if any(cell.best and cell.row.grid for cell in table.cells):
        found.append(f"Best of each tuning grid, {HOW}, by the mean over the seeds.")
    unusual: dict[str, list[str]] = {}
    for cell in table.cells:
        tried = sum(bool(point.runs) for point in cell.points)
        if cell.runs and (set(cell.counts) != {"finished"} or tried < len(cell.points)):
            unusual.setdefault(status_note(cell), []).append(cell.row.label)
    found += [f"{', '.join(labels)}: {note}." for note, labels in unusual.items()]
    return found + as_run_lines.notes(table)
