"""Where a setting comes from: the paper, its authors' code, a rule of the paper, an assumption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

KINDS = ("paper", "code", "rule", "assumed")


class Source(NamedTuple):
    """`note` names the place, the rule, or who else uses the value.

    `kind` is paper (printed there), code (in the first author's public code or logs), rule
    (computed from a rule of the paper) or assumed (all of these are silent).
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


def code(note: str, fields: str) -> dict[str, Source]:
    """The space-separated `fields` are in the first author's public code; `note` says where."""
    return _declared("code", note, fields)


def rule(note: str, fields: str) -> dict[str, Source]:
    """The space-separated `fields` are computed from the paper's rule `note`."""
    return _declared("rule", note, fields)


def assumed(note: str, fields: str) -> dict[str, Source]:
    """Paper and code are silent on the `fields`; `note` says where the values are from."""
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
