"""Whether a run is a run of a row: the rule that keeps different settings apart."""

from __future__ import annotations

import json
from typing import Any

from largebatch.experiments import registry, scales
from largebatch.experiments.errors import UserError
from largebatch.experiments.experiment import SETTINGS, Row
from largebatch.experiments.runs import Run

# How often a run looks at the test set changes nothing that it computes.
_WITHOUT_EFFECT = ("eval_every_epochs",)


def row_of(run: Run) -> Row | None:
    """The row that `run` names, at the run's scale; None if this version has none such."""
    try:
        return scales.scaled(registry.find(run.name), run.scale)
    except UserError:
        return None


def differences(run: Run, row: Row, on_grid: bool = True) -> dict[str, tuple[Any, Any]]:
    """{field: (the row's value, the run's)} where they differ.

    With `on_grid`, another point of the row's tuning grid is no difference.
    """
    found = {}
    for field in SETTINGS:
        if field in _WITHOUT_EFFECT:
            continue
        ours = json.loads(json.dumps(getattr(row, field)))
        theirs = run.row.get(field)
        if theirs != ours and not (on_grid and theirs in row.grid.get(field, ())):
            found[field] = (ours, theirs)
    return found
