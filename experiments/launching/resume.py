"""What a run's folder already holds: this run, to go on with or ended, or another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.row_record import row_record
from largebatch.experiments.rows.row import Row

if TYPE_CHECKING:
    from largebatch.tpu.folder.run_folder import RunFolder

# What must agree for a folder to be resumed by a run.
IDENTITY = ("name", "scale", "seed", "overrides", "row")


def earlier_result(folder: RunFolder, row: Row, settings: RunSettings) -> dict[str, Any] | None:
    """Returns the folder's result if this run has ended in it; refuses another run's folder."""
    stored = folder.read_json("experiment.json")
    if stored is None:
        return None
    wanted = {**row_record(row), "seed": settings.seed}
    for field in IDENTITY:
        if _plain(stored.get(field)) != _plain(wanted[field]):
            raise UserError(
                f"--output_dir={folder.path} holds another run: {_difference(stored, wanted)}; "
                "give another folder, or remove it to start again"
            )
    result = folder.read_json("result.json")
    if not result or result.get("status") not in ("finished", "diverged"):
        return None
    to_score = settings.squad_dir and "f1" not in result["metrics"]
    return None if to_score and result["status"] == "finished" else result


def say_if_elsewhere(stored: dict[str, Any] | None, experiment: dict[str, Any]) -> None:
    """Logs that a run continues on other devices; its global batch is unchanged."""
    before, now = (stored or {}).get("num_devices"), experiment["num_devices"]
    if before not in (None, now):
        settings = experiment["row"]
        changes = "dropout" if settings["task"] == "pretraining" else "batch norm"
        but = f", but for {changes} where a micro-batch changes its size"
        print(
            f"this run was on {before} devices and goes on with {now}: the same global batches, "
            f"equal to rounding{'' if settings['norm_batch'] else but}"
        )


def _difference(stored: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Names the first thing in which two runs differ, for the message."""
    for field in ("name", "scale", "seed"):
        if stored.get(field) != wanted[field]:
            return f"{field} {stored.get(field)!r} found, {wanted[field]!r} wanted"
    theirs, mine = stored.get("row") or {}, wanted["row"]
    for field in mine:
        if _plain(theirs.get(field)) != _plain(mine[field]):
            return f"{field} {theirs.get(field)!r} found, {mine[field]!r} wanted"
    return f"overrides {stored.get('overrides')!r} found, {wanted['overrides']!r} wanted"


def _plain(value):
    """A value as JSON gives it back: tuples are lists. None is 'default': as if it were absent, so
    that a setting which a later version adds does not tell a run of today from one of then."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
