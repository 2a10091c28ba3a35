"""Writes a row's training as portable programs, which run wherever JAX does, without TensorFlow.

    python -m largebatch.experiments.export_program --experiment=table7/lamb --data_dir=DIR \\
        --output=lamb
    python lamb/runner.py --seeds=0,1,2 --output_dir=runs

The folder holds StableHLO of the batch, the update and the evaluation, the data, and a runner that
needs jax and numpy alone; docs/portable.md tells of both. The conversion to StableHLO needs a
second environment: `make pjrt-environment`.
"""

from __future__ import annotations

import os
from pathlib import Path

from absl import flags

from largebatch.experiments.launching.flags import MicroBatch
from largebatch.experiments.program import cli
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.program.quiet import quiet_tensorflow
from largebatch.experiments.rows import scale
from largebatch.experiments.rows.overrides import apply_overrides, parse_assignments
from largebatch.experiments.tables import registry

FLAGS = cli.new_flags()
flags.DEFINE_string("experiment", None, "The row, table7/lamb.", flag_values=FLAGS)
flags.DEFINE_string("output", None, "The folder to write; empty or not there.", flag_values=FLAGS)
flags.DEFINE_enum("scale", "paper", scale.ALL_SCALES, "How much of it.", flag_values=FLAGS)
flags.DEFINE_multi_string("set", [], "field=value: change the row.", flag_values=FLAGS)
flags.DEFINE_string("data_dir", None, "As of run.", flag_values=FLAGS)
flags.DEFINE_list(
    "seeds",
    ["0"],
    "Seeds whose weights are checked, and, of text and ImageNet, whose batches are written.",
    flag_values=FLAGS,
)
flags.DEFINE(
    MicroBatch(), "micro_batch", None,
    "Examples of one pass; gradients are accumulated to the row's batch. auto: one pass.",
    flag_values=FLAGS,
)  # fmt: skip
flags.DEFINE_enum(
    "data", "copy", ["copy", "leave"], "Image sets: with the images, or without.",
    flag_values=FLAGS,
)  # fmt: skip
flags.DEFINE_integer(
    "max_steps", None, "Text and ImageNet: write batches of so many updates of each stage.",
    lower_bound=1, flag_values=FLAGS,
)  # fmt: skip
flags.DEFINE_string(
    "environment", None, "The folder of the environment with JAX; default: .venv-pjrt.",
    flag_values=FLAGS,
)  # fmt: skip


def main() -> int:
    if FLAGS.experiment is None:
        raise UserError("--experiment is missing, for example table7/lamb")
    if FLAGS.output is None:
        raise UserError("--output is missing: the folder to write")
    row = registry.run_of(registry.find(FLAGS.experiment))
    row = apply_overrides(registry.scaled(row, FLAGS.scale), parse_assignments(FLAGS.set))
    seeds = _seeds(FLAGS.seeds)
    output = Path(FLAGS.output)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"--output={output} is there already; give a new or an empty folder")
    quiet_tensorflow()  # It starts here, once the row is known to be good.
    from largebatch.experiments.export_program.folder import export
    from largebatch.tpu.lowering.conversion import ConversionEnvironment

    environment = ConversionEnvironment(FLAGS.environment)
    size = export(
        row,
        output,
        environment,
        data_dir=FLAGS.data_dir,
        seeds=seeds,
        micro_batch=FLAGS.micro_batch,
        copy_data=FLAGS.data == "copy",
        max_steps=FLAGS.max_steps,
    )
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
