"""run --list and run --describe, as text and as JSON."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Sequence
from typing import Any

from largebatch.experiments.records.row_record import list_record, row_record
from largebatch.experiments.rows import defaults
from largebatch.experiments.rows.row import SETTINGS, Row
from largebatch.experiments.rows.source import Source
from largebatch.experiments.tables.twins import UNUSED, differences, source_of, twins_of


def list_rows(rows: Sequence[Row], form: str) -> str:
    """All rows: a line each, or a JSON list of objects."""
    if form == "json":
        return json.dumps([list_record(row) for row in rows], indent=1)
    header = ("name", "model", "data", "optimizer", "batch", "steps", "rate", "runs", "paper")
    lines = [header]
    for row in rows:
        points = math.prod(map(len, row.grid.values()))
        batches = "/".join(str(stage.batch_size) for stage in row.stages)
        steps = str(sum(stage.steps for stage in row.stages))
        rates = "/".join(f"{stage.learning_rate:g}" for stage in row.stages)
        paper = ", ".join(f"{metric} {value}" for metric, value in row.paper.items())
        lines.append((row.name, row.model, row.dataset, row.optimizer, batches, steps, rates,
                      f"{points}", paper))  # fmt: skip
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
    ]
    return "\n".join([*text, "", f"{len(rows)} rows; 'runs' is the points of the tuning grid."])


def describe(row: Row, form: str) -> str:
    """Every setting of one row with its source, what is derived, and what the paper prints."""
    if form == "json":
        return json.dumps({**row_record(row), "differences": _records(row)}, indent=1)
    marks = [f"the same run as {row.same_run_as}"] if row.same_run_as else []
    marks += [f"twin {row.twin}"] if row.twin else []
    marks += [] if row.scale == "paper" else [f"scale {row.scale}"]
    marks += [f"overridden: {', '.join(row.overrides)}"] if row.overrides else []
    title = f"{row.name}: {row.label}" + (f"  [{'; '.join(marks)}]" if marks else "")
    lines = [title, "", "settings"]
    unused = []
    for field in SETTINGS:
        if field in row.unused_fields:
            continue
        source = source_of(row, field)
        if source == UNUSED:
            unused.append(field)
        else:
            lines += _entry(field, defaults.value_of(row, field), _text(source))
    if unused:
        lines += ["", "not used by it", *(f"  {line}" for line in textwrap.wrap(", ".join(unused)))]
    lines += ["", "derived"]
    if row.training_examples:
        lines += _entry("training_examples", row.training_examples, f"of {row.dataset}")
        epoch, whole = "examples / batch_size", "ceil"
        if row.floor_epochs:
            epoch, whole = "floor(examples / batch_size)", "round"
        lines += _entry("steps", row.steps, f"rule: {whole}(epochs x {epoch})")
        note = f"rule: warmup_epochs x {epoch}"
    else:
        note = f"rule: warmup_ratio x the steps of {'stage 1' if row.rewarmup else 'the run'}"
    lines += _entry("warmup_steps", row.warmup_steps, note)
    for number, stage in enumerate(row.stages, start=1):
        values = ", ".join(f"{k} {v}" for k, v in stage._asdict().items() if v is not None)
        lines += _entry(f"stage {number}", "", values)
    lines += ["", "tuning grid"]
    for field, values in row.grid.items():
        lines += _entry(field, "", ", ".join(f"{value:g}" for value in values))
    if not row.grid:
        lines += _entry("none", "", "")
    lines += ["", "printed"]
    for metric, value in row.paper.items():
        lines += _entry(metric, value, _text(row.printed_source(metric)))
    for twin in _twins(row):
        lines += ["", f"differences from {twin.name} (its value below this row's)"]
        for found in differences(row, twin):
            lines += _entry(found.field, found.value, _text(found.source))
            lines += _entry("", found.twin_value, _text(found.twin_source))
    return "\n".join(lines)


def _twins(row: Row) -> list[Row]:
    """Rows to tell `row` from: of a scaled row none, which differs from everything printed."""
    return twins_of(row) if row.scale == "paper" else []


def _records(row: Row) -> dict[str, dict[str, Any]]:
    """{twin's name: {field: both values and their sources}}."""
    return {
        twin.name: {found.field: found.record() for found in differences(row, twin)}
        for twin in _twins(row)
    }


def _text(source: Source) -> str:
    return source.note if source == UNUSED else f"{source.kind}: {source.note}"


def _entry(name: str, value: Any, note: str) -> list[str]:
    shown = "-" if value is None else str(value)
    if isinstance(value, float) and len(shown) > 14:
        shown = f"{value:.8g}"  # as wide as the column; --format=json has all digits
    head = f"  {name:<29} {shown:<14} "
    return textwrap.wrap(note, 100, initial_indent=head, subsequent_indent=" " * len(head)) or [
        head.rstrip()
    ]
