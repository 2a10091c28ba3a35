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

BY_OPTIMIZER = ("table3", "table6", "table7", "figure1", "figure2", "figure3", "lstm")
MOST_CURVES = 12  # that can be told apart in one picture
DISAGREEING = "In {:.0%} of the pairs of its {} runs, the one with the lower loss is less accurate"


class Picture(NamedTuple):
    name: str  # of its file, without the ending
    caption: str
    svg: str


def of_table(table: TableReport) -> list[Picture]:
    """A table's own pictures; [] where there is nothing to draw."""
    if table.table == "figure9":
        return _trust_ratios(table)
    tried = sum(bool(point.runs) for cell in table.cells for point in cell.points)
    few = sum(bool(cell.best) for cell in table.cells) <= MOST_CURVES
    drawn = [
        ("batches", "Accuracy over batch sizes", batches.over_batches(table)),
        ("optimizers", "Accuracy by optimizer",
         batches.by_optimizer(table) if table.table in BY_OPTIMIZER else None),
        ("accuracy", "Test metric over the run",
         run_curves.accuracy_curves(table) if few else None),
        ("loss", "Loss over the run", run_curves.loss_curves(table) if few else None),
        ("tuning", "Test metric against learning rate",
         run_curves.tuning_curves(table) if few and tried > len(table.cells) else None),
    ]  # fmt: skip
    return [
        Picture(f"{table.anchor}-{name}", caption, svg)
        for name, caption, svg in drawn
        if svg is not None
    ]


def of_tuning(tuning: TuningSet, cells: Sequence[Cell]) -> list[Picture]:
    svg = figures_tuning.draw(cells)
    scale = cells[0].row.scale
    caption = "Accuracy against learning rate" + ("" if scale == "paper" else f", {scale} scale")
    name = tuning.anchor if scale == "paper" else f"{tuning.anchor}-{scale}"
    return [Picture(f"{name}-rates", caption, svg)] if svg else []


def of_figure(
    number: str,
    report: Report,
    scale: str,
    tables: Sequence[TableReport],
    cells: Sequence[Cell],
) -> tuple[list[Picture], list[str]]:
    """(pictures, notes) of one of Figures 4 to 8 at one scale."""
    name = f"figure{number}" if scale == "paper" else f"figure{number}-{scale}"
    if number == "4":
        return _solvers(name, tables)
    if number == "5":
        return _losses(name, report, scale)
    if number == "8":
        return _efficiency(name, scale, cells)
    runs = [run for table in tables for cell in table.cells for run in cell.runs]
    runs += [r for o in report.overridden if o.row.scale == scale for r in o.point.runs]
    ended = [run for run in runs if run.status in ("finished", "diverged")]
    lines = bert_loss.batch_sizes(ended) if number == "6" else bert_loss.mixed_batch(ended)
    lines = [line for line in lines if line[1]]
    if not lines:
        return [], []
    caption = "Training loss, by " + ("batch size" if number == "6" else "rates and re-warm-up")
    notes = []
    if any(run.overrides for run in ended if number == "7"):
        notes = ["The curve without re-warm-up is an overridden run: an ablation, in no table."]
    return [Picture(name, caption, bert_loss.draw(lines))], notes


def _solvers(name: str, tables: Sequence[TableReport]) -> tuple[list[Picture], list[str]]:
    found = []
    for table in tables:
        for kind, caption, svg in (
            ("optimizers", "Test accuracy by optimizer", batches.by_optimizer(table)),
            ("accuracy", "Test accuracy against epoch", run_curves.accuracy_curves(table)),
        ):
            if svg is not None:
                found.append(Picture(f"{name}-{kind}", caption, svg))
    return found, []


def _losses(name: str, report: Report, scale: str) -> tuple[list[Picture], list[str]]:
    pictures, notes = [], []
    for cloud in loss_accuracy.clouds(report, scale):
        caption = f"{cloud.model} on {cloud.dataset}: {len(cloud.runs)} runs"
        stem = f"{name}-{cloud.model}-{cloud.dataset}"
        pictures.append(Picture(stem, caption, loss_accuracy.draw(cloud)))
        share = disagreeing(cloud.points)
        half = disagreeing(better_half(cloud.points))
        if share is not None:
            best = "" if half is None else f"; of the more accurate half of them, {half:.0%}"
            text = DISAGREEING.format(share, len(cloud.runs))
            notes.append(f"{cloud.model} on {cloud.dataset}: {text[0].lower()}{text[1:]}{best}.")
    if scale == "paper" and not pictures:
        notes = [f"Drawn from {loss_accuracy.FEWEST} finished runs of a model on."]
    return pictures, notes


def _efficiency(name: str, scale: str, cells: Sequence[Cell]) -> tuple[list[Picture], list[str]]:
    if scale != "paper":
        return [], []
    notes = ["The model's points are predictions of a fit to four of these rows, not runs."]
    return [Picture(name, "Scaling efficiency by number of TPUs", efficiency.draw(cells))], (notes)


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
