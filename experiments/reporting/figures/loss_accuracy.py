"""Figure 5: validation loss against accuracy, a point a run: is the lower loss the better model?"""

from __future__ import annotations

from typing import NamedTuple

from largebatch.experiments.plots import style
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
    figure, axes = style.new_figure()
    by_optimizer: dict[str, list[tuple[float, float]]] = {}
    for run, point in zip(cloud.runs, cloud.points):
        by_optimizer.setdefault(str(run.row.get("optimizer")), []).append(point)
    for optimizer, points in by_optimizer.items():
        colour = style.COLOURS.get(optimizer, style.OTHER_COLOUR)
        axes.plot(*zip(*points), "o", ms=5, alpha=0.75, mew=0, color=colour, label=optimizer)
    losses = [loss for loss, _ in cloud.points if loss > 0]
    if losses and max(losses) / min(losses) > 10 and len(losses) == len(cloud.points):
        axes.set_xscale("log")
    axes.set_xlabel("validation loss at the end")
    axes.set_ylabel(f"test {cloud.metric}")
    style.accuracy_axis(axes, [value for _, value in cloud.points], run_curves.top(cloud.metric))
    return style.as_svg(figure, axes)
