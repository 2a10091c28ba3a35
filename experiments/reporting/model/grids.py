"""Each table as the paper prints it, with what was measured beside what is printed.

A `Grid` is lines of `Item`s: words with their meaning, so that HTML and Markdown say the same. A
measured item shows a value or, where there is none, the status of its cell in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from largebatch.experiments.records.best import summarize
from largebatch.experiments.records.reader import finite_number
from largebatch.experiments.reporting.model import (
    as_run_lines,
    like_with_like,
    printed_settings,
    words,
)
from largebatch.experiments.reporting.model.cells import Cell, TableReport

_METRICS = {"masked_lm_accuracy": "masked-LM accuracy", "top1": "top-1 accuracy"}


class Item(NamedTuple):
    """One cell of a grid."""

    text: str
    kind: str = "setting"  # setting | paper | measured | difference
    statuses: tuple[str, ...] = ()  # of a measured item: of its cell, or cells
    note: str = ""  # smaller, below


class Grid(NamedTuple):
    header: list[str]
    lines: list[list[Item]]  # the first item of a line is its head


class Column(NamedTuple):
    name: str
    item: Callable[..., Item]  # of a Cell


def grid(table: TableReport) -> Grid:
    """The table in the paper's layout: a line or a column a row, or batch sizes as columns."""
    if table.table in _MATRICES:
        return _matrix(table, _MATRICES[table.table])
    if table.layout.down:
        columns = _columns(table)
        header = [_corner(table), *(column.name for column in columns)]
        lines = [
            [Item(cell.row.label), *(column.item(cell) for column in columns)]
            for cell in table.cells
        ]
        return Grid(header, lines)
    groups = _pairs(table) if table.table == "table3" else [[cell] for cell in table.cells]
    header = [_corner(table), *("/".join(cell.row.label for cell in group) for group in groups)]
    lines = [
        [Item(column.name), *(_joined([column.item(cell) for cell in group]) for group in groups)]
        for column in _columns(table)
    ]
    return Grid(header, lines)


def _corner(table: TableReport) -> str:
    return table.layout.corner


def _columns(table: TableReport) -> list[Column]:
    settings = [
        Column(name, lambda c, text=text: Item(text(c)))
        for name, text in printed_settings.columns(table).items()
    ]
    metrics = [*_metric_columns(table), *_as_run_columns(table)]
    return [*settings, *metrics, *_extra_columns(table)]


def _says_something(column: Column, cells: Sequence[Cell]) -> bool:
    return any((item := column.item(c)).statuses or item.text != words.NOTHING for c in cells)


def metrics_shown(table: TableReport) -> dict[str, str]:
    """metric -> its name in the table, the one that the rows are judged by first."""
    metric = table.cells[0].row.metric
    if table.scale == "paper":
        return {metric: table.layout.measures, **words.BESIDE.get(metric, {})}
    # The small data sets have ten classes: the best five of them say nothing.
    beside = {m: name for m, name in words.BESIDE.get(metric, {}).items() if m != "top5"}
    return {metric: f"test {_METRICS.get(metric, metric)}", **beside}


def _as_run_columns(table: TableReport) -> list[Column]:
    """What the first author's code gives beside the printed rows."""
    columns = []
    for kind in as_run_lines.kinds(table):

        def column(name: str, item: Callable[[Cell], Item], kind: str = kind) -> Column:
            def of(cell: Cell) -> Item:
                other = as_run_lines.of_kind(cell, kind)
                return Item(words.NOTHING, "measured") if other is None else item(other)

            return Column(f"{kind}: {name}", of)

        columns.append(column("measured", lambda c: measured_item(c, c.row.metric)))
        columns.append(column("difference", _difference_item))
    return [c for c in columns if _says_something(c, table.cells)]


def _difference_item(cell: Cell) -> Item:
    scored = f"on {like_with_like.scored_on(cell)}" if cell.row.subset_metric else ""
    text = words.difference(cell)
    return Item(text, "difference", note="" if text == words.NOTHING else scored)


def _metric_columns(table: TableReport) -> list[Column]:
    judged = table.cells[0].row.metric
    columns: list[Column] = []
    optional: list[Column] = []
    for metric, name in metrics_shown(table).items():
        prints = table.scale == "paper" and any(_printed(c, metric) for c in table.cells)
        if prints:
            columns.append(
                Column(f"{name}: printed", lambda c, m=metric: paper_item(c, _own(c, m, judged)))
            )
        title = f"{name}: measured" if prints else f"{name}, measured"
        columns.append(Column(title, lambda c, m=metric: measured_item(c, _own(c, m, judged))))
        if not prints:
            optional.append(columns[-1])
        elif metric == table.cells[0].row.metric:
            columns.append(Column("difference", _difference_item))
            optional.append(columns[-1])
    return [c for c in columns if c not in optional or _says_something(c, table.cells)]


def _own(cell: Cell, metric: str, judged: str) -> str:
    """The metric that the row itself is judged by, where that is what the table's rows are."""
    return cell.row.metric if metric == judged else metric


def _printed(cell: Cell, metric: str) -> str:
    value = cell.row.paper.get(metric)
    if value is not None:
        mark = " (log)" if cell.row.printed_source(metric).kind == "code" else ""
        return f"{words.number(value, metric)}{mark}"
    return cell.row.paper.get("status", "") if metric == cell.row.metric else ""


def paper_item(cell: Cell, metric: str) -> Item:
    return Item(_printed(cell, metric) or words.NOTHING, "paper")


def measured_item(cell: Cell, metric: str) -> Item:
    """The best point's mean and deviation over its seeds; the status where there is none."""
    judged = metric == cell.row.metric
    summary = cell.best.summary(metric) if cell.best else None
    statuses = (cell.status,) if judged else ()
    if summary is None or not summary.n:
        return Item("" if judged else words.NOTHING, "measured", statuses)
    notes = [f"n = {summary.n}"] if judged else []
    if judged and cell.best.values:
        notes.append(words.values(cell.best.values))
    if judged and like_with_like.subset(cell):
        notes.append(f"{like_with_like.scored_on(cell)}: {as_run_lines.subset(cell)}")
    if judged and cell.counts.get("diverged"):
        notes.append(f"{cell.counts['diverged']} diverged")
    return Item(words.spread(summary, metric), "measured", statuses, ", ".join(notes))


def _joined(items: Sequence[Item]) -> Item:
    """Two rows that the paper prints in one cell: '0.5538 / 0.7201'."""
    if len(items) == 1:
        return items[0]
    texts = [item.text or words.NOTHING for item in items]
    statuses = tuple(status for item in items for status in item.statuses)
    if len(set(statuses)) == 1 and not any(item.text for item in items):
        return Item("", items[0].kind, statuses[:1])
    notes = ", ".join(item.note for item in items if item.note)
    text = texts[0] if len(set(texts)) == 1 else " / ".join(texts)
    return Item(text, items[0].kind, statuses, notes)


def _pairs(table: TableReport) -> list[list[Cell]]:
    """Table 3: an optimizer and its '+' version in one column."""
    groups: dict[str, list[Cell]] = {}
    for cell in table.cells:
        groups.setdefault(cell.row.label.rstrip("+"), []).append(cell)
    return list(groups.values())


# Tables of recipes over batch sizes: what parts a label into the recipe and the batch.
_MATRICES = {"table2": " ", "batch_sizes": ", ", "limit": ", ", "resnet50": ", "}


def _extra_columns(table: TableReport) -> list[Column]:
    """What else the paper prints of a row, and the same of the runs."""
    if table.table == "table8":
        last = [Column("last step: measured", lambda c: Item(_last_step(c), "measured"))]
        if table.scale != "paper":
            return last
        return [Column("last step: printed", lambda c: Item(_paper_last_step(c), "paper")), *last]
    if table.table not in ("table1", "lecture6", "lecture7"):
        return []
    measured = [
        Column("devices: measured", lambda c: Item(_devices(c), "measured")),
        Column("time: measured", lambda c: Item(_time(c), "measured")),
    ]
    if table.scale != "paper":
        return measured
    name = "TPUs" if table.table == "table1" else "hardware"
    return [
        Column(name, lambda c: Item(_machine(c), "paper")),
        Column("time: printed", lambda c: Item(c.row.paper_time or words.NOTHING, "paper")),
        *measured,
    ]


def _machine(cell: Cell) -> str:
    paper = cell.row.paper
    return str(paper.get("chips") or paper.get("hardware") or words.NOTHING)


def _paper_last_step(cell: Cell) -> str:
    return f"loss={cell.row.paper_last_loss}, step={cell.row.paper_last_step}"


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


def _short(column: str, judged: str) -> str:
    """The column's name without that of the metric that the rows are judged by."""
    return column[len(judged) :].strip(":, ") if column.startswith(judged) else column


def split_label(table: str, cell: Cell) -> tuple[str, str]:
    """'LARS 512' -> ('LARS', '512'); the recipe and the batch of a table over batch sizes."""
    recipe, _, batch = cell.row.label.rpartition(_MATRICES.get(table, ", "))
    return recipe, batch


def _matrix(table: TableReport, separator: str) -> Grid:
    """A column a batch size, and for each recipe what is printed, measured and tells of it."""
    batches = sorted(
        {(cell.row.batch_size, split_label(table.table, cell)[1]) for cell in table.cells}
    )
    recipes: dict[str, dict[str, Cell]] = {}
    for cell in table.cells:
        recipe, batch = split_label(table.table, cell)
        recipes.setdefault(recipe, {})[batch] = cell
    columns = _metric_columns(table)
    judged = next(iter(metrics_shown(table).values()))
    # Two batches of the paper may be one at a smaller scale: its label tells them apart still.
    names = [batch for _, batch in batches]
    lines = []
    if table.scale != "paper":
        found = [next(c for c in table.cells if split_label(table.table, c)[1] == n) for n in names]
        lines.append(
            [
                Item(f"batch here ({table.scale})"),
                *(Item(printed_settings.batch_size(c)) for c in found),
            ]
        )
    for recipe, cells in recipes.items():
        printed = any(_printed(c, c.row.metric) for c in cells.values())
        for column in columns:
            # What is printed of one recipe need not be of the next.
            if not printed and (column.name == "difference" or column.name.endswith(": printed")):
                continue
            if not _says_something(column, list(cells.values())):
                continue
            made = [column.item(cells[n]) if n in cells else Item("") for n in names]
            lines.append([Item(f"{recipe}: {_short(column.name, judged)}"), *made])
    return Grid([table.layout.corner.replace("and batch size", "/ batch"), *names], lines)
