"""Pictures of a table's runs: accuracy and loss against epoch, accuracy against the learning rate.

Each returns an SVG file's text, or None where there is nothing to draw; the same runs give the same
bytes. Where accuracies span much, their axis is the logarithm of the error, so that 0.993 and
0.994 can be told apart.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from largebatch.experiments.report_model import Cell, TableReport
from largebatch.experiments.runs import Run
from largebatch.experiments.selection import summarize

# Okabe and Ito's colours, told apart by the colour-blind too; by optimizer, LAMB's the strongest.
COLOURS = {
    "momentum": "#0072B2",
    "adagrad": "#E69F00",
    "adam": "#009E73",
    "adamw": "#CC79A7",
    "lamb": "#D55E00",
    "lars": "#56B4E9",
    "nlamb": "#882255",
    "nnlamb": "#999933",
    "nadam": "#332288",
}
OTHER_COLOUR = "#555555"
TICKS = (0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)  # of the best value
SIZE = (4.6, 3.4)  # inches: legible at a phone's width
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
    figure, axes = new_figure()
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
    accuracy_axis(axes, drawn, top(tuned[0].row.metric))
    return as_svg(figure, axes)


def _against_epoch(
    table: TableReport,
    lines: Sequence[tuple[str, Callable[[Cell], str], str]],
    label: str,
    accuracy: bool,
) -> str | None:
    figure, axes = new_figure()
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
            style = dict(styles[cell.row.name])
            style["label"] = style["label"] if dashes == "-" else None
            axes.plot(epochs, middle, dashes, **style)
            if dashes == "-" and any(std for *_, std in curve):
                axes.fill_between(epochs, low, high, color=style["color"], alpha=0.15, lw=0)
            drawn += middle
    if not drawn:
        return None
    text = table.cells[0].row.training_examples is None
    axes.set_xlabel("share of the run's examples" if text else "epoch")
    axes.set_ylabel(label)
    if accuracy:
        # The first evaluations, near chance, would squeeze the rest.
        shown = sorted(drawn)[len(drawn) // 30 :]
        accuracy_axis(axes, shown, top(table.cells[0].row.metric))
    elif max(drawn) > 2 * min(drawn) > 0:
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        digits = (1, 2, 5) if high / low > 10 else (1, 1.5, 2, 3, 4, 5, 7)
        ticks = [digit * 10.0**power for power in range(-8, 8) for digit in digits]
        axes.set_yticks([tick for tick in ticks if low <= tick <= high])
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
    return as_svg(figure, axes)


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
    colour = COLOURS.get(cell.row.optimizer, OTHER_COLOUR)
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


def new_figure():
    import matplotlib

    matplotlib.use("agg")
    # The same bytes for the same runs; letters as text, a third of the size of their outlines.
    matplotlib.rcParams.update(
        {"svg.hashsalt": "largebatch", "svg.fonttype": "none", "font.size": 10}
    )
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="#e4e4e4", lw=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def accuracy_axis(axes, values: Sequence[float], top: float) -> None:
    """Shows `values`; where their errors span much, on the logarithm of top - value."""
    low, high = min(values), min(max(values), top * (1 - 1e-5))
    worst, least = top - low, top - high
    if worst / least < 3:
        return
    axes.set_yscale("function", functions=(_log_error(top), _from_log_error(top)))
    axes.set_ylim(max(0.0, top - 1.3 * worst), top - least / 1.25)
    bottom, ceiling = axes.get_ylim()
    axes.set_yticks([t * top for t in TICKS if bottom <= t * top <= ceiling])
    axes.yaxis.set_major_formatter("{x:g}")


def _log_error(top: float):
    return lambda value: -np.log10(np.maximum(top - value, 1e-5 * top))


def _from_log_error(top: float):
    return lambda logarithm: top - 10.0**-logarithm


def _mark_rates(axes, cells: Sequence[Cell]) -> None:
    """Labels the rates that were tried, where these are few."""
    rates = sorted({p.values["learning_rate"] for c in cells for p in c.points if p.runs})
    if len(rates) <= 6:
        axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
        axes.minorticks_off()


def as_svg(figure, axes, columns: int = 2) -> str:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(handles, labels, frameon=False, fontsize=8.5, ncols=columns)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": "largebatch"})
    return _PATH.sub(_rounded, _UNSEEN.sub("", text.getvalue()))


_UNSEEN = re.compile(r" *<metadata>.*?</metadata>\n| *<!--[^>]*-->\n", re.DOTALL)
_PATH = re.compile(r' d="[^"]*"')
_LONG = re.compile(r"-?\d+\.\d{3,}")


def _rounded(path: re.Match) -> str:
    """A hundredth of a point is less than can be seen, and half of the file."""
    return _LONG.sub(lambda number: f"{float(number[0]):.2f}", path[0])
