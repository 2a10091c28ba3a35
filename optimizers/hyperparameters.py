"""Checks of an optimizer's numbers, so that a slip fails where it is made."""

from __future__ import annotations

import math


def fraction(name: str, value: float) -> float:
    """`value` if 0 <= value < 1, as of a decay rate of moments or a momentum."""
    if not _within(value, 1):
        raise ValueError(f"{name} must be in [0, 1), found {value!r}")
    return value


def not_negative(name: str, value: float) -> float:
    """`value` if it is finite, and 0 or more."""
    if not _within(value, math.inf):
        raise ValueError(f"{name} must be 0 or more, found {value!r}")
    return value


def _within(value: float, above: float) -> bool:
    """Whether 0 <= value < above; None and text compare with no number."""
    try:
        return bool(0 <= value < above)
    except TypeError:
        return False
