"""Whether a run is a run of a row: the rule that keeps different settings apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records import former
from largebatch.experiments.records.reader import Run
from largebatch.experiments.rows import defaults
from largebatch.experiments.rows.row import SETTINGS, Row
from largebatch.experiments.tables import registry

# How often a run looks at the test set, and at which part by itself, changes nothing in training.
_WITHOUT_EFFECT = ("eval_every_epochs", "eval_subset")
# What comes after pre-training changes nothing where that is what the row is judged by.
_FINE_TUNING = "squad_"


def row_of(run: Run) -> Row | None:
    """The row that `run` is of, at the run's scale, by its name of now; None if there is none.

    Of several rows that the run's name may stand for, the one that fewest of its settings differ
    from; of two such, the first.
    """
    rows = [row for name in former.names(run.name) if (row := _scaled(name, run.scale))]
    if len(rows) < 2:
        return rows[0] if rows else None
    return min(rows, key=lambda row: len(set(differences(run, row)) - set(run.overrides)))


def _scaled(name: str, scale: str) -> Row | None:
    try:
        return registry.scaled(registry.find(name), scale)
    except UserError:
        return None


def differences(run: Run, row: Row, on_grid: bool = True) -> dict[str, tuple[Any, Any]]:
    """{field: (the row's value, the run's)} where they differ.

    A setting that is left open is compared as what it stands for. With `on_grid`, another point of
    the row's tuning grid is no difference.
    """
    found = {}
    for field in SETTINGS:
        if field in _WITHOUT_EFFECT or (field.startswith(_FINE_TUNING) and row.metric != "f1"):
            continue
        if getattr(row, field) == run.row.get(field):
            continue  # most are, and need no second look
        ours = _plain(field, getattr(row, field), vars(row))
        theirs = _plain(field, run.row.get(field), run.row)
        if theirs != ours and not (on_grid and theirs in row.grid.get(field, ())):
            found[field] = (ours, theirs)
    return found


def _plain(field: str, value: Any, settings: Mapping[str, Any]) -> Any:
    """As JSON has it, and with what None stands for."""
    optimizer, model = (str(settings.get(of)) for of in ("optimizer", "model"))
    return json.loads(json.dumps(defaults.filled(field, value, optimizer, model)))
