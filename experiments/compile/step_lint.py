"""Lints the steps of rows for what a TPU cannot run: on the CPU, without a TPU and without data.

    python -m largebatch.experiments.step_lint --experiment='table7/*'
    python -m largebatch.experiments.step_lint --all

Rows whose steps differ in numbers alone (rates, lengths of runs) share a program: one of them is
lowered, at its batch of a core, in a process of its own. --all takes hours on two cores, and
9 GB. The program ends with 1 where something is found.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent import futures
from typing import TYPE_CHECKING, NamedTuple

from largebatch import cli, workers
from largebatch.experiments.compile.lowered_step import SQUAD, batch_per_core, lower_row
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows import choices
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry
from largebatch.stack import quiet_tensorflow

if TYPE_CHECKING:
    from largebatch.tpu.loop.task import Task

FOUND = 1  # exit code

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.string("experiment", None, "The rows, as a glob.")
define.boolean("all", False, "All rows.")
define.boolean("list", False, "Print what would be linted, and exit.")


class Kind(NamedTuple):
    """Rows whose steps are one program, but for numbers in it."""

    row: Row  # the one that is lowered
    stage: str
    rows: tuple[str, ...]  # the names of all

    def __str__(self) -> str:
        row, tuned = self.row, self.stage == SQUAD
        length = None if tuned else _length(row, self.stage)
        of = f" with sequences of {length}" if length else ", fine-tuned" if tuned else ""
        batch = batch_per_core(row, self.stage)
        return (
            f"{row.name}: {row.model}{of}, {row.optimizer}, {batch} a core ({len(self.rows)} rows)"
        )


def kinds(rows: Iterable[Row], key: Callable[[Row, str], tuple]) -> list[Kind]:
    """The different steps of `rows`, where `key` of (row, stage) tells them apart."""
    found: dict[tuple, Kind] = {}
    for row in rows:
        stages = [str(number) for number, _ in enumerate(row.stages, start=1)]
        for stage in [*stages, SQUAD] if row.task == "pretraining" else stages:
            kind = found.setdefault(key(row, stage), Kind(row, stage, ()))
            found[key(row, stage)] = kind._replace(rows=(*kind.rows, row.name))
    return list(found.values())


def model_key(row: Row, stage: str) -> tuple:
    """What the forward and backward pass depends on."""
    length = None if row.task == "classification" else _length(row, stage)
    settings = tuple(getattr(row, field) for field in choices.MODEL_SETTINGS.get(row.model, ()))
    return (
        *(row.model, row.model_width, row.dataset, row.image_size, row.precision, settings),
        *(row.vocabulary_size, length, stage == SQUAD, bool(row.label_smoothing)),
        *(bool(row.dropout), bool(row.pad_batch), row.clip_batch),
    )


def update_key(row: Row, stage: str) -> tuple:
    """What follows the gradients depends on: clipping, the schedule, the optimizer."""
    if stage == SQUAD:
        return (row.model, False, SQUAD)
    settings = tuple(_choice(value) for value in row.optimizer_settings.items())
    schedule = (row.schedule, row.decay_from, row.decay_power, bool(row.end_learning_rate))
    return (
        *(row.model, row.clip_norm is None, row.optimizer, settings),
        *(schedule, row.warmup_steps > 0, len(row.stages), bool(row.rewarmup)),
    )


def step_key(row: Row, stage: str) -> tuple:
    """What the whole step depends on."""
    return (model_key(row, stage), update_key(row, stage))


def lint(row: Row, stage: str, program: str = "update", task: Task | None = None) -> list[str]:
    """What is found in a program of the row's step at its batch of a core, one line each."""
    from largebatch.tpu.lowering.hlo_lint import findings
    from largebatch.tpu.lowering.lowering import NotLowered

    try:
        lowered = lower_row(row, stage, batch_per_core(row, stage), program, task)
    except NotLowered as error:
        return [f"no program of XLA's: {str(error).strip().splitlines()[0]}"]
    return [str(finding) for finding in findings(lowered.hlo)]


def lint_apart(row: Row, stage: str) -> list[str]:
    """`lint` in a process of its own: TensorFlow keeps 5 GB of each BERT-Large that it lowers.

    Raises:
      UserError: The process was killed.
    """
    context = multiprocessing.get_context("spawn")
    with futures.ProcessPoolExecutor(1, context, initializer=quiet_tensorflow) as pool:
        try:
            with workers.started_deaf():
                asked = pool.submit(lint, row, stage)
            with workers.ended_with_parent():
                return asked.result()
        except futures.process.BrokenProcessPool as error:
            raise UserError(
                f"the process that lowers {row.name} was killed; where that was for want of "
                "memory: BERT-Large takes 9 GB"
            ) from error


def _length(row: Row, stage: str) -> int | None:
    if stage == SQUAD:
        return row.squad_sequence_length
    return row.stages[int(stage) - 1].sequence_length


def _choice(setting: tuple) -> tuple:
    """A setting of the optimizer: a name or a switch by its value, a number by being there."""
    field, value = setting
    return (field, value if isinstance(value, (str, bool)) else bool(value))


def main() -> int:
    if FLAGS.all == (FLAGS.experiment is not None):
        raise UserError("want --experiment=GLOB, for example 'table7/*', or --all")
    rows = registry.matching("*" if FLAGS.all else FLAGS.experiment)
    found = kinds([row for row in rows if not row.same_run_as], step_key)
    if not found:
        raise UserError(f"--experiment={FLAGS.experiment}: rows that are runs of other tables")
    if FLAGS.list:
        print("\n".join(map(str, found)))
        return 0
    unclean = 0
    for number, kind in enumerate(found, start=1):
        said = lint_apart(kind.row, kind.stage)
        unclean += bool(said)
        print(f"[{number}/{len(found)}] {kind}: {'clean' if not said else ''}", flush=True)
        for line in said:
            print(f"    {line}", flush=True)
    print(f"{len(found)} steps of {len(rows)} rows, {unclean} with findings")
    return FOUND if unclean else 0


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
