"""What an analysis leaves behind: a picture, and the numbers in it as JSON."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from typing import Any

from largebatch.experiments.program.errors import UserError


def write(folder: str, name: str, record: dict[str, Any], picture: str) -> None:
    """Writes NAME.json and NAME.svg in `folder`, and says so."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(f"{path}.json", "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1, allow_nan=False)
        file.write("\n")
    with open(f"{path}.svg", "w", encoding="utf-8") as file:
        file.write(picture)
    print(f"wrote {path}.svg and {path}.json")


def numbers(flag: str, texts: Iterable[str], kind: type) -> list:
    """The positive numbers of a flag's list, in its order; at least one."""
    try:
        values = [kind(text) for text in texts]
    except ValueError:
        values = []
    if not values or not all(math.isfinite(value) and value > 0 for value in values):
        wanted = "whole numbers" if kind is int else "numbers"
        raise UserError(f"--{flag}={','.join(texts)}: want positive {wanted}, separated by commas")
    return values
