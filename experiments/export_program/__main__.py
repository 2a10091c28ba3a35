"""Writes a row's training as portable programs, which run wherever JAX does, without TensorFlow.

    python -m largebatch.experiments.export_program --experiment=table7/lamb --data_dir=DIR \\
        --output=lamb
    python lamb/runner.py --seeds=0,1,2 --output_dir=runs

The folder holds StableHLO of the batch, the update and the evaluation, the data, and a runner that
needs only jax and numpy; docs/portable.md describes both. The conversion to StableHLO needs a
second environment: `make pjrt-environment`.
"""

from __future__ import annotations

import os
from pathlib import Path

from largebatch import cli
from largebatch.experiments.launching.flags import MicroBatch
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.tables import row_flags
from largebatch.stack import quiet_tensorflow

FLAGS = cli.new_flags()
row_flags.define(FLAGS, "table7/lamb")
define = cli.Define(FLAGS)
define.output_folder("output", None, "The folder to write; empty or not there.")
define.path("data_dir", None, "As of run.")
define.list(
    "seeds",
    ["0"],
    "Seeds whose weights are checked, and, of text and ImageNet, whose batches are written.",
)
define.parsed(
    MicroBatch(), "micro_batch", None,
    "Examples of one pass; gradients are accumulated to the row's batch. auto: one pass."
)  # fmt: skip
define.enum(
    "data", "copy", ["copy", "leave"], "Image sets: copy the images, or leave them out."
)  # fmt: skip
define.integer(
    "max_steps", None, "Text and ImageNet: write the batches of only this many updates a stage.",
    lower_bound=1
)  # fmt: skip
define.path(
    "environment", None, "The folder of the environment with JAX; default: .venv-pjrt."
)  # fmt: skip


def main() -> int:
    if FLAGS.output is None:
        raise UserError("--output is missing: the folder to write")
    row = row_flags.row_of(FLAGS)
    seeds = _seeds(FLAGS.seeds)
    output = Path(FLAGS.output)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"--output={output} is there already; give a new or an empty folder")
    quiet_tensorflow()  # It starts here, once the row is known to be good.
    from largebatch.experiments.export_program.folder import export
    from largebatch.tpu.lowering.conversion import ConversionEnvironment

    environment = ConversionEnvironment(FLAGS.environment)
    given = {name: FLAGS[name].value for name in ("data_dir", "micro_batch", "max_steps")}
    copied = FLAGS.data == "copy"
    size = export(row, output, environment, seeds=seeds, copy_data=copied, **given)
    runner = os.path.join(output, "runner.py")
    print(f"wrote {output} ({size / 2**20:.1f} MiB); to run it: python {runner} --output_dir=runs")
    return 0


def _seeds(texts: list[str]) -> list[int]:
    try:
        seeds = [int(text) for text in texts]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise UserError(f"--seeds={','.join(texts)}: want different whole numbers, as 0,1,2")
    return seeds


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
