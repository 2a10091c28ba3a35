"""Where a setting comes from: the paper, a rule of the paper, or an assumption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

KINDS = ("paper", "rule", "assumed")


class Source(NamedTuple):
    """`note` names the place, the rule, or who else uses the value.

    `kind` is paper (printed there), rule (computed from a rule of the paper) or assumed (the paper
    is silent).
    """

    kind: str
    note: str


def _declared(kind: str, note: str, fields: str) -> dict[str, Source]:
    if not note:
        raise ValueError(f"a source of kind {kind!r} needs a note, for the fields {fields!r}")
    return {field: Source(kind, note) for field in fields.split()}


def paper(note: str, fields: str) -> dict[str, Source]:
    """The space-separated `fields` are printed in the paper, at `note`."""
    return _declared("paper", note, fields)


def rule(note: str, fields: str) -> dict[str, Source]:
    """The space-separated `fields` are computed from the paper's rule `note`."""
    return _declared("rule", note, fields)


def assumed(note: str, fields: str) -> dict[str, Source]:
    """The paper is silent on the `fields`; `note` says where the values are from."""
    return _declared("assumed", note, fields)


def sources(*parts: Mapping[str, Source]) -> dict[str, Source]:
    """Joins declarations; a field that two of them declare is an error."""
    joined: dict[str, Source] = {}
    for part in parts:
        for field, source in part.items():
            if field in joined:
                raise ValueError(f"the source of {field!r} is declared twice")
            joined[field] = source
    return joined
