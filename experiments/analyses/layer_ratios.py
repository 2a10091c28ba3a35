"""|w| / |g| of each layer, at a row's first iteration or of a run's checkpoint.

    python -m largebatch.experiments.layer_ratios --experiment=alexnet/momentum-4096 --data_dir=DIR
    python -m largebatch.experiments.layer_ratios --run=OUT --data_dir=DIR --output=OUT

The slides' obstacle to one rate for all layers, there of AlexNet at batch 4096: a step -eta g moves
a layer by eta |g| / |w| of its norm, so the layer with the largest ratio bears a rate that destroys
the one with the smallest. The gradient is that of the row's first update, its whole batch: weights
from the seed, data in the run's order; of a checkpoint, on the same examples. Layers are the
variables that a layer-wise optimizer adapts by default: no biases, no batch norm (the JSON file has
all). For AlexNet the slides' values stand beside, which are mostly of biases (see PRINTED). Writes
layer_ratios.svg and layer_ratios.json.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from largebatch import cli
from largebatch.experiments.analyses import output
from largebatch.experiments.plots import style
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.program.text_table import Sheet, aligned
from largebatch.experiments.records.reopen import open_run
from largebatch.experiments.tables import row_flags
from largebatch.stack import quiet_tensorflow

if TYPE_CHECKING:
    from largebatch.experiments.rows.row import Row

# The slides' table: AlexNet, batch 4096, first iteration. Its norms are those of constants, but for
# layer 4's: 0.098 is 96 biases of 0.01, 6.4 is 4096 of 0.1, and 8.15 the kernel of conv4, 663,552
# weights of deviation 0.01. Layer 5's ratio is not its quotient.
PRINTED_MODEL = "alexnet"
PRINTED = {
    "weight_norm": (0.098, 0.16, 0.196, 8.15, 0.16, 6.4, 6.4, 0.316),
    "gradient_norm": (0.017, 0.002, 0.0015, 0.109, 0.0002, 0.0048, 0.013, 0.016),
    "ratio": (5.76, 83.5, 127, 74.6, 69, 1345, 489, 19),
}

FLAGS = cli.new_flags()
row_flags.define(FLAGS, "alexnet/momentum-4096")
define = cli.Define(FLAGS)
define.path("run", None, "In place of --experiment: a run's folder; its newest checkpoint is used.")
define.integer("seed", 0, "Seed of the row's weights and data.")
define.path("data_dir", None, "The data, as for a run.")
define.output_folder("output", None, "The folder for picture and numbers.")


def main() -> int:
    if (FLAGS.experiment is None) == (FLAGS.run is None):
        raise UserError("want either --experiment, a row, or --run, a run's folder")
    seed, checkpoints = FLAGS.seed, None
    if FLAGS.run is not None:
        run, row = open_run(FLAGS.run)
        seed, checkpoints = run.seed, Path(run.folder) / "checkpoints"
    else:
        row = row_flags.row_of(FLAGS)
    layers = measure(row, FLAGS.data_dir, seed, checkpoints)
    print(as_text(row, layers))
    if FLAGS.output is not None:
        told = ("name", "scale", "model", "batch_size")
        record = {
            **{field: getattr(row, field) for field in told},
            "overrides": dict(row.overrides),
            "seed": seed,
            "at": "checkpoint" if checkpoints else "first iteration",
            "layers": layers,
        }
        output.write(FLAGS.output, "layer_ratios", record, draw(row, layers))
    return 0


def measure(
    row: Row, data_dir: str | None, seed: int, checkpoints: Path | None
) -> list[dict[str, Any]]:
    """[{"path", "shape", "adapted", "weight_norm", "gradient_norm", "ratio"}], layer by layer."""
    quiet_tensorflow()
    import dataclasses

    from largebatch import optimizers, tpu
    from largebatch.experiments.analyses.objective import Objective, first_batch
    from largebatch.experiments.tasks import workload
    from largebatch.tpu.hosts import devices

    # In float32 whatever the row's precision: norms of a gradient need no rounding.
    task = workload.load(dataclasses.replace(row, precision="float32"), data_dir, seed).task
    devices.seed_everything(seed, deterministic=False)
    model = task.build_model()
    if checkpoints is not None:
        tpu.restore_model(model, checkpoints)
    variables = model.trainable_variables
    _, gradients = Objective(task, model, first_batch(task), training=True).gradients()
    layers = []
    for entry, variable, gradient in zip(
        optimizers.create("lamb", 1.0).parameter_table(variables), variables, gradients
    ):
        weight_norm = float(np.linalg.norm(variable.numpy().astype(np.float64)))
        gradient_norm = float(np.linalg.norm(gradient))
        layers.append(
            {
                "path": entry.path,
                "shape": list(variable.shape),
                "adapted": entry.adapted,
                "weight_norm": weight_norm,
                "gradient_norm": gradient_norm,
                "ratio": weight_norm / gradient_norm if gradient_norm else None,
            }
        )
    return layers


def adapted(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [layer for layer in layers if layer["adapted"] and layer["ratio"] is not None]


def printed(row: Row, count: int) -> dict[str, tuple] | None:
    """The slides' table, where it is of this model and has so many layers."""
    matches = row.model == PRINTED_MODEL and count == len(PRINTED["ratio"])
    return PRINTED if matches else None


def as_text(row: Row, layers: list[dict[str, Any]]) -> str:
    shown = adapted(layers)
    slides = printed(row, len(shown))
    lines = [
        [layer["path"], *(f"{layer[of]:.4g}" for of in ("weight_norm", "gradient_norm", "ratio")),
         *([f"{slides['ratio'][number]:g}"] if slides else [])]
        for number, layer in enumerate(shown)
    ]  # fmt: skip
    head = ["layer", "|w|", "|g|", "|w|/|g|", *(["slides"] if slides else [])]
    ratios = [layer["ratio"] for layer in shown] or [math.nan]
    return (
        f"{row.run_name}, batch {row.batch_size}\n{aligned(Sheet(head, lines), '')}\n"
        f"largest / smallest ratio: {max(ratios) / min(ratios):.3g}"
    )


def draw(row: Row, layers: list[dict[str, Any]]) -> str:
    """An SVG file's text: a bar a layer, and the slides' values where they are of this model."""
    shown = adapted(layers)
    slides = printed(row, len(shown))
    figure, (axes,) = style.new_panels(1, 1, size=(max(4.6, 1.6 + 0.22 * len(shown)), 3.6))
    places = np.arange(len(shown))
    ratios = [layer["ratio"] for layer in shown]
    axes.bar(places, ratios, 0.6, color=style.SERIES[0], label="measured" if slides else None)
    if slides:
        label = "the slides': biases, and conv4"
        axes.plot(places, slides["ratio"], "D", color=style.SERIES[1], label=label)
    axes.set_yscale("log")
    everything = [*ratios, *(slides["ratio"] if slides else ())]
    axes.set_ylim(bottom=10 ** np.floor(np.log10(min(everything, default=1.0)) - 0.1))
    axes.grid(False, axis="x")
    names = [layer["path"].rsplit("/", 1)[0] for layer in shown]
    axes.set_xticks(places, names, rotation=90 if len(shown) > 6 else 30, fontsize=7.5)
    axes.set_ylabel(r"$\|w\| / \|g\|$")
    return style.svg_of(figure, [axes])


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
