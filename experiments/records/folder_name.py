"""Where a run's folder lies under a folder of runs.

runs/table7/lamb/learning_rate=0.001/seed=0
runs/laptop/table7/lamb/learning_rate=0.001/seed=0
runs/table6/momentum/seed=0                          (no grid)
"""

from __future__ import annotations

import os
from typing import Any

from largebatch.experiments.rows.row import Row


def run_folder(root: str, row: Row, seed: int) -> str:
    """The folder of `row` (after scale and overrides) and `seed` under `root`."""
    shown = shown_settings(row)
    parts = [root] + ([row.scale] if row.scale != "paper" else []) + row.name.split("/")
    if shown:
        parts.append(",".join(f"{field}={_text(value)}" for field, value in shown.items()))
    return os.path.join(*parts, f"seed={seed}")


def shown_settings(row: Row) -> dict[str, Any]:
    """The settings that a folder's name shows: the row's grid and its overrides."""
    shown = {field: getattr(row, field) for field in row.grid}
    shown.update({f: value for f, value in row.overrides.items() if f not in row.grid})
    return shown


def _text(value) -> str:
    if isinstance(value, tuple):
        return "-".join(f"{item:g}" for item in value)
    return f"{value:g}" if isinstance(value, (int, float)) and value is not True else str(value)
