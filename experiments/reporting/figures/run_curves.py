"""Pictures of a table's runs: accuracy and loss against epoch, accuracy against the learning rate.

Each returns an SVG file's text, or None where there is nothing to draw; the same runs give the same
bytes. Where accuracies span much, their axis is the logarithm of the error, so that 0.993 and
0.994 can be told apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from largebatch.experiments.plots import style
from largebatch.experiments.records.best import summarize
from largebatch.experiments.records.reader import Run
from largebatch.experiments.reporting.model.cells import Cell, TableReport

PERCENTAGES = ("f1",)  # metrics whose best value is 100


def accuracy_curves(table: TableReport) -> str | None:
    """The metric of the best point against epoch: mean over seeds, and a band of one deviation."""
    label = f"test {table.cells[0].row.metric}"
    return _against_epoch(table, [("history", _metric, "-")], label, accuracy=True)


def loss_curves(table: TableReport) -> str | None:
    """Test loss (solid) and training loss (dotted) of the best point against epoch.

    Of text the training loss alone, as the paper's Figures 6 and 7: its rows are many.
    """
    if table.cells[0].row.training_examples is None:
        lines = [("train_history", _loss, "-")]
        return _against_epoch(table, lines, "training loss", accuracy=False)
    lines = [("history", _loss, "-"), ("train_history", _loss, ":")]
    return _against_epoch(table, lines, "loss: test (solid), training (dotted)", accuracy=False)


def tuning_curves(table: TableReport) -> str | None:
    """The metric against the learning rate, other fields of a grid at their best."""
    tuned = [c for c in table.cells if "learning_rate" in c.row.grid and c.best]
    if not tuned:
        return None
    figure, axes = style.new_figure()
    drawn: list[float] = []
    for cell in tuned:
        metric = cell.row.metric
        best_at_rate: dict[float, tuple[float, float]] = {}
        for point in cell.points:
            summary = point.summary(metric)
            rate = point.values["learning_rate"]
            if summary.n and summary.mean > best_at_rate.get(rate, (-math.inf,))[0]:
                best_at_rate[rate] = (summary.mean, summary.std if summary.n > 1 else 0.0)
        rates = sorted(best_at_rate)
        means, deviations = zip(*(best_at_rate[rate] for rate in rates))
        axes.errorbar(rates, means, deviations, capsize=3, **_style(cell), marker="o", ms=4)
        chosen = cell.best.values["learning_rate"], cell.summary.mean
        axes.plot(*chosen, "o", ms=10, mfc="none", color=_style(cell)["color"])
        drawn += means
    axes.set_xscale("log")
    _mark_rates(axes, tuned)
    axes.set_xlabel("learning rate (ring: the best)")
    axes.set_ylabel(f"test {tuned[0].row.metric}")
    style.accuracy_axis(axes, drawn, top(tuned[0].row.metric))
    return style.as_svg(figure, axes)


def _against_epoch(
    table: TableReport,
    lines: Sequence[tuple[str, Callable[[Cell], str], str]],
    label: str,
    accuracy: bool,
) -> str | None:
    figure, axes = style.new_figure()
    drawn: list[float] = []
    styles = _styles(table)
    for cell in table.cells:
        for kind, value, dashes in lines:
            curve = _mean_curve(cell.best.runs if cell.best else (), kind, value(cell))
            if not curve:
                continue
            epochs = [epoch for epoch, *_ in curve]
            middle = [mean for _, mean, _ in curve]
            low = [max(mean - std, mean / 10) for _, mean, std in curve]
            high = [mean + std for _, mean, std in curve]
            look = dict(styles[cell.row.name])
            look["label"] = look["label"] if dashes == "-" else None
            axes.plot(epochs, middle, dashes, **look)
            if dashes == "-" and any(std for *_, std in curve):
                axes.fill_between(epochs, low, high, color=look["color"], alpha=0.15, lw=0)
            drawn += middle
    if not drawn:
        return None
    text = table.cells[0].row.training_examples is None
    axes.set_xlabel("share of the run's examples" if text else "epoch")
    axes.set_ylabel(label)
    if accuracy:
        # The first evaluations, near chance, would squeeze the rest.
        shown = sorted(drawn)[len(drawn) // 30 :]
        style.accuracy_axis(axes, shown, top(table.cells[0].row.metric))
    elif max(drawn) > 2 * min(drawn) > 0:
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        digits = (1, 2, 5) if high / low > 10 else (1, 1.5, 2, 3, 4, 5, 7)
        ticks = [digit * 10.0**power for power in range(-8, 8) for digit in digits]
        axes.set_yticks([tick for tick in ticks if low <= tick <= high])
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
    return style.as_svg(figure, axes)


def _mean_curve(runs: Sequence[Run], kind: str, value: str) -> list[tuple[float, float, float]]:
    """[(epoch, mean, standard deviation or 0)] over the finished runs, where all have a value."""
    curves = [dict(run.curve(kind, value)) for run in runs if run.status == "finished"]
    curves = [curve for curve in curves if curve]
    if not curves:
        return []
    shared = sorted(set.intersection(*(set(curve) for curve in curves)))
    points = []
    for epoch in shared:
        summary = summarize(curve[epoch] for curve in curves)
        points.append((epoch, summary.mean, summary.std if summary.n > 1 else 0.0))
    return points


def _metric(cell: Cell) -> str:
    return cell.row.metric


def _loss(cell: Cell) -> str:
    return "loss"


def top(metric: str) -> float:
    return 100.0 if metric in PERCENTAGES else 1.0


def _style(cell: Cell) -> dict:
    colour = style.COLOURS.get(cell.row.optimizer, style.OTHER_COLOUR)
    return {
        "color": colour,
        "label": cell.row.label,
        "lw": 2.2 if cell.row.optimizer == "lamb" else 1.4,
    }


def _styles(table: TableReport) -> dict[str, dict]:
    """row name -> style: a colour an optimizer, or shades of a scale where rows share theirs."""
    shown = [cell for cell in table.cells if cell.best]
    names = [cell.row.optimizer for cell in shown]
    styles = {cell.row.name: _style(cell) for cell in shown}
    if len(set(names)) < len(names):
        import matplotlib

        colours = matplotlib.colormaps["viridis"]
        for number, cell in enumerate(shown):
            shade = colours(0.95 * number / max(len(shown) - 1, 1))
            styles[cell.row.name].update(color=shade, lw=1.4)
    return styles


def _mark_rates(axes, cells: Sequence[Cell]) -> None:
    """Labels the rates that were tried, where these are few."""
    rates = sorted({p.values["learning_rate"] for c in cells for p in c.points if p.runs})
    if len(rates) <= 6:
        axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
        axes.minorticks_off()
