"""Which pictures an entry of the page has: the paper's figures, and curves beside its tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from largebatch.experiments.claims.statistics import better_half, disagreeing
from largebatch.experiments.reporting.figures import (
    batches,
    bert_loss,
    efficiency,
    loss_accuracy,
    run_curves,
    trust_ratios,
)
from largebatch.experiments.reporting.figures import tuning as figures_tuning
from largebatch.experiments.reporting.figures.tuning import TuningSet
from largebatch.experiments.reporting.model.cells import Cell, Report, TableReport

MOST_CURVES = 12  # that can be told apart in one picture
DISAGREEING = "In {:.0%} of the pairs of its {} runs, the one with the lower loss is less accurate"


class Picture(NamedTuple):
    name: str  # of its file, without the ending
    caption: str
    svg: str


def of_table(table: TableReport) -> list[Picture]:
    """A table's own pictures; [] where there is nothing to draw."""
    if table.layout.layers:
        return _trust_ratios(table)
    tried = sum(bool(point.runs) for cell in table.cells for point in cell.points)
    few = sum(bool(cell.best) for cell in table.cells) <= MOST_CURVES
    drawn = [
        ("batches", "Accuracy over batch sizes", batches.over_batches, True),
        ("optimizers", "Accuracy by row", batches.by_optimizer, table.layout.by_row),
        ("accuracy", "Test metric over the run", run_curves.accuracy_curves, few),
        ("loss", "Loss over the run", run_curves.loss_curves, few),
        ("tuning", "Test metric against learning rate", run_curves.tuning_curves,
         few and tried > len(table.cells)),
    ]  # fmt: skip
    return [
        Picture(f"{table.anchor}-{name}", caption, svg)
        for name, caption, draw, wanted in drawn
        if wanted and (svg := draw(table)) is not None
    ]


def of_tuning(tuning: TuningSet, cells: Sequence[Cell]) -> list[Picture]:
    svg = figures_tuning.draw(cells)
    scale = cells[0].row.scale
    caption = "Accuracy against learning rate" + ("" if scale == "paper" else f", {scale} scale")
    name = tuning.anchor if scale == "paper" else f"{tuning.anchor}-{scale}"
    return [Picture(f"{name}-rates", caption, svg)] if svg else []


class Asked(NamedTuple):
    """One of Figures 4 to 8 at one scale: what it may be drawn from."""

    name: str  # of its file
    report: Report
    scale: str
    tables: Sequence[TableReport]
    cells: Sequence[Cell]


Drawn = tuple[list[Picture], list[str]]  # pictures, notes


def losses_of_bert(asked: Asked) -> Drawn:
    """Figures 6 and 7."""
    figure = asked.name.partition("-")[0]
    title, curves_of = bert_loss.FIGURES[figure]
    runs = bert_loss.ended(asked.report, asked.scale)
    curves = bert_loss.curves(figure, runs)
    if not curves:
        return [], []
    changed = curves_of is bert_loss.mixed_batch and any(run.overrides for run in runs)
    notes = ["The curve without re-warm-up is an overridden run: an ablation, in no table."]
    return [Picture(asked.name, title, bert_loss.draw(curves, title))], notes if changed else []


def solvers(asked: Asked) -> Drawn:
    """Figure 4."""
    found = []
    for table in asked.tables:
        for kind, caption, svg in (
            ("optimizers", "Test accuracy by optimizer", batches.by_optimizer(table)),
            ("accuracy", "Test accuracy against epoch", run_curves.accuracy_curves(table)),
        ):
            if svg is not None:
                found.append(Picture(f"{asked.name}-{kind}", caption, svg))
    return found, []


def losses_and_accuracies(asked: Asked) -> Drawn:
    """Figure 5."""
    pictures, notes = [], []
    for cloud in loss_accuracy.clouds(asked.report, asked.scale):
        caption = f"{cloud.model} on {cloud.dataset}: {len(cloud.runs)} runs"
        stem = f"{asked.name}-{cloud.model}-{cloud.dataset}"
        pictures.append(Picture(stem, caption, loss_accuracy.draw(cloud)))
        share = disagreeing(cloud.points)
        half = disagreeing(better_half(cloud.points))
        if share is not None:
            best = "" if half is None else f"; of the more accurate half of them, {half:.0%}"
            text = DISAGREEING.format(share, len(cloud.runs))
            notes.append(f"{cloud.model} on {cloud.dataset}: {text[0].lower()}{text[1:]}{best}.")
    if asked.scale == "paper" and not pictures:
        notes = [f"Drawn from {loss_accuracy.FEWEST} finished runs of a model on."]
    return pictures, notes


def scaling_efficiency(asked: Asked) -> Drawn:
    """Figure 8."""
    if asked.scale != "paper":
        return [], []
    notes = ["The model's points are predictions of a fit to four of these rows, not runs."]
    caption = "Scaling efficiency by number of TPUs"
    return [Picture(asked.name, caption, efficiency.draw(asked.cells))], notes


def _trust_ratios(table: TableReport) -> list[Picture]:
    run = trust_ratios.shown_run(table.cells)
    if run is None:
        return []
    panels = trust_ratios.iterations(run)
    lowest, highest = trust_ratios.span(panels)
    pictures = []
    for number, layers in zip(trust_ratios.FIGURES, panels):
        name = f"figure{number}" if table.scale == "paper" else f"figure{number}-{table.scale}"
        epoch = "" if layers.epoch is None else f", epoch {layers.epoch:g}"
        caption = f"Figure {number}: iteration {layers.step}{epoch}, {len(layers.ratios)} layers"
        pictures.append(Picture(name, caption, trust_ratios.draw(layers, highest, lowest)))
    return pictures
