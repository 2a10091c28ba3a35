"""Scales: pure functions Row -> Row.

'paper' is the real thing; what 'laptop' and 'smoke' mean for a table is told in its module, by
functions of these names, and so is 'laptop-cifar10' for what the paper ran on ImageNet.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from largebatch.experiments import names
from largebatch.experiments.errors import UserError, nearest
from largebatch.experiments.experiment import Row
from largebatch.experiments.sources import Source
from largebatch.experiments.validation import validate

SCALES = ("paper", "laptop", "smoke")  # every table has these
ALL_SCALES = (*SCALES, "laptop-cifar10")


def of(row: Row) -> tuple[str, ...]:
    """The scales that the row has, so far as its table has them: as run, the paper's and a few
    steps."""
    return ("paper", "smoke") if row.follows_code else ALL_SCALES


def scaled(row: Row, scale: str) -> Row:
    """Returns `row` at `scale`, marked with it; 'paper' returns the row as it is.

    Overrides come after: a row that is scaled or overridden already is refused.
    """
    if scale not in ALL_SCALES:
        raise UserError(
            f"unknown scale {scale!r}{nearest(scale, ALL_SCALES)}; valid: {', '.join(ALL_SCALES)}"
        )
    if row.scale != "paper" or row.overrides:
        raise ValueError(f"{row.name} is scaled or overridden already; scale the paper's row")
    if scale == "paper":
        return row
    if scale not in of(row):
        raise UserError(
            f"--scale={scale}: {row.name} is what the first author's code ran, at its own scale "
            f"only; want --scale=paper (or smoke), or {row.twin}"
        )
    # Imported here: the tables' modules build on this one.
    from largebatch.experiments import registry

    scale_down = getattr(registry.module(row.table), scale.replace("-", "_"), None)
    if scale_down is None:
        raise UserError(f"{row.table} has no scale {scale!r}; valid: {', '.join(SCALES)}")
    scaled_row = scale_down(row)
    return validate(dataclasses.replace(scaled_row, scale=scale))


def replaced(row: Row, note: str, **changes: Any) -> Row:
    """Returns `row` with `changes`, whose source becomes 'assumed: note' where a value differs."""
    changes = {f: value for f, value in changes.items() if getattr(row, f) != value}
    notes = {field: Source("assumed", note) for field in changes}
    return dataclasses.replace(row, **changes, sources={**row.sources, **notes})


def proportional_batch(row: Row, dataset: str, multiple: int = 8) -> int:
    """The batch on `dataset` that keeps batch / N, and so the steps an epoch, about the same.

    Rounded to `multiple`, so that a few devices divide it.
    """
    exact = row.batch_size * names.TRAINING_EXAMPLES[dataset] / row.training_examples
    return max(multiple, multiple * round(exact / multiple))
