"""Each table as the paper prints it, with what was measured beside what is printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from largebatch.experiments.program.text_table import Sheet
from largebatch.experiments.reporting.model import printed_settings, words
from largebatch.experiments.reporting.model.cells import Cell, TableReport
from largebatch.experiments.reporting.model.columns import (
    Item,
    columns,
    judged_name,
    metric_columns,
    printed_text,
    says_something,
)


class Grid(NamedTuple):
    header: list[str]
    lines: list[list[Item]]  # the first item of a line is its head
    judged: str = ""  # the metric that names of columns, or lines, begin with
    caption: str = ""  # the same where they do not


def grid(table: TableReport, joined: bool = True) -> Grid:
    """The table in the paper's layout: a line or a column a row, or batch sizes as columns.

    Without `joined`, each row stands by itself where the paper prints two in one cell.
    """
    if table.layout.across:
        return _across(table)
    told = columns(table)
    judged = judged_name(table)
    if table.layout.down:
        header = [table.layout.corner, *(column.name for column in told)]
        lines = [
            [Item(cell.row.label), *(column.item(cell) for column in told)] for cell in table.cells
        ]
        return Grid(header, lines, judged)
    pairs = table.layout.pairs and joined and table.scale == "paper"
    groups = _pairs(table) if pairs else [[cell] for cell in table.cells]
    names = ("/".join(cell.row.label for cell in group) for group in groups)
    lines = [
        [Item(column.name), *(_joined([column.item(cell) for cell in group]) for group in groups)]
        for column in told
    ]
    return Grid([table.layout.corner, *names], lines, judged)


def width(shown: Grid) -> int:
    """In letters, with what separates the columns."""
    texts = zip(shown.header, *([item.text for item in line] for line in shown.lines))
    return sum(max(map(len, column)) + 2 for column in texts)


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
    told = metric_columns(table, counted=True)
    judged = judged_name(table)
    # Two batches of the paper may be one at a smaller scale: its label tells them apart still.
    names = [batch for _, batch in sorted(sizes)]
    lines = []
    if table.scale != "paper":
        found = [next(c for c in table.cells if split_label(table, c)[1] == n) for n in names]
        here = (Item(printed_settings.batch_size(cell)) for cell in found)
        lines.append([Item(f"batch here ({table.scale})"), *here])
    for recipe, cells in recipes.items():
        printed = any(printed_text(c, c.row.metric) for c in cells.values())
        for column in told:
            # What is printed of one recipe need not be of the next.
            if not printed and (column.name == "difference" or column.name.endswith(": printed")):
                continue
            if not says_something(column, list(cells.values())):
                continue
            made = [column.item(cells[n]) if n in cells else Item("") for n in names]
            lines.append([Item(f"{recipe}: {_short(column.name, judged)}"), *made])
    return Grid([table.layout.corner.replace("and batch size", "/ batch"), *names], lines)
