"""Runs one row of the paper, or prints rows.

    python -m largebatch.experiments.run --list 'table7/*'
    python -m largebatch.experiments.run --describe --experiment=table7/lamb
    python -m largebatch.experiments.run --experiment=table7/lamb --data_dir=DIR
    python -m largebatch.experiments.run --experiment=table7/lamb --scale=smoke --set epochs=1

The run ends with 0 (finished), 3 (diverged), 143 or 130 (stopped by SIGTERM or SIGINT after a
checkpoint; the same command continues), 2 (a mistake in what was asked for).
"""

from __future__ import annotations

import sys

from absl import flags

from largebatch.experiments import cli, describe, registry, scales
from largebatch.experiments.errors import UserError
from largebatch.experiments.folders import run_folder
from largebatch.experiments.overrides import apply_overrides, parse_assignments
from largebatch.experiments.settings import DEVICES, RunSettings

FLAGS = cli.new_flags()


def _define(kind, name, default, text, *arguments):
    kind(name, default, *arguments, text, flag_values=FLAGS)


_define(flags.DEFINE_string, "experiment", None, "The row to run, for example table7/lamb.")
_define(flags.DEFINE_enum, "scale", "paper", "How much of it to run.", scales.SCALES)
_define(flags.DEFINE_string, "data_dir", None,
        "A TFDS folder, or a folder with the official files; default: TFDS's own.")  # fmt: skip
_define(flags.DEFINE_string, "output_dir", None,
        "The run's folder; default: one under runs/ named after the row.")  # fmt: skip
_define(flags.DEFINE_integer, "seed", 0, "Of the weights, the order and the augmentation.")
_define(
    flags.DEFINE_multi_string, "set", [], "field=value: changes a setting of the row; repeatable."
)
_define(flags.DEFINE_enum, "device", "auto", "Where to run.", DEVICES)
_define(flags.DEFINE_string, "tpu", None, "Name or address of a Cloud TPU.")
_define(flags.DEFINE_integer, "num_devices", None, "Devices to use; logical ones on a CPU.")
_define(flags.DEFINE_boolean, "deterministic", False, "The same bits for the same seed.")
_define(flags.DEFINE_integer, "micro_batch", None,
        "Examples of one replica in one forward pass; gradients are accumulated to the row's "
        "batch. Default: what fits.")  # fmt: skip
_define(flags.DEFINE_integer, "steps_per_loop", None, "Updates in one call of the device loop.")
_define(flags.DEFINE_integer, "checkpoint_every", None, "Updates between two checkpoints.")
_define(flags.DEFINE_integer, "threads", None, "TensorFlow's threads on the CPU; default: all.")
_define(flags.DEFINE_string, "list", None, "Print the rows that match the glob (all), and exit.")
_define(flags.DEFINE_boolean, "describe", False, "Print every setting of --experiment, and exit.")
_define(flags.DEFINE_enum, "format", "text", "Of --list and --describe.", ["text", "json"])


def main() -> int:
    if FLAGS.list is not None:
        print(describe.list_rows(registry.matching(FLAGS.list), FLAGS.format))
        return 0
    if FLAGS.experiment is None:
        raise UserError("--experiment is missing, for example table7/lamb; --list prints all names")
    row = scales.scaled(registry.find(FLAGS.experiment), FLAGS.scale)
    row = apply_overrides(row, parse_assignments(FLAGS.set))
    if FLAGS.describe:
        print(describe.describe(row, FLAGS.format))
        return 0
    settings = RunSettings(
        output_dir=FLAGS.output_dir or run_folder("runs", row, FLAGS.seed),
        data_dir=FLAGS.data_dir,
        seed=FLAGS.seed,
        device=FLAGS.device,
        tpu=FLAGS.tpu,
        num_devices=FLAGS.num_devices,
        deterministic=FLAGS.deterministic,
        micro_batch=FLAGS.micro_batch,
        steps_per_loop=FLAGS.steps_per_loop,
        checkpoint_every=FLAGS.checkpoint_every,
        threads=FLAGS.threads,
    )
    # Imported here: it loads TensorFlow, which takes seconds.
    from largebatch.experiments import launch

    return launch.launch(row, settings)


def join_list(argv: list[str]) -> list[str]:
    """Lets --list stand alone or before its glob: absl's string flags want a value."""
    joined: list[str] = []
    position = 0
    while position < len(argv):
        argument = argv[position]
        position += 1
        if argument in ("--list", "-list"):
            if position < len(argv) and not argv[position].startswith("-"):
                argument = f"--list={argv[position]}"
                position += 1
            else:
                argument = "--list=*"
        joined.append(argument)
    return joined


def run(argv: list[str] | None = None) -> int:
    return cli.start(main, FLAGS, __doc__, join_list(list(sys.argv if argv is None else argv)))


if __name__ == "__main__":
    cli.exit_with(run)
