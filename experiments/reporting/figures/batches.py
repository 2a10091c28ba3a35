"""A table's last accuracies as pictures: by row, and over batch sizes; printed and measured.

Printed values are hollow and dashed, measured ones filled: what was not run is seen at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from largebatch.experiments.plots import chart, style
from largebatch.experiments.plots.axis import LOG, Axis
from largebatch.experiments.plots.chart import Point, Series
from largebatch.experiments.records.text_floors import floors_of
from largebatch.experiments.reporting.figures import run_curves
from largebatch.experiments.reporting.model.cells import Cell, TableReport
from largebatch.experiments.reporting.model.grids import split_label

HOLLOW = "Hollow: printed in the paper."
TEXT = "currentColor"
FLOOR_DASHES = ("1 3", "2 5", "6 5", "10 4")


def by_optimizer(table: TableReport) -> str | None:
    """The metric by the table's rows: Figures 1 to 4 as points, with a bar of one deviation."""
    if not any(cell.summary for cell in table.all_cells):
        return None
    series, crosses = [], []
    axis = run_curves.metric_axis(table)
    for place, cell in enumerate(table.cells):
        colour, mark = style.colour_of(cell.row.optimizer), style.mark_of(cell.row.optimizer)
        if cell.printed is not None:
            point = Point(cell.printed, place, note="printed")
            series.append(Series("", [point], colour, line=False, mark="diamond", hollow=True))
        shown = [(cell, cell.row.label), *((c, f"{c.row.label}, as run") for c in cell.as_run)]
        for number, (one, name) in enumerate(shown):
            if one.summary:
                below = place + 0.22 * number
                point = Point(one.summary.mean, below, *run_curves.spread(one.summary))
                series.append(Series("", [point], colour, name, line=False, mark=mark))
        if cell.status == "diverged":
            crosses.append((place, colour, f"{cell.row.label}: diverged"))
    notes = [f"Bars: {run_curves.seeds_note(table.all_cells)}"]
    notes += [HOLLOW] if any(cell.printed is not None for cell in table.cells) else []
    notes += ["Below it: as run."] if any(c.summary for x in table.cells for c in x.as_run) else []
    return chart.draw(
        series,
        axis,
        Axis(names=[cell.row.label for cell in table.cells]),
        f"{table.title}: {axis.title} by row",
        " ".join(notes),
        crosses,
    )


def over_batches(table: TableReport) -> str | None:
    """The metric against the batch size, a curve a recipe; None for a table of one batch size."""
    recipes: dict[str, list[Cell]] = {}
    for cell in table.cells:
        if len({stage.batch_size for stage in cell.row.stages}) > 1:
            continue  # a mixed batch is no one size
        if cell.row.dataset != table.cells[0].row.dataset:
            continue  # its accuracies are on no common scale
        recipes.setdefault(_recipe(table, cell), []).append(cell)
    shown = [c for cells in recipes.values() for c in cells]
    with_values = [c for c in shown if c.summary or c.printed is not None]
    if len({_size(cell) for cell in with_values}) < 3:
        return None
    series, crosses = [], []
    axis = run_curves.metric_axis(table)
    looks = run_curves.looks([cells[0] for cells in recipes.values()])
    for (name, cells), look in zip(recipes.items(), looks):
        cells = sorted(cells, key=_size)
        printed, measured = run_curves.points(cells, _size)
        if printed:
            label = "" if measured else f"{name}: printed"
            series.append(
                Series(label, printed, look.colour, name, dash="5 4", mark="diamond", hollow=True)
            )
        if measured:
            series.append(
                Series(name, measured, look.colour, dash=look.dash, mark=look.mark, width=1.8)
            )
        crosses += [
            (_size(c), look.colour, f"{name}, batch size {_size(c)}: diverged")
            for c in cells if c.status == "diverged"
        ]  # fmt: skip
    sizes = sorted({_size(cell) for cell in shown})
    series = [*_floors(table, shown, sizes), *series]
    notes = [f"Bars: {run_curves.seeds_note(shown)}"] if any(cell.summary for cell in shown) else []
    notes.append(HOLLOW if any(cell.printed is not None for cell in shown) else "")
    return chart.draw(
        series,
        Axis("batch size", LOG, ticks={size: _short(size) for size in sizes}),
        axis,
        f"{table.title}: {axis.title} over batch sizes",
        " ".join(notes),
        crosses,
    )


def _floors(table: TableReport, cells: Sequence[Cell], sizes: Sequence[int]) -> list[Series]:
    """What counting words scores, each as a line across all batch sizes; [] of another task."""
    measured = [cell for cell in cells if cell.runs]
    if not measured:
        return []
    found = floors_of(measured[0].runs[0].record, table.texts).get(measured[0].row.metric, {})
    return [
        Series(
            f"floor: {name.replace('_', ' ')}",
            [Point(size, score) for size in (sizes[0], sizes[-1])],
            TEXT,
            dash=dash,
            width=1,
        )
        for (name, score), dash in zip(found.items(), FLOOR_DASHES)
    ]


def _recipe(table: TableReport, cell: Cell) -> str:
    """What a curve joins: a recipe of a table of many, else an optimizer."""
    if table.layout.recipes:
        return split_label(table, cell)[0]
    names = {"lamb": "LAMB", "lars": "LARS", "momentum": "Momentum", "bert_adamw": "Baseline"}
    return names.get(cell.row.optimizer, cell.row.optimizer)


def _size(cell: Cell) -> int:
    return cell.row.batch_size


def _short(size: int) -> str:
    """32768 -> '32K', 1281167 -> '1.28M'."""
    if size >= 1_000_000:
        return f"{size / 1e6:.3g}M"
    if size >= 1024 and math.log2(size).is_integer():
        return f"{size // 1024}K"
    return f"{size / 1000:.3g}k" if size >= 10_000 else f"{size}"
