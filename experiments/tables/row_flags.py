"""The flags of programs about one row: which it is, its scale, what is changed of it."""

from __future__ import annotations

from absl import flags

from largebatch import cli
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows import scale
from largebatch.experiments.rows.overrides import apply_overrides, parse_assignments
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry


def define(values: flags.FlagValues, example: str) -> None:
    """Defines --experiment, --scale and --set in `values`."""
    cli.Define(values).string(
        "experiment", None, f"The row, for example {example}; run --list prints all."
    )
    define_scale(values)
    define_set(values)


def define_scale(values: flags.FlagValues) -> None:
    """Defines --scale in `values`."""
    cli.Define(values).enum(
        "scale",
        "paper",
        scale.ALL_SCALES,
        "paper is the real run; laptop less data or a smaller model; smoke a few steps.",
    )


def define_set(values: flags.FlagValues) -> None:
    """Defines --set in `values`."""
    text = "field=value: change a setting; may be given several times."
    cli.Define(values).multi_string("set", [], text)


def row_of(values: flags.FlagValues) -> Row:
    """The row that they name, or the one whose run it shows; UserError for none."""
    if values.experiment is None:
        raise UserError("--experiment is missing; run --list prints all names")
    row = registry.run_of(registry.find(values.experiment))
    return apply_overrides(registry.scaled(row, values.scale), parse_assignments(values.set))
