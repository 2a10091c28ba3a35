"""What a table tells of each of its rows: printed, measured, and what is beside them.

An `Item` is words with their meaning, so that HTML, Markdown and a terminal say the same. A
measured item shows a value or, where there is none, the status of its cell in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from largebatch.experiments.records.best import summarize
from largebatch.experiments.records.reader import finite_number
from largebatch.experiments.reporting.model import like_with_like, printed_settings, words
from largebatch.experiments.reporting.model.cells import Cell, TableReport
from largebatch.experiments.rows.author_code import AS_RUN

_METRICS = {"masked_lm_accuracy": "masked-LM accuracy", "top1": "top-1 accuracy"}


class Item(NamedTuple):
    """One cell of a grid."""

    text: str
    kind: str = "setting"  # setting | paper | measured | difference
    statuses: tuple[str, ...] = ()  # of a measured item: of its cell, or cells
    note: str = ""  # smaller, below


class Column(NamedTuple):
    name: str
    item: Callable[..., Item]  # of a Cell


def columns(table: TableReport) -> list[Column]:
    """All of them, in the order of a reader: settings, values, what is beside them."""
    settings = [
        Column(name, lambda c, text=text: Item(text(c)))
        for name, text in printed_settings.columns(table).items()
    ]
    found = [*metric_columns(table), *_chosen_columns(table), *_as_run_columns(table)]
    return [*settings, *found, *_extra_columns(table)]


def _chosen_columns(table: TableReport) -> list[Column]:
    """How many seeds, and the best point of the grid."""
    columns = [Column("n", lambda c: Item(str(c.summary.n) if c.summary else words.NOTHING))]
    for field in dict.fromkeys(field for cell in table.cells for field in cell.row.grid):
        columns.append(Column(f"best {field}", lambda c, f=field: Item(_chosen(c, f))))
    return [c for c in columns if says_something(c, table.cells)]


def _chosen(cell: Cell, field: str) -> str:
    found = cell.best.values if cell.best else {}
    return words.plain(found[field]) if field in found else words.NOTHING


def says_something(column: Column, cells: Sequence[Cell]) -> bool:
    """Whether it has a value, or a status, of any of the cells."""
    return any((item := column.item(c)).statuses or item.text != words.NOTHING for c in cells)


def metrics_shown(table: TableReport) -> dict[str, str]:
    """metric -> its name in the table, the one that the rows are judged by first."""
    metric = table.cells[0].row.metric
    if table.scale == "paper":
        return {metric: table.layout.measures, **words.BESIDE.get(metric, {})}
    # The small data sets have ten classes: the best five of them say nothing.
    beside = {m: name for m, name in words.BESIDE.get(metric, {}).items() if m != "top5"}
    return {metric: f"test {_METRICS.get(metric, metric)}", **beside}


def judged_name(table: TableReport) -> str:
    """What the metric is called that the rows are judged by."""
    return next(iter(metrics_shown(table).values()))


def _as_run_kind(cell: Cell) -> str:
    """'as run'; for another row beside the printed one, what it is called."""
    return "as run" if cell.row.name.endswith(AS_RUN) else f"as run, {cell.row.label}"


def _as_run_columns(table: TableReport) -> list[Column]:
    """What the first author's code gives beside the printed rows, for each kind of row there."""
    columns = []
    for kind in dict.fromkeys(_as_run_kind(other) for c in table.cells for other in c.as_run):

        def column(name: str, item: Callable[[Cell], Item], kind: str = kind) -> Column:
            def of(cell: Cell) -> Item:
                other = next((one for one in cell.as_run if _as_run_kind(one) == kind), None)
                return Item(words.NOTHING, "measured") if other is None else item(other)

            return Column(f"{kind}: {name}", of)

        columns.append(column("measured", lambda c: measured_item(c, c.row.metric, counted=True)))
        columns.append(column("difference", _difference_item))
    return [c for c in columns if says_something(c, table.cells)]


def _difference_item(cell: Cell) -> Item:
    scored = f"on {like_with_like.scored_on(cell)}" if cell.row.subset_metric else ""
    text = words.difference(cell)
    return Item(text, "difference", note="" if text == words.NOTHING else scored)


def metric_columns(table: TableReport, counted: bool = False) -> list[Column]:
    """Printed and measured values; `counted`: with n and the best point in their notes."""
    judged = table.cells[0].row.metric
    columns: list[Column] = []
    optional: list[Column] = []
    for metric, name in metrics_shown(table).items():
        prints = table.scale == "paper" and any(printed_text(c, metric) for c in table.cells)
        if prints:
            columns.append(
                Column(f"{name}: printed", lambda c, m=metric: paper_item(c, _own(c, m, judged)))
            )
        title = f"{name}: measured" if prints else f"{name}, measured"
        columns.append(
            Column(title, lambda c, m=metric: measured_item(c, _own(c, m, judged), counted))
        )
        if not prints:
            optional.append(columns[-1])
        elif metric == table.cells[0].row.metric:
            columns.append(Column("difference", _difference_item))
            optional.append(columns[-1])
    return [c for c in columns if c not in optional or says_something(c, table.cells)]


def _own(cell: Cell, metric: str, judged: str) -> str:
    """The metric that the row itself is judged by, where that is what the table's rows are."""
    return cell.row.metric if metric == judged else metric


def printed_text(cell: Cell, metric: str) -> str:
    value = cell.row.paper.get(metric)
    if value is not None:
        mark = " (log)" if cell.row.printed_source(metric).kind == "code" else ""
        return f"{words.number(value, metric)}{mark}"
    return cell.row.paper.get("status", "") if metric == cell.row.metric else ""


def paper_item(cell: Cell, metric: str) -> Item:
    return Item(printed_text(cell, metric) or words.NOTHING, "paper")


def measured_item(cell: Cell, metric: str, counted: bool) -> Item:
    """The best point's mean and deviation over its seeds; the status where there is none.

    `counted`: with n and the best point, which other columns give else.
    """
    judged = metric == cell.row.metric
    summary = cell.best.summary(metric) if cell.best else None
    statuses = (cell.status,) if judged else ()
    if summary is None or not summary.n:
        return Item("" if judged else words.NOTHING, "measured", statuses)
    notes = [f"n = {summary.n}"] if judged and counted else []
    if judged and counted and cell.best.values:
        notes.append(words.values(cell.best.values))
    if judged and (part := like_with_like.subset(cell)):
        notes.append(f"{like_with_like.scored_on(cell)}: {words.spread(part, metric)}")
    if judged and cell.counts.get("diverged"):
        notes.append(f"{cell.counts['diverged']} diverged")
    return Item(words.spread(summary, metric), "measured", statuses, ", ".join(notes))


def _extra_columns(table: TableReport) -> list[Column]:
    """What else the paper prints of a row, and the same of the runs."""
    printed, measured = [], []
    for name in table.layout.beside:
        on_paper, of_runs = EXTRAS[name]
        machine = name in ("TPUs", "hardware")
        title = name if machine else f"{name}: printed"
        printed.append(Column(title, lambda c, text=on_paper: Item(text(c), "paper")))
        title = "devices: measured" if machine else f"{name}: measured"
        measured.append(Column(title, lambda c, text=of_runs: Item(text(c), "measured")))
    return [*printed, *measured] if table.scale == "paper" else measured


def _machine(cell: Cell) -> str:
    paper = cell.row.paper
    return str(paper.get("chips") or paper.get("hardware") or words.NOTHING)


def _last_step(cell: Cell) -> str:
    for run in cell.best.runs if cell.best else cell.runs:
        loss, step = run.record.get("last_loss"), run.record.get("last_step")
        if finite_number(loss) and finite_number(step):
            return f"loss={loss:.5f}, step={step:g}"
    return words.NOTHING


def _devices(cell: Cell) -> str:
    found = {
        f"{run.record.get('num_devices', '?')} x {words.device(run)}"
        for run in (cell.best.runs if cell.best else ())
    }
    return ", ".join(sorted(found)) or words.NOTHING


def _time(cell: Cell) -> str:
    """The mean of the finished runs' time, '12.3 min'."""
    times = (run.record.get("wall_seconds") for run in (cell.best.runs if cell.best else ()))
    mean = summarize(seconds for seconds in times if finite_number(seconds)).mean
    if math.isnan(mean):
        return words.NOTHING
    for unit, size in (("h", 3600), ("min", 60)):
        if mean >= size:
            return f"{mean / size:.1f} {unit}"
    return f"{mean:.0f} s"


# {what a layout has beside its values: (as printed, as measured)}.
EXTRAS: dict[str, tuple[Callable[[Cell], str], Callable[[Cell], str]]] = {
    "TPUs": (_machine, _devices),
    "hardware": (_machine, _devices),
    "time": (lambda cell: cell.row.paper_time or words.NOTHING, _time),
    "last step": (
        lambda cell: f"loss={cell.row.paper_last_loss}, step={cell.row.paper_last_step}",
        _last_step,
    ),
}
