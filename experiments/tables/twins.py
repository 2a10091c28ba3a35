"""The row as printed and the row as run: what differs between the two, setting by setting."""

from __future__ import annotations

from typing import Any, NamedTuple

from largebatch.experiments.rows.defaults import reads, value_of, why
from largebatch.experiments.rows.row import SETTINGS, Row
from largebatch.experiments.rows.source import Source
from largebatch.experiments.tables import registry

UNUSED = Source("unused", "not used")  # of no kind: the setting has no value
_DERIVED = ("steps", "warmup_steps")


class Difference(NamedTuple):
    """One setting: a row's value, then its twin's, each with where it is from."""

    field: str
    value: Any
    source: Source
    twin_value: Any
    twin_source: Source

    def record(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "source": self.source._asdict(),
            "twin_value": self.twin_value,
            "twin_source": self.twin_source._asdict(),
        }


def twins_of(row: Row) -> list[Row]:
    """The rows that `row` is to be read with: its twin first. Most rows have none.

    More than one stands beside table7/adamw: the run that its log is of, and AdamW itself.
    """
    rows = registry.all_rows()
    named = [rows[row.twin]] if row.twin else []
    return named + [r for r in rows.values() if r.twin == row.name and r.name != row.twin]


def differences(row: Row, twin: Row) -> list[Difference]:
    """The settings in which two rows differ, in the order of Row; then what is derived of them."""
    found = [
        Difference(f, value_of(row, f), source_of(row, f), value_of(twin, f), source_of(twin, f))
        for f in SETTINGS
        if value_of(row, f) != value_of(twin, f)
    ]
    derived = Source("rule", "derived")
    for field in _DERIVED:
        ours, theirs = getattr(row, field), getattr(twin, field)
        if ours != theirs:
            found.append(Difference(field, ours, derived, theirs, derived))
    return found


def source_of(row: Row, field: str) -> Source:
    """Where the setting is from; of one that the row leaves open, what that means."""
    declared = row.sources.get(field)
    if declared is not None:
        return declared
    if not reads(row, field):
        return UNUSED
    return Source("assumed", f"not given; {why(row, field)}")
