"""Rows run at several batch sizes with something looking at their weights, and what it recorded."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from absl import flags

from largebatch import cli
from largebatch.experiments.analyses import output
from largebatch.experiments.launching import flags as execution_flags
from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.folder_name import run_folder
from largebatch.experiments.rows.overrides import apply_overrides, parse_assignments
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry
from largebatch.optimizers.scaling import legw_warmup_epochs, linear_scaling, sqrt_scaling

RULES = {"sqrt": sqrt_scaling, "linear": linear_scaling}


class Observed(NamedTuple):
    """One run. `records` are the observer's, in the order of the updates."""

    row: Row
    folder: str
    records: list[dict[str, Any]]


def define(values: flags.FlagValues, points: int) -> None:
    """Defines the flags that say which rows to run, and how."""
    execution_flags.define(values)
    define = cli.Define(values)
    define.multi_string("experiment", [], "A row; may be given several times.")
    define.list("batch_sizes", None, "Batch sizes to run each row at. Default: its own.")
    define.float("epochs", None, "Epochs of each run. Default: the row's.")
    define.enum(
        "scaling",
        "sqrt",
        [*RULES, "none"],
        "How the rate follows the batch, from the row's. The warm-up grows with the batch (LEGW), "
        "except with none.",
    )
    define.integer("points", points, "How many measurements during each run.")
    define.integer("seed", 0, "Seed of the runs.")
    define.output_folder("output", None, "A folder for picture, numbers and the runs.")


def rows_asked_for(values: flags.FlagValues) -> list[Row]:
    """A row for each --experiment and batch size.

    Raises:
      UserError: None is asked for, or a row cannot be run at another batch size.
    """
    if not values.experiment:
        raise UserError("--experiment is missing, for example table7/lamb")
    if values.output is None:
        raise UserError("--output is missing: the folder for picture, numbers and the runs")
    cli.at_least(values, points=2)
    rows = []
    for name in values.experiment:
        assignments = parse_assignments(values.set)
        if values.epochs is not None:
            assignments.setdefault("epochs", repr(values.epochs))
        base = registry.run_of(registry.find(name))
        row = apply_overrides(registry.scaled(base, values.scale), assignments)
        if values.batch_sizes is None:
            rows.append(row)
            continue
        for batch in output.numbers("batch_sizes", values.batch_sizes, int):
            rows.append(at_batch_size(row, batch, values.scaling))
    return rows


def at_batch_size(row: Row, batch: int, scaling: str) -> Row:
    """`row` with another batch, its rate and warm-up carried over by the rules named."""
    if row.training_examples is None:
        raise UserError(
            f"--batch_sizes: {row.name} is a row of text, of which the paper has one for each "
            "batch size; give each as an --experiment"
        )
    changes = {"batch_size": str(batch)}
    if scaling != "none":
        rate = RULES[scaling](row.learning_rate, row.batch_size, batch)
        warmup = legw_warmup_epochs(row.warmup_epochs, row.batch_size, batch)
        changes |= {"learning_rate": repr(rate), "warmup_epochs": repr(warmup)}
    return apply_overrides(row, changes)


def run_all(
    values: flags.FlagValues,
    rows: Sequence[Row],
    kind: str,
    new_observer: Callable,
    seeds: Iterable[int] | None = None,
) -> tuple[int, list[Observed]]:
    """Runs the rows with each of the seeds (None: with --seed), one after another, each in its
    folder under OUTPUT/runs; what has finished is not run again.

    `new_observer` is as `launch` takes it; `kind` is that of its records. Returns (0, or the exit
    code of the run that was stopped; what was observed).
    """
    from largebatch.experiments.launching import launch

    observed = []
    seeds = [values.seed] if seeds is None else list(seeds)
    for row, seed in itertools.product(rows, seeds):
        folder = run_folder(os.path.join(values.output, "runs"), row, seed)
        settings = RunSettings(
            output_dir=folder,
            seed=seed,
            **{name: values[name].value for name in execution_flags.FORWARDED},
        )
        code = launch.launch(row, settings, new_observer)
        if code not in (launch.FINISHED, launch.DIVERGED):
            return code, observed
        observed.append(Observed(row, folder, records_of(folder, kind)))
    return 0, observed


def records_of(folder: str, kind: str) -> list[dict[str, Any]]:
    """The records of `kind` in a run's folder.

    Raises:
      UserError: There are none: the run was not observed.
    """
    from largebatch import tpu

    records = [r for r in tpu.RunFolder(folder).metrics() if r["kind"] == kind]
    if not records:
        raise UserError(f"{folder}: this run recorded no {kind!r}; run it with this program")
    return records


def settings_of(row: Row) -> dict[str, Any]:
    """What an analysis keeps of a row that it ran."""
    told = ("name", "scale", "batch_size", "learning_rate", "steps")
    return {"overrides": dict(row.overrides), **{field: getattr(row, field) for field in told}}


def evenly(last: int, points: int) -> list[int]:
    """`points` whole numbers from 0 to `last`, evenly."""
    return sorted({round(last * n / (points - 1)) for n in range(points)})


def place(record: dict[str, Any]) -> float:
    """The epoch or, of text, the share of the run's examples."""
    return record.get("epoch", record.get("progress"))
