"""--set field=value: text to a value of the field's type, and the row with it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

from largebatch.experiments.program.errors import UserError, nearest
from largebatch.experiments.rows import choices
from largebatch.experiments.rows.row import IDENTITY_FIELDS, PAPER_FIELDS, SETTINGS, Row
from largebatch.experiments.rows.source import Source
from largebatch.experiments.rows.validation import validate

_DERIVED = {
    "steps": "epochs and batch_size, or total_steps",
    "steps_per_epoch": "batch_size and floor_epochs",
    "eval_every": "eval_every_epochs",
    "warmup_steps": "warmup_epochs and batch_size, or warmup_ratio",
    "stages": "epochs, batch_size, learning_rate and warmup_epochs",
    "training_examples": "dataset",
}
_KINDS = {**{"int": int, "float": float, "bool": bool, "str": str}, "tuple[float, float]": tuple}
_WANTED = {
    **{int: "a whole number", float: "a number", bool: "true or false", str: "a name"},
    tuple: "two numbers, for example 0,10",
}


def parse_assignments(assignments: Iterable[str]) -> dict[str, str]:
    """['learning_rate=0.1', ...] -> {'learning_rate': '0.1', ...}."""
    parsed: dict[str, str] = {}
    for assignment in assignments:
        field, equals, text = assignment.partition("=")
        field = field.strip()
        if not equals or not field:
            raise UserError(f"--set {assignment!r}: want field=value, for example epochs=3")
        if field in parsed:
            raise UserError(f"--set {field} is given twice: {parsed[field]!r} and {text!r}")
        parsed[field] = text.strip()
    return parsed


def apply_overrides(row: Row, assignments: Mapping[str, str]) -> Row:
    """Returns `row` with the fields set, each recorded in `row.overrides` with its new value.

    A value equal to the row's own is no override. Raises UserError for a field that does not exist
    or is not to be set, a value of the wrong type, and a row that makes no sense.
    """
    types = {field.name: str(field.type) for field in dataclasses.fields(Row)}  # 'float | None'
    changes: dict[str, Any] = {}
    for field, text in assignments.items():
        _check_field(field)
        value = _parse(field, text, types[field])
        if value != getattr(row, field):
            changes[field] = value
    if not changes:
        return row
    notes = {
        field: Source("assumed", f"--set; the row's own value is {getattr(row, field)!r}")
        for field in changes
    }
    changed = dataclasses.replace(
        row, **changes, overrides={**row.overrides, **changes}, sources={**row.sources, **notes}
    )
    validate(changed)
    _check_used(changed, changes)
    return changed


def _check_field(field: str) -> None:
    if field in _DERIVED:
        raise UserError(f"--set {field}: it is derived; set {_DERIVED[field]} instead")
    if field in IDENTITY_FIELDS or field in PAPER_FIELDS:
        raise UserError(f"--set {field}: it says what the row is and cannot be set")
    if field not in SETTINGS:
        hint = nearest(field, SETTINGS)
        raise UserError(f"--set {field}: unknown field{hint}; --describe prints all")


def _parse(field: str, text: str, annotation: str) -> Any:
    kind_name, _, rest = annotation.partition(" | ")
    kind = _KINDS[kind_name]
    optional = rest == "None"
    if text.lower() == "none" and field in choices.EXCLUDING:
        return choices.NOTHING  # excluded; elsewhere `none` is 'not given'
    if optional and text.lower() == "none":
        return None
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if kind is tuple:
            lower, upper = (_finite(part) for part in text.split(","))
            return lower, upper
        value = _finite(text) if kind is float else kind(text)
    except (ValueError, KeyError):
        wanted = _WANTED[kind] + (" or none" if optional else "")
        raise UserError(f"--set {field}={text}: {text!r} is not {wanted}") from None
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _check_used(row: Row, changes: Mapping[str, Any]) -> None:
    """Refuses a setting that would change nothing: that the row's optimizer or model ignores."""
    settings = {field for fields in choices.OPTIMIZER_SETTINGS.values() for field in fields}
    used = choices.OPTIMIZER_SETTINGS[row.optimizer]
    for field in changes:
        if field in row.unused_fields:
            raise UserError(f"--set {field}: it means nothing for {row.task}, {row.name}'s task")
        if field in settings and field not in used:
            raise UserError(
                f"--set {field}: the optimizer {row.optimizer!r} has no such setting; it has: "
                f"{', '.join(('learning_rate', *used))}"
            )
        readers = [m for m, fields in choices.MODEL_SETTINGS.items() if field in fields]
        if readers and row.task == "classification" and row.model not in readers:
            raise UserError(
                f"--set {field}: the model {row.model!r} has no such setting; it is one of "
                f"{', '.join(readers)}"
            )
