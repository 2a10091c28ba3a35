"""Lowers one core's part of a row's step to HLO, on the CPU and without data.

    python -m largebatch.experiments.lowered_step --experiment=table1/lamb-32768 --output=step.hlo
    python -m largebatch.experiments.lowered_step --experiment=table1/lamb-32768 --describe

The file is a serialized HloModuleProto, ready for the conversion to StableHLO, with the sums over
the replicas in it, however many they will be; `--describe` prints what would be lowered, as JSON.
BERT-Large takes about a minute and 9 GB.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from largebatch import cli
from largebatch.experiments.compile import shape_only
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.row import Row, Stage
from largebatch.experiments.tables import row_flags
from largebatch.experiments.tasks import finetuning
from largebatch.stack import quiet_tensorflow

if TYPE_CHECKING:
    from largebatch.tpu.loop.task import Task
    from largebatch.tpu.lowering.lowering import Lowered

SQUAD = "squad"
CORES_A_CHIP = 2  # of TPU v3, on which the paper ran
ASSUMED_BATCH = 128  # a core's, where the paper does not print the number of chips
PROGRAMS = ("update", "accumulate", "apply")  # of tpu.lowering

FLAGS = cli.new_flags()
row_flags.define(FLAGS, "table1/lamb-32768")
define = cli.Define(FLAGS)
define.string("stage", None, "1, 2 or squad. Default: the row's last one.")
define.integer(
    "batch_per_core",
    None,
    "Examples of one core in one pass. Default: the row's, on the paper's chips.",
    lower_bound=1,
)
define.enum(
    "program",
    "update",
    PROGRAMS,
    "The whole update, or one of its micro-batches, or what follows the last.",
)
define.boolean("describe", False, "Print what it is, and exit.")
define.output_file("output", None, "The file to write.")


def main() -> int:
    row = row_flags.row_of(FLAGS)
    stage = stage_name(row, FLAGS.stage)
    described = description(row, stage, FLAGS.batch_per_core)
    if FLAGS.describe:
        print(json.dumps(described))
        return 0
    if FLAGS.output is None:
        raise UserError("--output is missing: the file to write, or --describe")
    quiet_tensorflow()  # It starts here, once the row is known to be good.
    from largebatch.tpu.lowering.lowering import for_conversion

    batch = described["batch_per_core"]
    lowered = lower_row(row, stage, batch, FLAGS.program, replicated=True)
    Path(FLAGS.output).write_bytes(for_conversion(lowered.hlo))
    sizes = {"parameters": lowered.parameters, "resident_bytes": lowered.resident_bytes}
    print(json.dumps({**described, "program": FLAGS.program, **sizes}))
    return 0


def stage_name(row: Row, asked: str | None = None) -> str:
    """`asked`, or the row's last stage; UserError where it has none such."""
    known = [str(number) for number, _ in enumerate(row.stages, start=1)]
    last = known[-1]
    if row.task == "pretraining":
        known.append(SQUAD)
    if asked is not None and asked not in known:
        raise UserError(f"--stage={asked}: {row.name} has {', '.join(known)}")
    return last if asked is None else asked


def batch_per_core(row: Row, stage: str) -> int:
    """A core's share of the row's batch: on the paper's chips, or, where the paper does not print
    how many, on so many that it is at most 128."""
    if stage == SQUAD:
        return row.squad_batch_size
    batch = row.stages[int(stage) - 1].batch_size
    if row.scale == "paper" and row.paper_chips:
        return max(1, batch // (row.paper_chips * CORES_A_CHIP))
    return min(batch, ASSUMED_BATCH)


def description(row: Row, stage: str, batch: int | None = None) -> dict[str, Any]:
    """What a lowered step is of."""
    images = row.task == "classification"
    length = row.squad_sequence_length if stage == SQUAD else row.stages[int(stage) - 1][0]
    told = ("scale", "model", "image_size", "vocabulary_size", "precision")
    return {
        **{field: getattr(row, field) for field in told},
        "experiment": row.name,
        "overrides": dict(row.overrides),
        "stage": stage,
        "dataset": row.dataset if images else None,
        "sequence_length": length,
        "optimizer": "bert_adamw" if stage == SQUAD else row.optimizer,
        "batch_per_core": batch_per_core(row, stage) if batch is None else batch,
        "paper_batch_per_core": batch_per_core(row, stage),
    }


def lower_row(
    row: Row, stage: str, batch: int, program: str = "update", task: Task | None = None, *,
    replicated: bool = False,
) -> Lowered:  # fmt: skip
    """Lowers a program of the row's step with `batch` examples a pass; see `tpu.lowering.lower`.

    `task` stands in for the row's own.
    """
    from largebatch.experiments.tasks.schedule import optimizer_of
    from largebatch.tpu.hosts.devices import configure_precision
    from largebatch.tpu.lowering.lowering import lower

    configure_precision(row.precision)
    if task is None:
        task = shape_only.task(row, batch, 1 if program == "update" else 2, stage == SQUAD)

    def make_optimizer():
        if stage == SQUAD:
            # How many updates of a fine-tuning there are is known with its data.
            return finetuning.optimizer_of(Stage(None, batch, 10, row.squad_learning_rate, 1))
        return optimizer_of(row)

    return lower(
        task,
        make_optimizer,
        micro_batch=batch,
        stage=0 if stage == SQUAD else int(stage) - 1,
        program=program,
        clip_norm=finetuning.CLIP_NORM if stage == SQUAD else row.clip_norm,
        # A pass smaller than a group is one group.
        clip_batch=min(row.clip_batch, batch) if row.clip_batch else None,
        replicated=replicated,
    )


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
