"""What a run's files say of its row: the part of experiment.json that the row alone determines."""

from __future__ import annotations

from typing import Any

from largebatch.experiments.rows.row import SETTINGS, Row

FORMAT = 1


def row_record(row: Row) -> dict[str, Any]:
    """{"format", "name", "table", "scale", "twin", "overrides", "row", "sources"}.

    Of JSON types; "row" holds the settings and what is derived of them. The run adds its seed,
    device, versions and results.
    """
    return {
        "format": FORMAT,
        "name": row.run_name,
        "table": row.table,
        "scale": row.scale,
        "twin": row.twin or None,
        "overrides": dict(row.overrides),
        "row": {
            "label": row.label,
            "task": row.task,
            **{field: getattr(row, field) for field in SETTINGS},
            "steps": row.steps,
            "warmup_steps": row.warmup_steps,
            "stages": [stage._asdict() for stage in row.stages],
            "paper": row.paper,
            "grid": {field: list(values) for field, values in row.grid.items()},
        },
        "sources": source_record(row),
    }


def source_record(row: Row) -> dict[str, dict[str, str]]:
    return {field: source._asdict() for field, source in row.sources.items()}


def list_record(row: Row) -> dict[str, Any]:
    """The object of `run --list --format=json`."""
    fields = (
        *("name", "table", "task", "model", "dataset", "optimizer"),
        *("weight_decay", "l2_regularization", "epochs"),
    )
    return {
        **{f: None if f in row.unused_fields else getattr(row, f) for f in fields},
        "stages": [stage._asdict() for stage in row.stages],
        "twin": row.twin or None,
        "paper": row.paper,
        "grid": {field: list(values) for field, values in row.grid.items()},
        "sources": source_record(row),
    }
