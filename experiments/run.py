"""Runs one row of the paper, or prints rows.

    python -m largebatch.experiments.run --list 'table7/*'
    python -m largebatch.experiments.run --describe --experiment=table7/lamb
    python -m largebatch.experiments.run --experiment=table7/lamb --data_dir=DIR
    python -m largebatch.experiments.run --experiment=table7/lamb --scale=smoke --set epochs=1

Exit codes: 0 finished, or stopped at --max_steps; 2 a mistake in the flags, or damaged data; 3
diverged; 4 another host of the run did not start or was lost; 130 and 143 stopped by SIGINT or
SIGTERM, with a checkpoint if training had begun. After 4, 130 and 143 the same command continues.
"""

from __future__ import annotations

import sys

from largebatch import cli
from largebatch.experiments.launching import describe
from largebatch.experiments.launching import flags as execution_flags
from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.folder_name import run_folder
from largebatch.experiments.rows.overrides import apply_overrides, parse_assignments
from largebatch.experiments.tables import registry

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
execution_flags.define(FLAGS)
execution_flags.define_of_runs(FLAGS)
define.string("experiment", None, "The row to run, for example table7/lamb.")
define.output_folder(
    "output_dir", None, "The run's folder. Default: one under runs/, named after the row."
)
define.integer("seed", 0, "Seeds the weights, the order of the examples and their augmentation.")
define.integer("threads", None, "TensorFlow's threads on the CPU. Default: as many as cores.")
define.path(
    "init_checkpoint",
    None,
    "table1/baseline: fine-tune this released BERT, of any size, and pre-train none: a folder with "
    "weights, config and vocab.txt.",
)
define.boolean(
    "lower_case",
    None,
    "With --init_checkpoint: lower-case the text. Default: as its config or vocabulary says.",
)
define.output_file(
    "mlperf_log",
    None,
    "BERT and ResNet-50: write a log in MLPerf's format to this file (needs mlperf-logging).",
)
define.list(
    "workers",
    None,
    "The hosts that run this together: host:port of each, in the same order on all of them. "
    "Default: those of TF_CONFIG.",
)
define.integer("worker_index", None, "The place of this host in --workers, from 0.")
define.float("peer_timeout", 300, "Seconds to wait for the other --workers.")
define.boolean(
    "eval_only", False, "Evaluate the newest checkpoint in --output_dir; train and write nothing."
)
define.string("list", None, "Print the rows that match a glob, all without one, and exit.")
define.boolean("describe", False, "Print every setting of --experiment, and exit.")
define.enum("format", "text", ["text", "json"], "The format of --list and --describe.")

# The fields of RunSettings that no sweep sets.
OWN = (
    *("seed", "threads", "mlperf_log", "init_checkpoint", "lower_case"),
    *("workers", "worker_index", "peer_timeout", "eval_only"),
)


def main() -> int:
    if FLAGS.list is not None:
        print(describe.list_rows(registry.matching(FLAGS.list), FLAGS.format))
        return 0
    if FLAGS.experiment is None:
        raise UserError("--experiment is missing, for example table7/lamb; --list prints all names")
    asked = registry.find(FLAGS.experiment)
    shown = asked if FLAGS.describe else registry.run_of(asked)
    row = apply_overrides(registry.scaled(shown, FLAGS.scale), parse_assignments(FLAGS.set))
    if FLAGS.describe:
        print(describe.describe(row, FLAGS.format))
        return 0
    if row.name != asked.name:
        print(f"{asked.name} is the same run as {row.name}")
    names = (*OWN, *execution_flags.FORWARDED, *execution_flags.OF_RUNS)
    settings = RunSettings(
        output_dir=FLAGS.output_dir or run_folder("runs", row, FLAGS.seed),
        **{name: FLAGS[name].value for name in names},
    )
    # Imported here: it loads TensorFlow, which takes seconds.
    from largebatch.experiments.launching import launch

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


def console() -> None:
    cli.exit_with(run)


if __name__ == "__main__":
    console()
