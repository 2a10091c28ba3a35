"""The settings that the paper prints in its tables, in its words."""

from __future__ import annotations

import math
from collections.abc import Callable

from largebatch.experiments.reporting.model import words
from largebatch.experiments.reporting.model.cells import Cell, TableReport


def columns(table: TableReport) -> dict[str, Callable[[Cell], str]]:
    """{name: the setting's text} of the table's columns, or lines.

    The labels of lines are the paper's; of a scaled table its own settings are told beside them.
    """
    paper = table.scale == "paper"
    texts = {**_TEXTS, "learning rate": lambda cell: _rate(cell, table.layout.halved_rates)}
    names = [n for n in table.layout.settings if not (paper and n == table.layout.labelled)]
    return {name if paper else f"{name} here": texts[name] for name in names}


def _rate(cell: Cell, halved: tuple[int, int] | None) -> str:
    """'5/(2^3.0·10^3)' where the row's square-root scaling is printed so."""
    row = cell.row
    if halved and row.scale == "paper":
        top, power = halved
        halvings = math.log2(top / 10**power / row.learning_rate)
        return f"{top}/(2^{halvings:.1f}·10^{power})"
    return "tuned" if "learning_rate" in row.grid else words.plain(row.learning_rate)


def batch_size(cell: Cell) -> str:
    sizes = dict.fromkeys(stage.batch_size for stage in cell.row.stages)
    return "/".join(f"{size}" for size in sizes)


def _l2(cell: Cell) -> str:
    strength = cell.row.l2_regularization
    return f"default ({strength:g})" if strength else "disable"


_TEXTS: dict[str, Callable[[Cell], str]] = {
    "batch size": batch_size,
    "steps": lambda cell: f"{cell.row.steps}",
    "warm-up ratio": lambda cell: f"1/{1 / ratio:g}" if (ratio := cell.row.warmup_ratio) else "0",
    "warm-up steps": lambda cell: f"{cell.row.warmup_ratio:.2f} x {cell.row.steps}",
    "warm-up epochs": lambda cell: words.plain(cell.row.warmup_epochs),
    "weight decay": lambda cell: words.plain(cell.row.weight_decay),
    "L2 regularization": _l2,
    "epochs": lambda cell: words.plain(cell.row.epochs),
}
