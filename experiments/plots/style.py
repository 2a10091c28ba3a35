"""The look of every picture: an optimizer's colour and mark, ordered colours, matplotlib's panels.

The same values give the same bytes. Nothing here imports matplotlib before panels are made; the
report's pictures (chart) need none.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours for the paper's six optimizers, and three that keep their distance for
# LAMB's variants: told apart by the colour-blind, on white and on a dark page (a test measures it).
COLOURS = {
    "momentum": "#0072B2",
    "adagrad": "#E69F00",
    "adam": "#009E73",
    "adamw": "#CC79A7",
    "lamb": "#D55E00",
    "lars": "#56B4E9",
    "nlamb": "#B02828",
    "nnlamb": "#0890F8",
    "nadam": "#3040F8",
}
OTHER_COLOUR = "#7A828C"
_SAME = {"bert_adamw": "adamw", "tfa_lamb": "lamb", "sgd": "momentum"}
_MARKS = ("square", "triangle", "down", "diamond", "circle", "pentagon")  # in the order of COLOURS
SERIES = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#555555")  # lines of no optimizer
# What is ordered, batch sizes, from small to large; without the pale end of the usual maps.
_ORDERED = ((75, 74, 224), (154, 63, 192), (209, 71, 138), (238, 122, 69), (232, 167, 12))


def colour_of(optimizer: str) -> str:
    """The optimizer's colour, the same in every picture."""
    return COLOURS.get(_SAME.get(optimizer, optimizer), OTHER_COLOUR)


def mark_of(optimizer: str) -> str:
    """The shape of the optimizer's points: it tells them apart without colour."""
    name = _SAME.get(optimizer, optimizer)
    return _MARKS[list(COLOURS).index(name) % len(_MARKS)] if name in COLOURS else "circle"


def shades(count: int) -> list[str]:
    """So many colours of one scale, for what is ordered: batch sizes."""
    found = []
    for number in range(count):
        place = number / max(count - 1, 1) * (len(_ORDERED) - 1)
        first = min(int(place), len(_ORDERED) - 2)
        share = place - first
        pairs = zip(_ORDERED[first], _ORDERED[first + 1])
        found.append("#" + "".join(f"{round(a + share * (b - a)):02X}" for a, b in pairs))
    return found


def new_panels(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """(figure, its axes row by row), in the style of the other pictures."""
    import matplotlib

    matplotlib.use("agg")
    # The same bytes for the same runs; letters as text, a third of the size of their outlines.
    matplotlib.rcParams.update(
        {"svg.hashsalt": "largebatch", "svg.fonttype": "none", "font.size": 10}
    )
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    panels = []
    for number in range(rows * columns):
        axes = figure.add_subplot(rows, columns, number + 1)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(True, color="#e4e4e4", lw=0.8)
        axes.set_axisbelow(True)
        panels.append(axes)
    return figure, panels


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
