"""Sharpness of the minima that runs have found, against their batch sizes (Keskar et al. 2017).

    python -m largebatch.experiments.sharpness --run=SMALL --run=LARGE --data_dir=DIR --output=OUT

In per cent, as Keskar et al. print it, for each epsilon and each of two boxes:

    100 max_y (f(x + y) - f(x)) / (1 + f(x))

    --box=keskar   |y_i| <= epsilon (|x_i| + 1)   Keskar et al.: wider where a weight is larger
    --box=slides   |y_i| <= epsilon / 2           the lecture: "a box of width epsilon"

The lecture has Keskar et al.'s formula and another box: a width is from side to side, the same for
all weights. f is the training loss on the first --examples of the data, the same for all runs,
without dropout and with batch norm's moving averages, so that it depends on x alone. The maximum is
found by ascent from corner to corner of the box (box_maximum.py), a lower bound; Keskar et al. used
ten iterations of L-BFGS-B, one as well. Writes sharpness.svg and sharpness.json.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from largebatch import cli
from largebatch.experiments.analyses import output
from largebatch.experiments.plots import style
from largebatch.experiments.program.errors import UserError, nearest
from largebatch.experiments.records.reopen import open_run
from largebatch.stack import quiet_tensorflow

if TYPE_CHECKING:
    import numpy as np

    from largebatch.experiments.records.reader import Run
    from largebatch.experiments.rows.row import Row

BOXES = {"keskar": "Keskar et al.'s box", "slides": "the slides' box"}

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.multi_path("run", [], "A run's folder; may be given several times.")
define.list("epsilon", "1e-3,5e-4", "Sizes of the box.")
define.list("box", "keskar", "keskar, slides, or both: see above.")
define.integer("examples", 2048, "Training examples in f.")
define.integer("iterations", 10, "Iterations of the ascent from each starting point.")
define.integer("starts", 2, "Starting points: the minimum itself, then random corners of the box.")
define.path("data_dir", None, "The data, as for a run.")
define.output_folder("output", None, "The folder for picture and numbers.")


def main() -> int:
    if not FLAGS.run:
        raise UserError("--run is missing: the folder of a finished run")
    widths = output.numbers("epsilon", FLAGS.epsilon, float)
    boxes = _boxes(FLAGS.box)
    effort = {name: FLAGS[name].value for name in ("examples", "iterations", "starts")}
    cli.at_least(FLAGS, **dict.fromkeys(effort, 1))
    opened = [open_run(folder) for folder in FLAGS.run]
    for run, _ in opened:
        if run.status != "finished":
            raise UserError(f"--run={run.folder} is {run.status}; want a finished run")
    points = []
    print(
        f"{'batch':>7}  {'box':<6}  {'epsilon':>8}  {'f':>9}  {'max f':>9}  {'sharpness':>9}  run"
    )
    for run, row in opened:
        for point in measure(run, row, FLAGS.data_dir, widths, boxes, **effort):
            points.append(point)
            print(
                f"{point['batch_size']:>7}  {point['box']:<6}  {point['epsilon']:>8g}  "
                f"{point['loss']:>9.5f}  {point['largest_loss']:>9.5f}  "
                f"{point['sharpness']:>9.4f}  {run.folder}"
            )
    if FLAGS.output is not None:
        output.write(FLAGS.output, "sharpness", {**effort, "points": points}, draw(points))
    return 0


def _boxes(names: list[str]) -> list[str]:
    for name in names:
        if name not in BOXES:
            raise UserError(
                f"--box={name}: unknown box{nearest(name, BOXES)}; valid: {', '.join(BOXES)}"
            )
    if not names:
        raise UserError(f"--box is empty; valid: {', '.join(BOXES)}")
    return list(dict.fromkeys(names))


def measure(
    run: Run,
    row: Row,
    data_dir: str | None,
    widths: list[float],
    boxes: Sequence[str] = ("keskar",),
    *,
    examples: int,
    iterations: int,
    starts: int,
) -> list[dict]:
    """A point for each box and size of it."""
    quiet_tensorflow()
    from pathlib import Path

    from largebatch import tpu
    from largebatch.experiments.analyses.box_maximum import maximise
    from largebatch.experiments.analyses.objective import Objective, first_examples

    # Of seed 0 for all: the same examples.
    task, batches = first_examples(row, data_dir, 0, examples, stage=-1)
    model = task.build_model()
    tpu.restore_model(model, Path(run.folder) / "checkpoints")
    objective = Objective(task, model, batches, training=False)
    x = objective.weights
    loss, _ = objective.value_and_gradient()
    points = []
    for box, epsilon in itertools.product(boxes, widths):
        largest = maximise(
            lambda y: objective.value_and_gradient(x + y),
            half_widths(box, epsilon, x),
            iterations=iterations,
            starts=starts,
        )
        points.append(
            {
                "name": run.name,
                "scale": run.scale,
                "seed": run.seed,
                "overrides": run.overrides,
                "batch_size": row.batch_size,
                "box": box,
                "epsilon": epsilon,
                "loss": loss,
                "largest_loss": largest.value,
                "sharpness": 100 * (largest.value - loss) / (1 + loss),
                "evaluations": largest.evaluations,
                "metrics": run.metrics,
            }
        )
    return points


def half_widths(box: str, epsilon: float, x: np.ndarray) -> np.ndarray:
    """The largest |y_i| in the box `box` of size `epsilon` around the weights `x`: [n], as x."""
    if box == "slides":
        import numpy as np

        return np.full_like(x, epsilon / 2)
    return epsilon * (abs(x) + 1)


def draw(points: list[dict]) -> str:
    """An SVG file's text: sharpness against batch size, a line a row, box and size of it."""
    figure, (axes,) = style.new_panels(1, 1, size=(5.2, 3.6))
    lines = {}
    for point in points:
        at = lines.setdefault((point["name"], point["box"], point["epsilon"]), {})
        at.setdefault(point["batch_size"], []).append(point["sharpness"])
    names = list(dict.fromkeys(name for name, *_ in lines))
    boxes = list(dict.fromkeys(box for _, box, _ in lines))
    for (name, box, epsilon), at in lines.items():
        batches = sorted(at)
        means = [sum(at[batch]) / len(at[batch]) for batch in batches]
        label = f"{name}, " if len(names) > 1 else ""
        label += f"{BOXES[box]}, " if len(boxes) > 1 else ""
        dashes = "-" if epsilon == max(width for *_, width in lines) else "--"
        number = len(boxes) * names.index(name) + boxes.index(box)
        colour = {"color": style.SERIES[number % len(style.SERIES)]}
        axes.plot(batches, means, dashes, lw=1.6, label=f"{label}ε = {epsilon:g}", **colour)
        dots = [(batch, value) for batch in batches for value in at[batch]]
        axes.plot(*zip(*dots), "o", ms=4, **colour)
    style.batch_axis(axes, sorted({point["batch_size"] for point in points}))
    axes.set_yscale("log")
    axes.set_ylabel("sharpness, %")
    return style.svg_of(figure, [axes])


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
