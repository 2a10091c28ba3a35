"""Pictures of a table's runs: accuracy and loss against epoch, accuracy against the learning rate.

Each returns the text of an <svg> element, or None where there is nothing to draw; the same runs
give the same text. Where accuracies span much, their axis is the logarithm of the error, so that
0.993 and 0.994 can be told apart.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from largebatch.experiments.plots import chart, style
from largebatch.experiments.plots.axis import ACCURACY, LOG, Axis
from largebatch.experiments.plots.chart import Point, Series
from largebatch.experiments.records.best import Summary, summarize
from largebatch.experiments.records.reader import Run
from largebatch.experiments.reporting.model.cells import Cell, TableReport
from largebatch.experiments.reporting.model.columns import judged_name

PERCENTAGES = ("f1",)  # metrics whose best value is 100
DASHES = ("", "7 3", "2 2.5", "9 3 2 3", "4 4", "1 4")  # of rows that share an optimizer
MOST_POINTS = 40  # of a curve: more cannot be told apart, nor pointed at


class Look(NamedTuple):
    colour: str
    dash: str
    mark: str


def accuracy_curves(table: TableReport) -> str | None:
    """The metric of the best point against epoch: mean over seeds, and a band of one deviation."""
    axis = metric_axis(table)
    return _against_epoch(table, [("history", None, False)], axis)


def loss_curves(table: TableReport) -> str | None:
    """Test loss (solid) and training loss (dotted) of the best point against epoch.

    Of text the training loss alone, as the paper's Figures 6 and 7: its rows are many.
    """
    if table.cells[0].row.training_examples is None:
        lines = [("train_history", "loss", False)]
        return _against_epoch(table, lines, Axis("training loss, nats", LOG))
    lines = [("history", "loss", False), ("train_history", "loss", True)]
    note = "Solid: on the test set; dotted, thin: in training."
    return _against_epoch(table, lines, Axis("loss, nats", LOG), note)


def tuning_curves(table: TableReport) -> str | None:
    """The metric against the learning rate, other fields of a grid at their best."""
    tuned = [c for c in table.cells if "learning_rate" in c.row.grid and c.best]
    if not tuned:
        return None
    series = []
    for cell, look in zip(tuned, looks(tuned)):
        best: dict[float, Summary] = {}
        for point in cell.points:
            summary, rate = point.summary(cell.row.metric), point.values["learning_rate"]
            if summary.n and (rate not in best or summary.mean > best[rate].mean):
                best[rate] = summary
        points = [Point(rate, best[rate].mean, *spread(best[rate])) for rate in sorted(best)]
        series.append(Series(cell.row.label, points, look.colour, dash=look.dash, mark=look.mark))
        chosen = Point(cell.best.values["learning_rate"], cell.summary.mean, note="the best")
        series.append(Series("", [chosen], look.colour, cell.row.label, line=False, mark="ring"))
    axis = metric_axis(table)
    rates = sorted({p.values["learning_rate"] for c in tuned for p in c.points if p.runs})
    ticks = {rate: f"{rate:g}" for rate in rates} if len(rates) <= 6 else None
    return chart.draw(
        series,
        Axis("learning rate", LOG, ticks=ticks),
        axis,
        f"{table.title}: {axis.title} against the learning rate",
        f"Bars: {seeds_note(tuned)} Ring: the best rate.",
    )


def looks(cells: Sequence[Cell]) -> list[Look]:
    """How each cell's curve looks: an optimizer's colour, the same in every picture.

    Rows of one optimizer that differ in the batch size alone take the colours of an ordered scale;
    others of one optimizer, its colour with dashes of their own.
    """
    optimizers = [cell.row.optimizer for cell in cells]
    sizes = [cell.row.batch_size for cell in cells]
    if len(cells) > 2 and len(set(optimizers)) == 1 and len(set(sizes)) > len(sizes) // 2:
        order = sorted(set(sizes))
        colours = style.shades(len(order))
        return [
            Look(colours[order.index(size)], DASHES[sizes[:number].count(size) % 6], "circle")
            for number, size in enumerate(sizes)
        ]
    found = []
    for number, name in enumerate(optimizers):
        before = optimizers[:number].count(name)
        found.append(Look(style.colour_of(name), DASHES[before % len(DASHES)], style.mark_of(name)))
    return found


def spread(summary: Summary) -> tuple[float, str]:
    """(the deviation that is drawn, what is said of n)."""
    return (summary.std, f"n = {summary.n}") if summary.n > 1 else (0.0, "n = 1")


def points(
    cells: Sequence[Cell], place: Callable[[Cell], float]
) -> tuple[list[Point], list[Point]]:
    """The cells' (printed values, measured ones), each at its place."""
    return (
        [Point(place(c), c.printed, note="printed") for c in cells if c.printed is not None],
        [Point(place(c), c.summary.mean, *spread(c.summary)) for c in cells if c.summary],
    )


def seeds_note(cells: Sequence[Cell]) -> str:
    """What the deviations of the cells' measured values are over."""
    return deviations(cell.summary.n for cell in cells if cell.summary)


def deviations(seeds: Iterable[int]) -> str:
    """'± 1 standard deviation over n = 5 seeds.'; where n is 1, that there is none."""
    counts = sorted(set(seeds))
    if counts and counts[-1] == 1:
        return "none, n = 1 seed."
    told = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}" if counts else "0"
    return f"± 1 standard deviation over n = {told} seeds."


def metric_axis(table: TableReport) -> Axis:
    """Of the metric that the rows are judged by, with its unit where it has one."""
    name = judged_name(table).partition(" (")[0]
    metric = table.cells[0].row.metric
    return Axis(f"{name}, %" if metric in PERCENTAGES else name, ACCURACY, top(metric))


def top(metric: str) -> float:
    return 100.0 if metric in PERCENTAGES else 1.0


def thinned(points: Sequence, most: int = MOST_POINTS) -> list:
    """At most about `most` of them, at even distances, the last among them."""
    step = -(-len(points) // most) or 1
    return list(points[(len(points) - 1) % step :: step])


def _against_epoch(
    table: TableReport, lines: Sequence[tuple[str, str | None, bool]], axis: Axis, note: str = ""
) -> str | None:
    """`lines` are (which history, the value drawn or None for the row's metric, whether dotted)."""
    shown = [cell for cell in table.cells if cell.best]
    series = []
    for cell, look in zip(shown, looks(shown)):
        for kind, value, dotted in lines:
            curve = thinned(_mean_curve(cell.best.runs, kind, value or cell.row.metric))
            if not curve:
                continue
            if dotted:  # a second band of each colour would hide more than it shows
                curve = [point._replace(spread=0.0) for point in curve]
            width = 2.4 if cell.row.optimizer == "lamb" else 1.6
            series.append(
                Series(
                    "" if dotted else cell.row.label, curve, look.colour,
                    f"{cell.row.label}, {'training' if dotted else 'test'}", band=True,
                    dash="1.5 3" if dotted else look.dash, width=1.2 if dotted else width,
                    mark=look.mark if len(curve) == 1 else "",
                )
            )  # fmt: skip
    if not any(len(s.points) > 1 for s in series):
        return None
    row = table.cells[0].row
    if axis.kind == ACCURACY:
        # The first evaluations, near chance, would squeeze the rest.
        values = sorted(point.y for s in series for point in s.points)
        axis = dataclasses.replace(axis, low=values[len(values) // 30])
    elif min(point.y for s in series for point in s.points) <= 0:
        axis = Axis(axis.title)
    if any(point.spread for s in series for point in s.points):
        note = f"{note} Band: {seeds_note(shown)}"
    else:
        note = f"{note} n = 1 seed a curve."
    return chart.draw(
        series,
        Axis("share of the run's examples" if row.training_examples is None else "epoch"),
        axis,
        f"{table.title}: {axis.title} over the run",
        note,
    )


def _mean_curve(runs: Sequence[Run], kind: str, value: str) -> list[Point]:
    """The mean and deviation over the finished runs, where all have a value."""
    return mean_curve([run.curve(kind, value) for run in runs if run.status == "finished"])


def mean_curve(curves: Iterable[Sequence[tuple[float, float]]]) -> list[Point]:
    """The mean and deviation of [(x, y)] curves at each x that all have; without the empty ones."""
    found = [dict(curve) for curve in curves if curve]
    if not found:
        return []
    means = []
    for x in sorted(set.intersection(*(set(curve) for curve in found))):
        summary = summarize(curve[x] for curve in found)
        means.append(Point(x, summary.mean, *spread(summary)))
    return means
