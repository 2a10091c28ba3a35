"""Each table as the paper prints it, with what was measured beside what is printed.

A `Grid` is lines of `Item`s: words with their meaning, so that HTML and Markdown say the same. A
measured item shows a value or, where there is none, the status of its cell in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from largebatch.experiments.program.text_table import Sheet
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
    judged: str = ""  # the metric that names of columns, or lines, begin with
    caption: str = ""  # the same where they do not


class Column(NamedTuple):
    name: str
    item: Callable[..., Item]  # of a Cell


def grid(table: TableReport, joined: bool = True) -> Grid:
    """The table in the paper's layout: a line or a column a row, or batch sizes as columns.

    Without `joined`, each row stands by itself where the paper prints two in one cell.
    """
    if table.layout.across:
        return _across(table)
    columns = _columns(table)
    judged = next(iter(metrics_shown(table).values()))
    if table.layout.down:
        header = [table.layout.corner, *(column.name for column in columns)]
        lines = [
            [Item(cell.row.label), *(column.item(cell) for column in columns)]
            for cell in table.cells
        ]
        return Grid(header, lines, judged)
    pairs = table.layout.pairs and joined and table.scale == "paper"
    groups = _pairs(table) if pairs else [[cell] for cell in table.cells]
    names = ("/".join(cell.row.label for cell in group) for group in groups)
    lines = [
        [Item(column.name), *(_joined([column.item(cell) for cell in group]) for group in groups)]
        for column in columns
    ]
    return Grid([table.layout.corner, *names], lines, judged)


def width(shown: Grid) -> int:
    """In letters, with what separates the columns."""
    columns = zip(shown.header, *([item.text for item in line] for line in shown.lines))
    return sum(max(map(len, column)) + 2 for column in columns)


def fitting(shown: Grid, letters: int) -> Grid:
    """The grid, on its side where it is wider than `letters` and less wide so: its metric is its
    caption then."""
    names = (_short(line[0].text, shown.judged) for line in shown.lines)
    turned = Grid(
        [shown.header[0], *names],
        [
            [Item(name), *(line[place] for line in shown.lines)]
            for place, name in enumerate(shown.header[1:], 1)
        ],
        caption=shown.judged,
    )
    return turned if width(shown) > letters and width(turned) < width(shown) else shown


def as_sheet(shown: Grid) -> Sheet:
    return Sheet(shown.header, [[line[0].text, *map(plain, line[1:])] for line in shown.lines])


def plain(item: Item) -> str:
    """'0.9924 ± 0.0004 (n = 5)'; the status in place of a value that is not there."""
    unusual = [status for status in item.statuses if status != "measured"]
    if not item.text or item.text == words.NOTHING:
        return " / ".join(unusual) or item.text
    note = ", ".join([part for part in (item.note, *unusual) if part])
    return f"{item.text} ({note})" if note else item.text


def _columns(table: TableReport) -> list[Column]:
    settings = [
        Column(name, lambda c, text=text: Item(text(c)))
        for name, text in printed_settings.columns(table).items()
    ]
    found = [*_metric_columns(table), *_chosen_columns(table), *_as_run_columns(table)]
    return [*settings, *found, *_extra_columns(table)]


def _chosen_columns(table: TableReport) -> list[Column]:
    """How many seeds, and the best point of the grid."""
    columns = [Column("n", lambda c: Item(str(c.summary.n) if c.summary else words.NOTHING))]
    for field in dict.fromkeys(field for cell in table.cells for field in cell.row.grid):
        columns.append(Column(f"best {field}", lambda c, f=field: Item(_chosen(c, f))))
    return [c for c in columns if _says_something(c, table.cells)]


def _chosen(cell: Cell, field: str) -> str:
    found = cell.best.values if cell.best else {}
    return words.plain(found[field]) if field in found else words.NOTHING


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

        columns.append(column("measured", lambda c: measured_item(c, c.row.metric, counted=True)))
        columns.append(column("difference", _difference_item))
    return [c for c in columns if _says_something(c, table.cells)]


def _difference_item(cell: Cell) -> Item:
    scored = f"on {like_with_like.scored_on(cell)}" if cell.row.subset_metric else ""
    text = words.difference(cell)
    return Item(text, "difference", note="" if text == words.NOTHING else scored)


def _metric_columns(table: TableReport, counted: bool = False) -> list[Column]:
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
        columns.append(
            Column(title, lambda c, m=metric: measured_item(c, _own(c, m, judged), counted))
        )
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


def _extra_columns(table: TableReport) -> list[Column]:
    """What else the paper prints of a row, and the same of the runs."""
    printed, measured = [], []
    for name in table.layout.beside:
        on_paper, of_runs = _BESIDE[name]
        machine = name in ("TPUs", "hardware")
        title = name if machine else f"{name}: printed"
        printed.append(Column(title, lambda c, text=on_paper: Item(text(c), "paper")))
        title = "devices: measured" if machine else f"{name}: measured"
        measured.append(Column(title, lambda c, text=of_runs: Item(text(c), "measured")))
    return [*printed, *measured] if table.scale == "paper" else measured


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


def _paper_time(cell: Cell) -> str:
    return cell.row.paper_time or words.NOTHING


# {what a layout has beside its values: (as printed, as measured)}.
_BESIDE: dict[str, tuple[Callable[[Cell], str], Callable[[Cell], str]]] = {
    "TPUs": (_machine, _devices),
    "hardware": (_machine, _devices),
    "time": (_paper_time, _time),
    "last step": (_paper_last_step, _last_step),
}


def _short(column: str, judged: str) -> str:
    """The column's name without that of the metric that the rows are judged by."""
    return column[len(judged) :].strip(":, ") if column.startswith(judged) else column


def split_label(table: TableReport, cell: Cell) -> tuple[str, str]:
    """'LARS 512' -> ('LARS', '512'); the recipe and the batch of a table over batch sizes."""
    recipe, _, batch = cell.row.label.rpartition(table.layout.recipes)
    return recipe, batch


def _across(table: TableReport) -> Grid:
    """A column a batch size, and for each recipe what is printed, measured and tells of it."""
    recipes: dict[str, dict[str, Cell]] = {}
    sizes = set()
    for cell in table.cells:
        recipe, batch = split_label(table, cell)
        sizes.add((cell.row.batch_size, batch))
        recipes.setdefault(recipe, {})[batch] = cell
    columns = _metric_columns(table, counted=True)
    judged = next(iter(metrics_shown(table).values()))
    # Two batches of the paper may be one at a smaller scale: its label tells them apart still.
    names = [batch for _, batch in sorted(sizes)]
    lines = []
    if table.scale != "paper":
        found = [next(c for c in table.cells if split_label(table, c)[1] == n) for n in names]
        here = (Item(printed_settings.batch_size(cell)) for cell in found)
        lines.append([Item(f"batch here ({table.scale})"), *here])
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
