"""Figures 9 to 14: LAMB's trust ratio of each layer, at six iterations of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from largebatch.experiments.plots import chart, style
from largebatch.experiments.plots.axis import LOG, Axis
from largebatch.experiments.plots.chart import Point, Series
from largebatch.experiments.records.reader import Run, finite_number, logged
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
        records = [record for record in logged(run.folder) if record.get("kind") == "layers"]
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
    """One figure: a bar a layer from ratio 1; `lowest` and `highest` are of all iterations."""
    adapted, others = [], []
    for place, ratio in enumerate(layers.ratios.values()):
        # A layer that is not adapted, such as a bias, has a ratio of exactly 1.
        point = Point(ratio if ratio > 0 else lowest, place)
        (others if ratio == 1 else adapted).append(point)
    looks = (("adapted by LAMB", adapted, "lamb"), ("not adapted: 1", others, ""))
    return chart.draw(
        [
            Series(name, points, style.colour_of(colour), line=False, stem=1, mark="circle")
            for name, points, colour in looks
            if points
        ],
        Axis("trust ratio", LOG, low=lowest / 1.5, high=highest * 1.5),
        Axis(names=list(layers.ratios)),
        f"Trust ratio of each layer at iteration {layers.step}",
        "Of one run: its layers from the input, above, to the output.",
    )


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
