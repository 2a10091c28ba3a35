"""The distance of the weights from where they began, against log t: is it ultra-slow diffusion?

    python -m largebatch.experiments.distance --experiment=table7/momentum --scale=laptop \\
        --batch_sizes=16,64,256 --output=OUT
    python -m largebatch.experiments.distance --run=OUT/runs/.../seed=0

Hoffer et al. 2017 find |w_t - w_0| ~ log t in the first phase of training, before the rate falls,
as of a random walk on a random potential, where a free one has t^(1/2); that a larger batch makes
fewer updates, and so goes less far, is their account of the generalisation gap. You et al. ("The
Limit of the Batch Size") report results that contradict it.

The program runs the rows (as `lipschitz` does), records the distance at updates even
in log t, and fits by least squares

    a + b log t    and    c t^p,

each with its R^2: the first is right where it wins, with b the slope; p says which power comes
nearest. --since and --until leave out the first updates, and what lies after that share of them.
Writes distance.svg and distance.json.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from largebatch import cli
from largebatch.experiments.analyses import observed_runs, output
from largebatch.experiments.plots import style
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.program.text_table import NOTHING, Sheet, aligned
from largebatch.experiments.records.reopen import open_run
from largebatch.stack import quiet_tensorflow

if TYPE_CHECKING:
    import tensorflow as tf

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
observed_runs.define(FLAGS, points=40)
define.multi_path("run", [], "In place of --experiment: a folder that this program ran.")
define.integer("since", 1, "Fit from this update on.")
define.float("until", 1.0, "Fit up to this share of the updates.")

FEWEST_POINTS = 3  # of a fit of two constants
POWERS = np.linspace(0.01, 3, 300)  # p that are tried


class DistanceObserver:
    """Records |w_t - w_0| of the trainable weights (a tpu.Observer)."""

    kind = "distance"

    def __init__(self, steps: Collection[int]):
        self.steps = steps
        self._start = []

    def begin(self, model: tf.keras.Model) -> None:
        self._start = [variable.numpy() for variable in model.trainable_variables]

    def observe(self, step: int, model: tf.keras.Model) -> dict[str, Any]:
        squares = (
            np.sum(np.square(variable.numpy().astype(np.float64) - start))
            for variable, start in zip(model.trainable_variables, self._start)
        )
        distance = float(np.sqrt(sum(squares)))
        return {"distance": distance if np.isfinite(distance) else None}


def main() -> int:
    if not 0 < FLAGS.until <= 1:
        raise UserError(f"--until={FLAGS.until}: want a share, above 0 and at most 1")
    cli.at_least(FLAGS, since=1)  # log 0 is none
    if FLAGS.run:
        observed = [reopened(folder) for folder in FLAGS.run]
    else:
        rows = observed_runs.rows_asked_for(FLAGS)
        quiet_tensorflow()

        def new_observer(row, work):
            return DistanceObserver(even_in_log(row.steps, FLAGS.points))

        code, observed = observed_runs.run_all(FLAGS, rows, DistanceObserver.kind, new_observer)
        if code:
            return code
    runs = [summary(run, FLAGS.since, FLAGS.until) for run in observed]
    print(aligned(sheet(runs), ""))
    if FLAGS.output is not None:
        settings = {name: FLAGS[name].value for name in ("since", "until", "scaling")}
        output.write(FLAGS.output, "distance", {**settings, "runs": runs}, draw(runs))
    return 0


def reopened(folder: str) -> observed_runs.Observed:
    run, row = open_run(folder)
    quiet_tensorflow()
    records = observed_runs.records_of(run.folder, DistanceObserver.kind)
    return observed_runs.Observed(row, run.folder, records)


def even_in_log(steps: int, points: int) -> list[int]:
    """0, and up to `points` updates from 1 to the last, evenly in their logarithm."""
    return sorted({0, *(round(t) for t in np.geomspace(1, steps, points))})


def fits(curve: list[tuple[int, float]]) -> dict[str, float] | None:
    """{"a", "b", "r2_log", "c", "p", "r2_power"} of [(t, distance)]; None of too few points."""
    points = [(t, distance) for t, distance in curve if t >= 1]
    if len(points) < FEWEST_POINTS:
        return None
    t, distance = np.array(points, np.float64).T
    b, a = np.polyfit(np.log(t), distance, 1)
    powers = t[:, None] ** POWERS  # [points, powers]
    factors = distance @ powers / np.sum(powers**2, axis=0)  # the best c of each p
    shares = [_r2(distance, fitted) for fitted in (factors * powers).T]
    best = int(np.argmax(shares))
    return {
        "a": float(a),
        "b": float(b),
        "r2_log": _r2(distance, a + b * np.log(t)),
        "c": float(factors[best]),
        "p": float(POWERS[best]),
        "r2_power": shares[best],
    }


def _r2(values: np.ndarray, fitted: np.ndarray) -> float:
    spread = np.sum((values - values.mean()) ** 2)
    return float(1 - np.sum((values - fitted) ** 2) / spread) if spread else 0.0


def summary(run: observed_runs.Observed, since: int, until: float) -> dict[str, Any]:
    row = run.row
    curve = [(r["step"], r["distance"]) for r in run.records if r["distance"] is not None]
    return {
        **observed_runs.settings_of(row),
        "fit": fits([point for point in curve if since <= point[0] <= until * row.steps]),
        "fitted": [since, until * row.steps],
        "curve": [{"step": step, "distance": distance} for step, distance in curve],
    }


def sheet(runs: Sequence[dict[str, Any]]) -> Sheet:
    """A line a run: its distance at the end, and both fits."""
    lines = []
    for run in runs:
        fit, end = run["fit"], run["curve"][-1]["distance"]
        found = ["too few looks", *[NOTHING] * 3] if fit is None else [
            f"{fit[name]:.2f}" for name in ("b", "r2_log", "p", "r2_power")
        ]  # fmt: skip
        lines.append([str(run["batch_size"]), str(run["steps"]), f"{run['learning_rate']:g}",
                      f"{end:.2f}", *found])  # fmt: skip
    head = ["batch", "updates", "rate", "distance", "b of log t", "R²", "p of t^p", "R²"]
    return Sheet(head, lines)


def draw(runs: list[dict]) -> str:
    """An SVG file's text: the distance against log t, and the fit a + b log t."""
    figure, (axes,) = style.new_panels(1, 1, size=(5.2, 3.6))
    for run, colour in zip(runs, style.shades(len(runs))):
        points = [(p["step"], p["distance"]) for p in run["curve"] if p["step"] >= 1]
        label, fit = f"batch {run['batch_size']}", run["fit"]
        if fit:
            label += f": R² = {fit['r2_log']:.2f}"
            ends = [t for t, _ in points if run["fitted"][0] <= t <= run["fitted"][1]]
            axes.plot(ends, [fit["a"] + fit["b"] * np.log(t) for t in ends], ":", color=colour)
        axes.plot(*zip(*points), "o-", ms=2.5, lw=1.3, color=colour, label=label)
    axes.set_xscale("log")
    axes.set_xlabel("update t (dotted: a + b log t)")
    axes.set_ylabel(r"$\|w_t - w_0\|$")
    return style.svg_of(figure, [axes])


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
