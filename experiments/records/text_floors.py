"""The floors of a text: found for a run by what it says of its data, and set beside its figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_COUNTS = ("sequence_length", "train_examples", "eval_examples")


def same_text(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two records of data (a run's `data`) are of one vocabulary and the same examples."""
    return identity(one) == identity(other)


def floors_of(
    record: Mapping[str, Any], texts: Iterable[Mapping[str, Any]]
) -> dict[str, dict[str, float]]:
    """{metric: {floor: score}} of a run's text: its record's own, or those of the same text among
    `texts`; {} where they are not known."""
    if "floors" in record:
        return record["floors"]
    data = record.get("data")
    if not isinstance(data, Mapping) or "vocabulary_sha256" not in data:
        return {}
    return next((text["floors"] for text in texts if same_text(text, data)), {})


def identity(data: Mapping[str, Any]) -> dict[str, Any]:
    """What tells a text from another one in a run's `data`: not where it lies."""
    stages = [{name: stage[name] for name in _COUNTS} for stage in data["stages"]]
    return {"vocabulary_sha256": data["vocabulary_sha256"], "stages": stages}
