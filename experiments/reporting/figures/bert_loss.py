"""The paper's figures of BERT's training loss, from folders of runs.

    python -m largebatch.experiments.figures --runs=results --scale=laptop --output_dir=figures

Figure 6: LAMB from batch 512 to 32K, against the share of the run's examples. Figure 7: the mixed
batch 64K/32K, and beside it the runs with NVIDIA's rates or without re-warm-up, where there are
any.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from largebatch import cli
from largebatch.experiments.plots import chart, style
from largebatch.experiments.plots.axis import Axis
from largebatch.experiments.plots.chart import Point, Series
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.match import differences, row_of
from largebatch.experiments.records.reader import ENDED, Run
from largebatch.experiments.reporting.figures import run_curves
from largebatch.experiments.reporting.model.cells import Report, gather
from largebatch.experiments.rows import scale
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.batch_sizes import BATCHES

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.path("runs", None, "The folder of runs.")
define.enum("scale", "paper", scale.ALL_SCALES, "The scale of the runs to show.")
define.output_folder("output_dir", None, "Where to write the pictures.")

TABLE = "table1"  # whose rows the figures show
MIXED = f"{TABLE}/lamb-65536-32768"
KINDS = {MIXED: "the paper's rules", f"{MIXED}-nvidia": "NVIDIA's rates"}
SMOOTHED = 20  # points that a curve is averaged down to, so that small batches can be read


def main() -> int:
    cli.require(FLAGS, "runs", "output_dir")
    if not os.path.isdir(FLAGS.runs):
        raise UserError(f"--runs={FLAGS.runs}: there is no such folder")
    runs = ended(gather(FLAGS.runs, [TABLE]), FLAGS.scale)
    found = {name: curves(name, runs) for name in FIGURES}
    if not any(found.values()):
        raise UserError(
            f"--runs={FLAGS.runs}: none of the figures' runs is there at {FLAGS.scale} scale"
        )
    os.makedirs(FLAGS.output_dir, exist_ok=True)
    for name, (title, _) in FIGURES.items():
        if not found[name]:
            print(f"{name}: none of its runs is there at {FLAGS.scale} scale")
            continue
        path = os.path.join(FLAGS.output_dir, f"{name}-{FLAGS.scale}.svg")
        with open(path, "w", encoding="utf-8") as file:
            file.write(chart.as_file(draw(found[name], title)))
        print(f"wrote {path}")
    return 0


def ended(report: Report, scale: str) -> list[Run]:
    """The report's runs of Table 1 at that scale, and those with settings changed by hand."""
    tables = [t for t in report.tables if t.table == TABLE and t.scale == scale]
    runs = [run for table in tables for cell in table.cells for run in cell.runs]
    changed = [o for o in report.overridden if o.row.scale == scale]
    runs += [run for one in changed if one.row.table == TABLE for run in one.point.runs]
    return [run for run in runs if run.status in ENDED]


class Curve(NamedTuple):
    """The mean over seeds of the training loss, against the share of the run's examples."""

    label: str
    points: list[Point]
    seeds: int
    second_stage: float | None  # the share at which it begins


def curves(figure: str, runs: Sequence[Run]) -> list[Curve]:
    """Of one of FIGURES, those that have points."""
    _, curves_of = FIGURES[figure]
    return [curve for curve in curves_of(runs) if curve.points]


def batch_sizes(runs: Sequence[Run]) -> list[Curve]:
    """Of Figure 6: one a batch size, as its row says."""
    found = []
    for batch in BATCHES:
        row = registry.find(f"{TABLE}/lamb-{batch}")
        named = [run for run in runs if run.name == row.name and not run.overrides]
        current = [run for run in named if not differences(run, registry.scaled(row, run.scale))]
        if current:
            at_scale = registry.scaled(row, current[0].scale)
            found.append(_curve(f"batch {at_scale.batch_size}", at_scale, current))
    return found


def mixed_batch(runs: Sequence[Run]) -> list[Curve]:
    """Of Figure 7: the mixed batch's rows, and its ablation."""
    mixed: dict[str, tuple[Row, list[Run]]] = {}
    known = [(row, run) for run in runs if (row := row_of(run)) and row.name in KINDS]
    for row, run in sorted(known, key=lambda pair: (pair[0].name, len(pair[1].overrides))):
        if not {*run.overrides, *differences(run, row)} - {"rewarmup"}:
            ablation = "" if run.row["rewarmup"] else ", no re-warm-up"
            mixed.setdefault(KINDS[row.name] + ablation, (row, []))[1].append(run)
    return [_curve(label, *found) for label, found in mixed.items()]


def _curve(label: str, row: Row, runs: Sequence[Run]) -> Curve:
    """Of the runs that finished; where none did, of the first seed, as far as it came."""
    finished = [run for run in runs if run.status == "finished"]
    shown = finished or [min(runs, key=lambda run: run.seed)]
    lines = [line for line in map(smoothed, shown) if line]
    examples = [stage.steps * stage.batch_size for stage in row.stages]
    begins = examples[0] / sum(examples) if len(examples) == 2 else None
    return Curve(label, run_curves.mean_curve(lines), len(lines), begins)


def smoothed(run: Run) -> list[tuple[float, float]]:
    """The mean training loss of each of about SMOOTHED equal parts, at the part's end."""
    points = run.curve("train_history", "loss")
    size = max(1, len(points) // SMOOTHED)
    blocks = [points[start : start + size] for start in range(0, len(points), size)]
    return [(block[-1][0], sum(loss for _, loss in block) / len(block)) for block in blocks]


# {name: (title, its curves)}
FIGURES = {
    "figure6": ("Training loss, by batch size", batch_sizes),
    "figure7": ("Training loss, by rates and re-warm-up", mixed_batch),
}


def draw(shown: Sequence[Curve], title: str) -> str:
    """Batch sizes in the colours of an ordered scale; other curves each in one of its own."""
    ordered = all(curve.label.startswith("batch ") for curve in shown)
    colours = style.shades(len(shown)) if ordered else style.SERIES
    series = [
        Series(curve.label, curve.points, colour, band=True)
        for curve, colour in zip(shown, colours)
    ]
    begins = shown[0].second_stage
    if begins is not None:
        losses = [point.y for curve in shown for point in curve.points]
        line = [Point(begins, end(losses)) for end in (min, max)]
        border = Series("second stage begins", line, style.OTHER_COLOUR, dash="3 3", width=1.2)
        series.insert(0, border)
    band = run_curves.deviations(curve.seeds for curve in shown)
    return chart.draw(
        series,
        Axis("share of the run's examples"),
        Axis("training loss, nats"),
        title,
        f"Band: {band} Each point is the mean of about a {SMOOTHED}th of the run.",
    )


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
