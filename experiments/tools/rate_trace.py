"""Traces a row's learning rate over its whole run: every stage, as a table and as a picture.

    python -m largebatch.experiments.rate_trace --experiment=table1/lamb-65536-32768
    python -m largebatch.experiments.rate_trace --experiment=table1/lamb-65536-32768 \\
        --output=rate.svg

With two stages, the picture has the other choice beside it, dashed: with re-warm-up or without.
"""

from __future__ import annotations

import dataclasses
import os

from largebatch import cli
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import row_flags
from largebatch.stack import quiet_tensorflow

POINTS = 1000  # of a curve, beside the ends of warm-ups and stages
PICTURES = (".svg", ".png", ".pdf")

FLAGS = cli.new_flags()
row_flags.define(FLAGS, "table7/lamb")
define = cli.Define(FLAGS)
define.output_file("output", None, f"A picture to write: {', '.join(PICTURES)}.")


def main() -> int:
    if FLAGS.output is not None and os.path.splitext(FLAGS.output)[1] not in PICTURES:
        raise UserError(f"--output={FLAGS.output}: want a file that ends in {', '.join(PICTURES)}")
    row = row_flags.row_of(FLAGS)
    print(f"{row.name}\n{'update':>10}  {'rate':>11}")
    for step, rate in trace(row, landmarks(row)):
        print(f"{step:>10}  {rate:>11.6g}")
    if FLAGS.output is not None:
        draw(row, FLAGS.output)
        print(f"wrote {FLAGS.output}")
    return 0


def landmarks(row: Row) -> list[int]:
    """The updates at which something begins or ends: stages, warm-ups, and the one before."""
    steps, begin = set(), 0
    for stage in row.stages:
        end = begin + stage.steps
        steps |= {begin, begin + stage.warmup_steps, end - 1}
        begin = end
    return sorted(steps)


def trace(row: Row, steps: list[int]) -> list[tuple[int, float]]:
    """[(update, its rate)], as the optimizer of a run computes it."""
    quiet_tensorflow()
    from largebatch.experiments.tasks.schedule import learning_rate

    schedule = learning_rate(row)
    return [(step, float(schedule(step))) for step in steps]


def draw(row: Row, path: str) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    other = dataclasses.replace(row, rewarmup=not row.rewarmup)
    shown = [(row, "-"), (other, "--")] if len(row.stages) > 1 else [(row, "-")]
    for drawn, dashes in shown:
        every = range(0, row.steps, max(1, row.steps // POINTS))
        points = trace(drawn, sorted({*every, *landmarks(drawn)}))
        label = None
        if len(shown) > 1:
            label = "with re-warm-up" if drawn.rewarmup else "one schedule, no re-warm-up"
        axes.plot(*zip(*points), dashes, lw=1.6, label=label)
    begin = 0
    for stage in row.stages[:-1]:
        begin += stage.steps
        axes.axvline(begin, color="#888888", lw=0.8, ls=":")
    axes.set(xlabel="update", ylabel="learning rate", title=row.name)
    axes.spines[["top", "right"]].set_visible(False)
    if len(shown) > 1:
        axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
