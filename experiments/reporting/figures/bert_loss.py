"""The paper's figures of BERT's training loss, from folders of runs.

    python -m largebatch.experiments.figures --runs=results --scale=laptop --output_dir=figures

Figure 6: LAMB from batch 512 to 32K, against the share of the run's examples. Figure 7: the mixed
batch 64K/32K, and beside it the runs with NVIDIA's rates or without re-warm-up, where there are
any.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from largebatch import cli
from largebatch.experiments.plots import chart, style
from largebatch.experiments.plots.axis import Axis
from largebatch.experiments.plots.chart import Point, Series
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.match import differences, row_of
from largebatch.experiments.records.reader import ENDED, Run
from largebatch.experiments.reporting.model.cells import Report, gather
from largebatch.experiments.rows import scale
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
    found = {name: lines_of(runs) for name, (_, lines_of) in FIGURES.items()}
    if not any(found.values()):
        raise UserError(
            f"--runs={FLAGS.runs}: none of the figures' runs is there at {FLAGS.scale} scale"
        )
    os.makedirs(FLAGS.output_dir, exist_ok=True)
    for name, (title, _) in FIGURES.items():
        lines = found[name]
        if not lines:
            print(f"{name}: none of its runs is there at {FLAGS.scale} scale")
            continue
        path = os.path.join(FLAGS.output_dir, f"{name}-{FLAGS.scale}.svg")
        with open(path, "w", encoding="utf-8") as file:
            file.write(chart.as_file(draw(lines, title)))
        print(f"wrote {path}")
    return 0


def ended(report: Report, scale: str) -> list[Run]:
    """The report's runs of Table 1 at that scale, and those with settings changed by hand."""
    tables = [t for t in report.tables if t.table == TABLE and t.scale == scale]
    runs = [run for table in tables for cell in table.cells for run in cell.runs]
    changed = [o for o in report.overridden if o.row.scale == scale]
    runs += [run for one in changed if one.row.table == TABLE for run in one.point.runs]
    return [run for run in runs if run.status in ENDED]


def batch_sizes(runs: Sequence[Run]) -> list[tuple[str, list]]:
    """[(label, curve)] of Figure 6: one run a batch size, as its row says, the first seed."""
    lines = []
    for batch in BATCHES:
        row = registry.find(f"{TABLE}/lamb-{batch}")
        found = [run for run in runs if run.name == row.name and not run.overrides]
        current = [run for run in found if not differences(run, registry.scaled(row, run.scale))]
        for run in sorted(current, key=lambda run: run.seed)[:1]:
            lines.append((f"batch {run.row['batch_size']}", smoothed(run)))
    return lines


def mixed_batch(runs: Sequence[Run]) -> list[tuple[str, list]]:
    """[(label, curve)] of Figure 7: the mixed batch's rows, and its ablation."""
    lines = []
    mixed = [(row, run) for run in runs if (row := row_of(run)) and row.name in KINDS]
    for row, run in sorted(mixed, key=lambda pair: (pair[0].name, len(pair[1].overrides))):
        if {*run.overrides, *differences(run, row)} - {"rewarmup"} or run.seed:
            continue
        ablation = "" if run.row["rewarmup"] else ", no re-warm-up"
        lines.append((KINDS[row.name] + ablation, smoothed(run)))
    return lines


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


def draw(lines: Sequence[tuple[str, list]], title: str) -> str:
    """Batch sizes in the colours of an ordered scale; other curves each in one of its own."""
    ordered = all(label.startswith("batch ") for label, _ in lines)
    colours = style.shades(len(lines)) if ordered else style.SERIES
    return chart.draw(
        [
            Series(label, [Point(share, loss) for share, loss in curve], colour)
            for (label, curve), colour in zip(lines, colours)
        ],
        Axis("share of the run's examples"),
        Axis("training loss, nats"),
        title,
        f"n = 1 run a curve; each point the mean of a {SMOOTHED}th of the run.",
    )


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
