"""A run's folder as the programs that work on a trained model read it."""

from __future__ import annotations

import dataclasses

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.match import row_of
from largebatch.experiments.records.reader import Run, read_run
from largebatch.experiments.rows.row import SETTINGS, Row
from largebatch.experiments.tables import registry


def open_run(folder: str) -> tuple[Run, Row]:
    """The run in `folder` and its row, with the settings that the run had, overrides and all.

    Raises:
      UserError: There is no run, or its row is unknown to this version.
    """
    found = read_run(folder)
    if not isinstance(found, Run):
        reason = f"{found.path} {found.reason}" if found else "no run's files are there"
        raise UserError(f"--run={folder}: {reason}")
    row = row_of(found) or registry.scaled(registry.find(found.name), found.scale)
    settings = {field: found.row[field] for field in SETTINGS if field in found.row}
    # A pair, that JSON makes a list of.
    settings = {f: tuple(v) if isinstance(v, list) else v for f, v in settings.items()}
    return found, dataclasses.replace(row, **settings)
