"""What to know when reading a table: sentences below it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from largebatch.experiments.records.best import HOW
from largebatch.experiments.records.text_floors import floors_of
from largebatch.experiments.reporting.model import like_with_like, words
from largebatch.experiments.reporting.model.cells import Cell, TableReport


def notes(table: TableReport) -> list[str]:
    found = []
    if table.scale != "paper":
        found.append(
            f"The recipe at {table.scale} scale, on other data or another model than the paper's: "
            "not comparable with its numbers."
        )
    if table.cells[0].row.metric == "masked_lm_accuracy":
        found.append(
            "A proxy: the accuracy of the masked language model on held-out text, in place of the "
            "paper's metric, the F1 score."
        )
        found += _floors(table)
    if any(cell.best and cell.row.grid for cell in table.cells):
        found.append(f"Best of each tuning grid, {HOW}, by the mean over the seeds.")
    known: dict[str, list[str]] = {}
    for cell in table.all_cells:
        floor = words.floors(cell.best.runs, cell.row.metric) if cell.best else ""
        if floor:
            known.setdefault(floor, []).append(cell.row.label)
    found += [f"Floor of {', '.join(labels)}: {floor}." for floor, labels in known.items()]
    unusual: dict[str, list[str]] = {}
    for cell in table.cells:
        tried = sum(bool(point.runs) for point in cell.points)
        if cell.runs and (set(cell.counts) != {"finished"} or tried < len(cell.points)):
            unusual.setdefault(words.status_note(cell), []).append(cell.row.label)
    found += [f"{', '.join(labels)}: {note}." for note, labels in unusual.items()]
    return found + _of_the_code(table)


def _floors(table: TableReport) -> list[str]:
    """What counting the words of the same training text scores, and which rows are above it."""
    found = []
    by_text: dict[str, tuple[dict, list[Cell]]] = {}
    for cell in (cell for cell in table.cells if cell.summary):
        floors = floors_of(cell.runs[0].record, table.texts)
        by_text.setdefault(json.dumps(floors), (floors, []))[1].append(cell)
    for floors, cells in by_text.values():
        masked, sentences = (
            floors.get(f"{name}_accuracy", {}) for name in ("masked_lm", "next_sentence")
        )
        if not masked:
            labels = [cell.row.label for cell in cells]
            found.append(f"Floors not computed (experiments.floors) for {', '.join(labels)}.")
            continue
        told = []
        for name, score in masked.items():
            above = [cell.row.label for cell in cells if cell.summary.mean > score]
            labels = ", ".join(above) or "none"
            told.append(f"{name.replace('_', ' ')} {score:.4f} (above it: {labels})")
        found.append(f"Floors, by counting the words of the training text: {'; '.join(told)}.")
        found += [
            f"Next sentence, always the {name} label: {score:.4f}."
            for name, score in sentences.items()
        ]
    return found


def _of_the_code(table: TableReport) -> list[str]:
    """Of the lines as run, and of the part of the images that is compared."""
    found = []
    others = [other for cell in table.cells for other in cell.as_run]
    if others:
        found.append(
            "As run: with the settings of the first author's public code; `run --describe "
            f"--experiment={others[-1].row.name}` lists the differences from the paper."
        )
    shared = [c for c in others if c.row.same_run_as]
    found += [f"{c.row.name} is the same run as {c.row.same_run_as}." for c in shared]
    every = table.all_cells
    parts = sorted({c.row.eval_subset for c in every if c.row.subset_metric})
    for part in parts:
        found.append(
            f"The printed value was scored on the first {part:,} test images (inferred from its "
            "digits and the code); the difference is on those."
        )
    lacking = [c.row.name for c in every if c.summary and c.row.subset_metric
               and not like_with_like.subset(c)]  # fmt: skip
    if lacking:
        found.append(f"Compared on all images, as the runs have no other score: {_some(lacking)}.")
    if any(cell.logged for cell in every):
        found.append("(log): not printed in the paper; from a log or report of its authors' code.")
    return found


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
