"""Scales: pure functions Row -> Row.

'paper' is the real thing; what 'laptop' and 'smoke' mean for a table is told in its module, by
functions of these names, and so is 'laptop-cifar10' for what the paper ran on ImageNet.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from largebatch.experiments.rows import choices
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.source import Source

SCALES = ("paper", "laptop", "smoke")  # every table has these
ALL_SCALES = (*SCALES, "laptop-cifar10")
MEANING = "How much to run: all of it, the recipe on less data or a smaller model, or a few steps."


def of(row: Row) -> tuple[str, ...]:
    """The scales that the row has, so far as its table has them: as run, the paper's and a few
    steps."""
    return ("paper", "smoke") if row.follows_code else ALL_SCALES


def at(row: Row) -> str:
    """' at laptop scale', behind a row's name; '' at the paper's."""
    return "" if row.scale == "paper" else f" at {row.scale} scale"


def replaced(row: Row, note: str, **changes: Any) -> Row:
    """Returns `row` with `changes`, whose source becomes 'assumed: note' where a value differs."""
    changes = {f: value for f, value in changes.items() if getattr(row, f) != value}
    notes = {field: Source("assumed", note) for field in changes}
    return dataclasses.replace(row, **changes, sources={**row.sources, **notes})


def proportional_batch(row: Row, dataset: str) -> int:
    """The batch on `dataset` that keeps batch / N, and so the steps an epoch, about the same; a
    multiple of 8, so that a few devices divide it."""
    exact = row.batch_size * choices.TRAINING_EXAMPLES[dataset] / row.training_examples
    return max(8, 8 * round(exact / 8))
