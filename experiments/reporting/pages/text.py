"""The report for a terminal."""

from __future__ import annotations

import shutil

from largebatch.experiments.claims import words as claim_words
from largebatch.experiments.program.text_table import aligned
from largebatch.experiments.reporting.model import headline, words
from largebatch.experiments.reporting.model.cells import Report, TableReport
from largebatch.experiments.reporting.model.columns import Item
from largebatch.experiments.reporting.model.grids import Grid, as_sheet, fitting, grid, plain
from largebatch.experiments.reporting.pages import entries
from largebatch.experiments.reporting.pages.entries import Block


def as_text(report: Report) -> str:
    columns = shutil.get_terminal_size((120, 24)).columns
    parts = [entries.opening(report), claim_words.as_table(report.claims, columns)]
    glance = headline.sheet(headline.lines(report))
    if glance:
        parts += ["The tables, each by its best row:", aligned(glance)]
    for entry in entries.entries(report, drawn=False):
        for block in entry.blocks:
            parts += [part for table in block.tables for part in _table(table, columns)]
            parts += ["\n".join(f"  {line}" for line in (*block.notes, *_concluded(block)))]
            if not any(cell.runs for cell in block.cells):
                parts += ["\n".join(f"  To run it: {line}" for line in block.commands)]
    if report.overridden:
        parts += [f"Overridden runs. {entries.EXPLAIN_OVERRIDDEN}"]
        parts += [aligned(words.overridden_sheet(report.overridden))]
    if report.left_out:
        parts += [f"Left out: {len(report.left_out)}"]
        parts += [aligned(words.left_out_sheet(report))]
    return "\n\n".join(part for part in parts if part)


def _table(table: TableReport, columns: int) -> list[str]:
    shown = _plain(table, columns)
    caption = f": {shown.caption}" if shown.caption else ""
    parts = [f"{table.title}{caption}", aligned(as_sheet(shown))]
    tuning = words.tuning_sheet(table)
    if tuning:
        parts += ["  Tuning, mean ± standard deviation (n), * the best:", aligned(tuning)]
    return parts


def _plain(table: TableReport, columns: int) -> Grid:
    """Turned on its side where the terminal is too narrow for the paper's layout."""
    shown = grid(table, joined=False)
    lines = [[first, *(Item(plain(item)) for item in items)] for first, *items in shown.lines]
    return fitting(shown._replace(lines=lines), columns)


def _concluded(block: Block) -> list[str]:
    return [f"{one.word} ({one.scale}): {one.sentence}; {one.figures}" for one in block.conclusions]
