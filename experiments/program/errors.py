"""The error of a user's mistake, and the suggestion of the nearest valid name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A mistake in what the user asked for: a program prints its message alone, exits with 2."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """Returns ' (did you mean X?)' for the valid name closest to `name`, or ''."""
    matches = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.5)
    return f" (did you mean {matches[0]}?)" if matches else ""
