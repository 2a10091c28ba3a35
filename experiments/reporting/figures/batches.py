"""A table's last accuracies as pictures: by optimizer, and over batch sizes; printed and measured.

Printed values are hollow and dashed, measured ones filled: what was not run is seen at once.
"""

from __future__ import annotations

import math

from largebatch.experiments.plots import style
from largebatch.experiments.reporting.figures import run_curves
from largebatch.experiments.reporting.model.cells import Cell, TableReport
from largebatch.experiments.reporting.model.grids import metrics_shown, split_label

PRINTED = {"mfc": "white", "ls": "--", "lw": 1.2, "ms": 7, "marker": "D"}
DOT = {"marker": "o", "ms": 6}


def by_optimizer(table: TableReport) -> str | None:
    """The metric by the table's rows: Figures 1 to 4 as points, with a bar of one deviation."""
    if not any(cell.summary for cell in table.cells):
        return None
    figure, axes = style.new_figure()
    drawn: list[float] = []
    for place, cell in enumerate(table.cells):
        colour = _colour(cell)
        if cell.printed is not None:
            axes.plot(place - 0.12, cell.printed, **{**PRINTED, "ls": ""}, color=colour)
            drawn.append(cell.printed)
        if cell.summary:
            std = cell.summary.std if cell.summary.n > 1 else 0.0
            axes.errorbar(place, cell.summary.mean, std, capsize=4, color=colour, **DOT)
            drawn.append(cell.summary.mean)
        elif cell.status == "diverged":
            _mark_diverged(axes, place)
    if any(cell.printed is not None for cell in table.cells):
        axes.plot([], [], **{**PRINTED, "ls": ""}, color="#444444", label="printed")
    axes.plot([], [], ls="", color="#444444", label="measured", **DOT)
    labels = [cell.row.label.replace(", ", ",\n").replace(" (", "\n(") for cell in table.cells]
    slanted = len(labels) > 5
    axes.set_xticks(
        range(len(labels)), labels, fontsize=8, rotation=25 if slanted else 0,
        ha="right" if slanted else "center",
    )  # fmt: skip
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.set_ylabel(_axis_name(table))
    style.accuracy_axis(axes, drawn, run_curves.top(table.cells[0].row.metric))
    return style.as_svg(figure, axes)


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
    figure, axes = style.new_figure()
    drawn: list[float] = []
    shades = _shades(recipes)
    for name, cells in recipes.items():
        cells = sorted(cells, key=_size)
        colour = shades[name]
        printed = [(_size(c), c.printed) for c in cells if c.printed is not None]
        measured = [(_size(c), c.summary) for c in cells if c.summary]
        if printed:
            label = None if measured else f"{name}: printed"
            axes.plot(*zip(*printed), **PRINTED, color=colour, label=label)
            drawn += [value for _, value in printed]
        if measured:
            sizes, summaries = zip(*measured)
            means = [summary.mean for summary in summaries]
            stds = [summary.std if summary.n > 1 else 0.0 for summary in summaries]
            axes.errorbar(sizes, means, stds, capsize=3, color=colour, label=name, lw=1.8, **DOT)
            drawn += means
        for cell in cells:
            if cell.status == "diverged":
                _mark_diverged(axes, _size(cell), colour)
    axes.set_xscale("log", base=2)
    sizes = sorted({_size(cell) for cell in shown})
    step = 1 if len(sizes) <= 8 else 2
    axes.set_xticks(sizes[::step], [_short(size) for size in sizes[::step]], fontsize=8.5)
    axes.minorticks_off()
    axes.set_xlabel("batch size")
    axes.set_ylabel(_axis_name(table))
    style.accuracy_axis(axes, drawn, run_curves.top(table.cells[0].row.metric))
    return style.as_svg(figure, axes, columns=1)


def _recipe(table: TableReport, cell: Cell) -> str:
    """What a curve joins: a recipe of a table of many, else an optimizer (and its model)."""
    recipe, batch = split_label(table.table, cell)
    if recipe and batch and table.table in ("table2", "batch_sizes", "limit", "resnet50"):
        return recipe
    if table.table == "alexnet":
        return cell.row.label.rpartition(", ")[0]
    names = {"lamb": "LAMB", "lars": "LARS", "momentum": "Momentum", "bert_adamw": "Baseline"}
    return names.get(cell.row.optimizer, cell.row.optimizer)


def _shades(recipes: dict[str, list[Cell]]) -> dict[str, object]:
    """A colour an optimizer; where recipes share one, shades of a scale."""
    optimizers = [cells[0].row.optimizer for cells in recipes.values()]
    if len(set(optimizers)) == len(optimizers):
        return {name: _colour(cells[0]) for name, cells in recipes.items()}
    import matplotlib

    scale = matplotlib.colormaps["viridis"]
    return {
        name: style.COLOURS["lamb"]
        if name.startswith("LAMB") and optimizers.count("lamb") == 1
        else scale(0.9 * number / max(len(recipes) - 1, 1))
        for number, name in enumerate(recipes)
    }


def _mark_diverged(axes, place: float, colour: object = "#b42318") -> None:
    """A cross at the lower edge."""
    axes.plot(place, 0.03, marker="x", ms=8, mew=2, color=colour, ls="",
              transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip


def _colour(cell: Cell) -> str:
    return style.COLOURS.get(cell.row.optimizer, style.OTHER_COLOUR)


def _size(cell: Cell) -> int:
    return cell.row.batch_size


def _short(size: int) -> str:
    """32768 -> '32K', 1281167 -> '1.28M'."""
    if size >= 1_000_000:
        return f"{size / 1e6:.3g}M"
    if size >= 1024 and math.log2(size).is_integer():
        return f"{size // 1024}K"
    return f"{size / 1000:.3g}k" if size >= 10_000 else f"{size}"


def _axis_name(table: TableReport) -> str:
    return next(iter(metrics_shown(table).values())).partition(" (")[0]
