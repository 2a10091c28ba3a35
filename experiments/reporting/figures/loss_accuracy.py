"""Figure 5: validation loss against accuracy, a point a run: is the lower loss the better model?"""

from __future__ import annotations

from typing import NamedTuple

from largebatch.experiments.plots import chart, style
from largebatch.experiments.plots.axis import ACCURACY, LINEAR, LOG, Axis
from largebatch.experiments.plots.chart import Point, Series
from largebatch.experiments.records.reader import Run, finite_number
from largebatch.experiments.reporting.figures import run_curves
from largebatch.experiments.reporting.model.cells import Report

FEWEST = 5  # points that are worth a picture


class Cloud(NamedTuple):
    """Finished runs of one model on one data set, whose losses can be compared."""

    model: str
    dataset: str
    scale: str
    metric: str
    runs: list[Run]

    @property
    def points(self) -> list[tuple[float, float]]:
        """[(validation loss, accuracy)] at the runs' ends."""
        return [(run.metrics["loss"], run.metrics[self.metric]) for run in self.runs]


def clouds(report: Report, scale: str) -> list[Cloud]:
    """The runs of images that fill cells at that scale, each once, by model and data set."""
    found: dict[tuple[str, str, str], dict[str, Run]] = {}
    for table in report.tables:
        for cell in table.cells if table.scale == scale else ():
            if cell.row.task != "classification":
                continue
            key = (cell.row.model, cell.row.dataset, cell.row.metric)
            for run in cell.runs:
                values = (run.metrics.get("loss"), run.metrics.get(cell.row.metric))
                if run.status == "finished" and all(map(finite_number, values)):
                    found.setdefault(key, {})[run.folder] = run
    return [
        Cloud(model, dataset, scale, metric, list(runs.values()))
        for (model, dataset, metric), runs in found.items()
        if len(runs) >= FEWEST
    ]


def draw(cloud: Cloud) -> str:
    by_optimizer: dict[str, list[Point]] = {}
    for run, (loss, value) in zip(cloud.runs, cloud.points):
        by_optimizer.setdefault(str(run.row.get("optimizer")), []).append(
            Point(loss, value, note=f"{run.name}, seed {run.seed}")
        )
    losses = [loss for loss, _ in cloud.points]
    wide = min(losses) > 0 and max(losses) / min(losses) > 10
    return chart.draw(
        [
            Series(name, points, style.colour_of(name), line=False, mark=style.mark_of(name))
            for name, points in by_optimizer.items()
        ],
        Axis("validation loss at the end, nats", LOG if wide else LINEAR),
        Axis(f"test {cloud.metric}", ACCURACY, run_curves.top(cloud.metric)),
        f"{cloud.model} on {cloud.dataset}: test {cloud.metric} against the validation loss",
        f"A point a run, n = {len(cloud.runs)} runs of all seeds and settings.",
    )
