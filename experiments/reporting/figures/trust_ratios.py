"""Figures 9 to 14: LAMB's trust ratio of each layer, at six iterations of a run."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from largebatch.experiments.plots import style
from largebatch.experiments.records.reader import Run, finite_number
from largebatch.experiments.records.result import spread
from largebatch.experiments.reporting.model.cells import Cell

FIGURES = range(9, 15)


class Layers(NamedTuple):
    """The trust ratios of one iteration, in the order of the model's variables."""

    step: int
    epoch: float | None
    ratios: dict[str, float]  # variable path -> trust ratio


def iterations(run: Run) -> list[Layers]:
    """Up to six iterations of the run: of its result, else of its log of metrics."""
    records = run.record.get("layers")
    if not isinstance(records, list) or not records:
        records = _logged(run.folder)
    found = [layers for record in records if (layers := _layers(record)) is not None]
    return spread(found, len(FIGURES))


def shown_run(cells: Sequence[Cell]) -> Run | None:
    """The first run of the cells that tells of its layers, the best point's first."""
    for cell in cells:
        for run in (*(cell.best.runs if cell.best else ()), *cell.runs):
            if iterations(run):
                return run
    return None


def draw(layers: Layers, highest: float, lowest: float) -> str:
    """One figure: a bar a layer; `lowest` and `highest` are of all iterations, on one axis."""
    figure, axes = style.new_figure()
    figure.set_size_inches(4.6, 2.9)
    ratios = list(layers.ratios.values())
    positive = [ratio if ratio > 0 else lowest for ratio in ratios]
    # A layer that is not adapted, such as a bias, has a ratio of exactly 1.
    colours = ["#9aa3af" if ratio == 1 else style.COLOURS["lamb"] for ratio in ratios]
    axes.bar(range(1, len(ratios) + 1), positive, width=0.8, color=colours)
    axes.axhline(1, color="#555555", lw=0.9, ls=":")
    axes.set_yscale("log")
    axes.set_ylim(lowest / 2, highest * 2)
    axes.set_xlabel("layer: the variables, input to output")
    axes.set_ylabel("trust ratio")
    return style.as_svg(figure, axes)


def span(panels: Sequence[Layers]) -> tuple[float, float]:
    """(the lowest, the highest) positive ratio of all."""
    ratios = [r for layers in panels for r in layers.ratios.values() if r > 0] or [1.0]
    return min(ratios), max(ratios)


def _layers(record: Any) -> Layers | None:
    """None where the record is not one of layers."""
    if not isinstance(record, dict) or not isinstance(record.get("layers"), dict):
        return None
    step, epoch = record.get("step"), record.get("epoch")
    if not finite_number(step):
        return None
    ratios = {}
    for path, values in record["layers"].items():
        if isinstance(values, list) and len(values) == 3 and finite_number(values[2]):
            ratios[str(path)] = values[2]
    return Layers(int(step), epoch if finite_number(epoch) else None, ratios) if ratios else None


def _logged(folder: str) -> list[Any]:
    """The records of metrics.jsonl that hold layers; [] where there is no such file."""
    try:
        with open(os.path.join(folder, "metrics.jsonl"), encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, ValueError):
        return []
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            break  # cut by a crash
        if isinstance(record, dict) and record.get("kind") == "layers":
            records.append(record)
    return records
