"""The look of every picture: colours, a figure with its axes, an axis for accuracies, the SVG file.

The same values give the same bytes. Nothing here imports matplotlib before a picture is drawn.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
SERIES = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#555555")  # lines of no optimizer
OTHER_COLOUR = "#555555"
TICKS = (0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)  # of the best value
SIZE = (4.6, 3.4)  # inches: legible at a phone's width


def new_figure() -> tuple[Figure, Axes]:
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


def accuracy_axis(axes: Axes, values: Sequence[float], top: float) -> None:
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


def as_svg(figure: Figure, axes: Axes, columns: int = 2) -> str:
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


def new_panels(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """(figure, its axes row by row), in the style of the other pictures."""
    figure, first = new_figure()
    figure.set_size_inches(size)
    first.remove()
    panels = []
    for number in range(rows * columns):
        axes = figure.add_subplot(rows, columns, number + 1)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(True, color="#e4e4e4", lw=0.8)
        axes.set_axisbelow(True)
        panels.append(axes)
    return figure, panels


def shades(count: int) -> list:
    """So many colours of one scale, for what is ordered: batch sizes."""
    import matplotlib

    scale = matplotlib.colormaps["viridis"]
    return [scale(0.95 * number / max(count - 1, 1)) for number in range(count)]


def batch_axis(axes: Axes, batches: Sequence[int]) -> None:
    """A logarithmic axis that names the batch sizes."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(batches, [str(batch) for batch in batches])
    axes.minorticks_off()
    axes.set_xlabel("batch size")


def svg_of(figure: Figure, panels: Sequence) -> str:
    """The SVG file's text, with a legend where a panel has labels."""
    for axes in panels:
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=8.5)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": "largebatch"})
    return text.getvalue()
