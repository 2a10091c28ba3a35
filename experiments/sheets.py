"""A report as plain sheets of text: the same words for the terminal, Markdown and the page."""

from __future__ import annotations

from typing import Any, NamedTuple

from largebatch.experiments.experiment import SETTINGS, Row
from largebatch.experiments.report_model import Cell, Overridden, Report, TableReport
from largebatch.experiments.selection import HOW, Point, Summary

DECIMALS = {"f1": 3, "exact_match": 3}  # as the paper prints them; 4 otherwise
NOTHING = "-"
# What is shown beside a metric, from the same runs.
BESIDE = {
    "masked_lm_accuracy": {"masked_lm_loss": "loss"},
    "f1": {"exact_match": "exact match"},
    "top1": {"top5": "top-5"},
}
WIDE_GRID = 8  # above, a tuning table lists what was run, a line a point


class Sheet(NamedTuple):
    header: list[str]
    rows: list[list[str]]


def number(value: float, metric: str) -> str:
    return f"{value:.{DECIMALS.get(metric, 4)}f}"


def spread(summary: Summary, metric: str) -> str:
    """'0.9931 ± 0.0004'; the mean alone for one run."""
    mean = number(summary.mean, metric)
    return f"{mean} ± {number(summary.std, metric)}" if summary.n > 1 else mean


def difference(cell: Cell) -> str:
    if cell.summary is None or cell.printed is None:
        return NOTHING
    digits = DECIMALS.get(cell.row.metric, 4)
    return f"{cell.summary.mean - cell.printed:+.{digits}f}"


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
    for metric, name in BESIDE.get(cells[0].row.metric, {}).items():
        rows.append([name, *(_also(cell, metric) for cell in cells)])
    rows.append(["runs (n)", *(str(c.summary.n) if c.summary else "0" for c in cells)])
    if table.scale == "paper":
        rows.append(["difference", *(difference(cell) for cell in cells)])
    for field in dict.fromkeys(field for cell in cells for field in cell.row.grid):
        rows.append([f"best {field}", *(_chosen(cell, field) for cell in cells)])
    rows.append(["status", *(cell.status for cell in cells)])
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


def printed(cell: Cell) -> str:
    if cell.printed is None:
        return cell.printed_status or NOTHING
    return number(cell.printed, cell.row.metric)


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
    return found


def point_text(point: Point, metric: str) -> str:
    """'0.9931 ± 0.0004 (5)', 'diverged (2)', '-'."""
    parts = []
    summary = point.summary(metric)
    if summary.n:
        parts.append(f"{spread(summary, metric)} ({summary.n})")
    for status in ("diverged", "running", "interrupted"):
        count = sum(run.status == status for run in point.runs)
        if count:
            parts.append(f"{status} ({count})")
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
        header = [
            " / ".join(grids[0]),
            *(", ".join(plain(v) for v in p.values.values()) for p in tuned[0].points),
        ]
        return Sheet(
            header,
            [[c.row.label, *(_marked(c, point) for point in c.points)] for c in tuned],
        )
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


def overridden_sheet(overridden: list[Overridden]) -> Sheet:
    """Runs with settings changed by hand."""
    return Sheet(
        ["row", "scale", "changed", "measured (n)", "status"],
        [
            [
                *(item.row.name, item.row.scale, values(item.changes)),
                point_text(item.point, item.row.metric),
                item.status,
            ]
            for item in overridden
        ],
    )


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


def origin_lines(table: TableReport) -> list[str]:
    """Which code and machines the cells' runs come from."""
    counts: dict[str, int] = {}
    for cell in table.cells:
        for run in cell.best.runs if cell.best else ():
            versions = run.record.get("versions")
            tensorflow = versions.get("tensorflow") if isinstance(versions, dict) else None
            commit = str(run.record.get("commit") or "unknown")
            short, plus, _ = commit.partition("+")
            line = (
                f"commit {short[:10]}{' with changes' if plus else ''}, "
                f"TensorFlow {tensorflow or 'unknown'}, "
                f"{run.record.get('num_devices', '?')} x {device(run)}, "
                f"{run.row.get('precision')}"
            )
            counts[line] = counts.get(line, 0) + 1
    return [f"{line} ({n} runs)" if n > 1 else f"{line} (1 run)" for line, n in counts.items()]


def device(run) -> str:
    return str(run.record.get("device", "unknown device")).replace("device:", "")


def data_flags(row: Row) -> str:
    """' --data_dir=DIR' where the row's data have to be given."""
    if row.dataset in ("digits", "python_text"):
        return ""
    return " --data_dir=DIR" + (" --squad_dir=SQUAD" if row.task == "pretraining" else "")


def commands(cell: Cell, seeds: int) -> list[str]:
    """What regenerates the cell: the whole of it, and, for a tuned row, its best point alone."""
    row = cell.row
    scale = "" if row.scale == "paper" else f" --scale={row.scale}"
    data = data_flags(row)
    seeds = max(seeds, cell.summary.n if cell.summary else 0)
    whole = f"python -m largebatch.experiments.sweep --rows={row.name} --seeds={seeds}{scale}{data}"
    if not cell.best or not cell.best.values:
        return [whole]
    settings = "".join(f" --set {f}={plain(v)}" for f, v in cell.best.values.items())
    return [whole, whole + settings]
