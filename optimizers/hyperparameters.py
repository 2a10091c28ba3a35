"""Checks of an optimizer's numbers, so that a slip fails where it is made."""

from __future__ import annotations


def fraction(name: str, value: float) -> float:
    """`value` if 0 <= value < 1, as of a decay rate of moments or a momentum."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be in [0, 1), found {value!r}")
    return value


def not_negative(name: str, value: float) -> float:
    """`value` if it is 0 or more."""
    if not value >= 0:
        raise ValueError(f"{name} must be 0 or more, found {value!r}")
    return value
