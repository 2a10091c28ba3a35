"""What an analysis leaves behind: a picture, and the numbers in it as JSON; the same bytes for the
same numbers."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Iterable, Sequence
from typing import Any

from largebatch.experiments.errors import UserError

COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#555555")  # Okabe and Ito's


def write(folder: str, name: str, record: dict[str, Any], picture: str) -> None:
    """Writes NAME.json and NAME.svg in `folder`, and says so."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(f"{path}.json", "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1, allow_nan=False)
        file.write("\n")
    with open(f"{path}.svg", "w", encoding="utf-8") as file:
        file.write(picture)
    print(f"wrote {path}.svg and {path}.json")


def numbers(flag: str, texts: Iterable[str], kind: type) -> list:
    """The positive numbers of a flag's list, in its order; at least one."""
    try:
        values = [kind(text) for text in texts]
    except ValueError:
        values = []
    if not values or not all(math.isfinite(value) and value > 0 for value in values):
        wanted = "whole numbers" if kind is int else "numbers"
        raise UserError(f"--{flag}={','.join(texts)}: want positive {wanted}, separated by commas")
    return values


def new_panels(rows: int, columns: int, size: tuple[float, float]):
    """(figure, its axes row by row), in the style of the other pictures."""
    from largebatch.experiments import curves

    figure, first = curves.new_figure()
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


def batch_axis(axes, batches: Sequence[int]) -> None:
    """A logarithmic axis that names the batch sizes."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(batches, [str(batch) for batch in batches])
    axes.minorticks_off()
    axes.set_xlabel("batch size")


def svg_of(figure, panels: Sequence) -> str:
    """The SVG file's text, with a legend where a panel has labels."""
    for axes in panels:
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=8.5)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": "largebatch"})
    return text.getvalue()
