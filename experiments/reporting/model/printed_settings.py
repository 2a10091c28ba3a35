"""The settings that the paper prints in its tables, in its words."""

from __future__ import annotations

import math
from collections.abc import Callable

from largebatch.experiments.reporting.model import words
from largebatch.experiments.reporting.model.cells import Cell, TableReport

TUNING = "Top-1 Validation Accuracy"  # what Tables 9 to 25 measure


def columns(table: TableReport) -> dict[str, Callable[[Cell], str]]:
    """{name: the setting's text} of the table's columns, or lines.

    The labels of lines are the paper's; of a scaled table its own settings are told beside them.
    """
    here = "" if table.scale == "paper" else " here"
    return {f"{name}{here}": _TEXTS[name] for name in _shown(table)}


def _shown(table: TableReport) -> tuple[str, ...]:
    if table.layout.measures == TUNING:
        names = ("learning rate", "weight decay", "L2 regularization")
        if table.cells[0].row.optimizer != "adamw":
            names = names[:1]
    else:
        names = _SHOWN.get(table.table, ())
    if table.scale != "paper":
        return names
    if table.layout.measures == TUNING:
        return names[1:]  # its lines are named after their rates
    return names if table.layout.down else tuple(n for n in names if n != "batch size")


def _rate(cell: Cell) -> str:
    """'5/(2^3.0·10^3)' where the row's square-root scaling is printed so."""
    row = cell.row
    top, power = {"table4": (5, 3), "table5": (4, 2)}.get(row.table, (0, 0))
    if top and row.scale == "paper":
        halvings = math.log2(top / 10**power / row.learning_rate)
        return f"{top}/(2^{halvings:.1f}·10^{power})"
    return "tuned" if "learning_rate" in row.grid else words.plain(row.learning_rate)


def batch_size(cell: Cell) -> str:
    sizes = dict.fromkeys(stage.batch_size for stage in cell.row.stages)
    return "/".join(f"{size}" for size in sizes)


def _warmup_ratio(cell: Cell) -> str:
    return f"1/{1 / cell.row.warmup_ratio:g}" if cell.row.warmup_ratio else "0"


def _warmup_steps(cell: Cell) -> str:
    return f"{cell.row.warmup_ratio:.2f} x {cell.row.steps}"


def _l2(cell: Cell) -> str:
    strength = cell.row.l2_regularization
    return f"default ({strength:g})" if strength else "disable"


_TEXTS: dict[str, Callable[[Cell], str]] = {
    "batch size": batch_size,
    "steps": lambda cell: f"{cell.row.steps}",
    "learning rate": _rate,
    "warm-up ratio": _warmup_ratio,
    "warm-up steps": _warmup_steps,
    "warm-up epochs": lambda cell: words.plain(cell.row.warmup_epochs),
    "weight decay": lambda cell: words.plain(cell.row.weight_decay),
    "L2 regularization": _l2,
    "epochs": lambda cell: words.plain(cell.row.epochs),
}
_SHOWN = {
    "table1": ("batch size", "steps"),
    "table4": ("batch size", "learning rate", "warm-up ratio"),
    "table5": ("batch size", "learning rate", "warm-up epochs"),
    "table8": ("batch size", "warm-up steps", "learning rate"),
    "alexnet": ("batch size", "epochs", "learning rate"),
    "lecture6": ("batch size", "epochs"),
    "lecture7": ("batch size", "epochs"),
    "lstm": ("batch size", "learning rate", "warm-up epochs"),
}
