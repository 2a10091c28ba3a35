"""The report as Markdown: the same blocks as the page, short enough to be quoted one by one."""

from __future__ import annotations

from collections.abc import Sequence

from largebatch.experiments.claims import words as claim_words
from largebatch.experiments.program.text_table import Sheet, as_prose, piped
from largebatch.experiments.reporting.model import headline, origins, words
from largebatch.experiments.reporting.model.cells import Report, TableReport
from largebatch.experiments.reporting.model.grids import as_sheet, grid
from largebatch.experiments.reporting.pages.entries import (
    EXPLAIN_OVERRIDDEN,
    GROUPS,
    PAPER,
    Block,
    Entry,
    all_counts,
    counted,
    counts,
    matrix,
    opening,
)

PICTURES = "figures"  # the folder of the pictures, beside the file
LONG = 12  # lines of a table; longer ones are folded


def as_markdown(report: Report, entries: Sequence[Entry]) -> str:
    """Each table or figure between comments that name it: `<!-- table7 -->`."""
    lead = f"The tables and figures of *{PAPER}*, run again. {as_prose(opening(report))}"
    parts = ["# Measured beside printed", lead]
    if report.claims:
        parts += ["## Claims and verdicts", claim_words.summary(report.claims, "###")]
    glance = headline.sheet(headline.lines(report))
    if glance:
        parts += ["## Results at a glance", "Each table by its best row.", piped(glance)]
    parts += ["## What there is", _counts(report), _index(entries)]
    for group in GROUPS:
        mine = [entry for entry in entries if entry.group == group]
        parts += [f"## {group}"] if mine else []
        for entry in mine:
            parts += [f"### {entry.heading}: {entry.title}"]
            parts += [_block(entry, block, report) for block in entry.blocks]
    if report.overridden:
        parts += ["## Overridden runs", EXPLAIN_OVERRIDDEN]
        parts += [piped(words.overridden_sheet(report.overridden))]
    if report.left_out:
        parts += ["## Left out", piped(words.left_out_sheet(report))]
    return "\n\n".join(part for part in parts if part)


def _counts(report: Report) -> str:
    rows = [[scale, counted(found)] for scale, found in all_counts(report).items()]
    rows.append(["overridden, in no cell", f"{len(report.overridden)}"])
    rows.append(["left out", f"{len(report.left_out)}"])
    return piped(Sheet(["scale", "cells"], rows))


def _index(entries: Sequence[Entry]) -> str:
    scales, lines = matrix(entries)
    rows = []
    for entry, states in zip(entries, lines):
        told = (states.get(scale) for scale in scales)
        cells = ("" if one is None else f"{one.measured} of {one.cells}" for one in told)
        rows.append([entry.heading, entry.title, *cells])
    return piped(Sheet(["", "measured cells of", *scales], rows))


def _block(entry: Entry, block: Block, report: Report) -> str:
    anchor = entry.block_anchor(block)
    name = "The paper's scale" if block.scale == "paper" else f"{block.scale.capitalize()} scale"
    parts = [f"<!-- {anchor} -->", f"**{name}**, {block.what}: {counted(block.counts)}."]
    parts += [_table(table, len(block.tables) > 1) for table in block.tables]
    parts += [as_prose(" ".join(block.notes))]
    parts += ["\n".join(f"- **{c.word}** ({c.scale}): {c.sentence}; {as_prose(c.figures)}"
                        for c in block.conclusions)]  # fmt: skip
    parts += ["\n".join(f"![{p.caption}]({PICTURES}/{p.name}.svg)" for p in block.pictures)]
    if block.commands:
        parts += ["```\n" + "\n".join(block.commands) + "\n```"]
    parts += [f"<!-- /{anchor} -->"]
    parts += [_details(table, report) for table in block.tables]
    return "\n\n".join(part for part in parts if part)


def _table(table: TableReport, folded: bool) -> str:
    shown = as_sheet(grid(table))
    text = piped(shown)
    if len(shown.rows) <= LONG and not folded:
        return text
    summary = f"{table.heading}: {len(shown.rows)} lines, {counted(counts(table.cells))}"
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def _details(table: TableReport, report: Report) -> str:
    parts = ["<details><summary>Settings that the paper does not print, where each value is from, "
             "and the command of each cell</summary>"]  # fmt: skip
    tuning = words.tuning_sheet(table)
    if tuning:
        parts += ["Tuning: mean ± standard deviation (n), \\* the best.", piped(tuning)]
    parts += [piped(words.provenance_sheet(table))]
    found = origins.origins_sheet(table, report)
    parts += [piped(found)] if found else []
    commands = [c for cell in table.all_cells for c in words.commands(cell, table.layout.seeds)]
    parts += ["```\n" + "\n".join(commands) + "\n```", "</details>"]
    return "\n\n".join(part for part in parts if part)
