"""The curvature along the gradient, L(x, g), over the first epochs and batch sizes: why LEGW works.

    python -m largebatch.experiments.lipschitz --experiment=table7/momentum --scale=laptop \\
        --batch_sizes=16,64,256 --epochs=4 --output=OUT

Runs the rows in the suite's own loop, with an observer (tpu.Observer): the runs are bit for bit
those of `run`, with their folders under OUTPUT/runs, and so resume and use any device. L is
estimated on the first --examples of the data, the same for all runs and measurements, so that
curves differ only by the weights. --scaling says how rate and warm-up follow the batch. Writes
lipschitz.svg and lipschitz.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from largebatch import cli
from largebatch.experiments.analyses import observed_runs, output
from largebatch.experiments.plots import style
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.program.text_table import NOTHING, Sheet, aligned
from largebatch.stack import quiet_tensorflow

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
observed_runs.define(FLAGS, points=30)
define.integer("examples", 1024, "Training examples in f.")


def main() -> int:
    rows = observed_runs.rows_asked_for(FLAGS)
    cli.at_least(FLAGS, examples=1)
    for row in rows:
        if row.precision != "float32":
            raise UserError(
                f"{row.name} is in {row.precision}, whose rounding is larger than the differences "
                "that L is made of; add --set precision=float32"
            )
    quiet_tensorflow()
    from largebatch.experiments.analyses.curvature import CurvatureObserver
    from largebatch.experiments.analyses.objective import first_examples

    def new_observer(row, work):
        task, batches = first_examples(row, FLAGS.data_dir, FLAGS.seed, FLAGS.examples, stage=0)
        return CurvatureObserver(task, batches, observed_runs.evenly(row.steps, FLAGS.points))

    code, observed = observed_runs.run_all(FLAGS, rows, CurvatureObserver.kind, new_observer)
    if code:
        return code
    runs = [summary(run) for run in observed]
    print(aligned(sheet(runs), ""))
    record = {"examples": FLAGS.examples, "scaling": FLAGS.scaling, "runs": runs}
    output.write(FLAGS.output, "lipschitz", record, draw(runs))
    return 0


def summary(run: observed_runs.Observed) -> dict:
    """What is kept of a run: its settings, its curve and the curve's peak."""
    curve = [
        {"at": observed_runs.place(r), **{k: r[k] for k in ("step", "lipschitz", "gradient_norm")}}
        for r in run.records
        if r["lipschitz"] is not None
    ]
    peak = max(curve, key=lambda point: point["lipschitz"], default=None)
    told = {"warmup_steps": run.row.warmup_steps, "peak": peak, "curve": curve}
    return {**observed_runs.settings_of(run.row), **told}


def sheet(runs: Sequence[dict[str, Any]]) -> Sheet:
    """A line a run: the largest L, and where it was."""
    lines = []
    for run in runs:
        peak = run["peak"]
        found = ["none", NOTHING, NOTHING] if peak is None else [
            f"{peak['lipschitz']:.3g}", f"{peak['at']:.2g}", str(peak["step"])
        ]  # fmt: skip
        lines.append([*(str(run[n]) for n in ("batch_size", "steps", "warmup_steps")), *found])
    return Sheet(["batch", "updates", "warm-up", "largest L", "at epoch", "at update"], lines)


def draw(runs: list[dict]) -> str:
    """An SVG file's text: L against the epoch, a curve a run, its peak ringed."""
    figure, (axes,) = style.new_panels(1, 1, size=(5.2, 3.6))
    for run, colour in zip(runs, style.shades(len(runs))):
        points = [(point["at"], point["lipschitz"]) for point in run["curve"]]
        label = f"batch {run['batch_size']}"
        axes.plot(*zip(*points), color=colour, lw=1.5, label=label)
        axes.plot(run["peak"]["at"], run["peak"]["lipschitz"], "o", ms=9, mfc="none", color=colour)
    axes.set_xlabel("epoch (ring: the largest)")
    axes.set_ylabel("L(x, g)")
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    return style.svg_of(figure, [axes])


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
