"""`report --all` as Markdown: the same blocks as the page, short enough to be quoted one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from largebatch.experiments.claims import words as words_of_claims
from largebatch.experiments.program.text_table import Sheet, piped
from largebatch.experiments.reporting.figures.pictures import Picture
from largebatch.experiments.reporting.model import words as sheets
from largebatch.experiments.reporting.model.cells import Report, TableReport
from largebatch.experiments.reporting.model.grids import Item, grid
from largebatch.experiments.reporting.pages import entries as paper_entries
from largebatch.experiments.reporting.pages.entries import GROUPS, Block, Entry
from largebatch.experiments.reporting.pages.html_page import PAPER
from largebatch.experiments.reporting.pages.text import EXPLAIN_OVERRIDDEN, opening

PICTURES = "figures"  # the folder of the pictures, beside the file
LONG = 12  # lines of a table; longer ones are folded


def as_markdown(report: Report, entries: Sequence[Entry]) -> str:
    """Each table or figure between comments that name it: `<!-- table7 -->`."""
    parts = ["# Measured beside printed", f"Every table and figure of *{PAPER}*. {opening(report)}"]
    if report.claims:
        parts += ["## Claims and verdicts", words_of_claims.summary(report.claims, "###")]
    parts += [_glance(report), _index(entries)]
    for group in GROUPS:
        parts.append(f"## {group}")
        for entry in entries:
            if entry.group == group:
                parts += [f"### {entry.heading}: {entry.title}"]
                parts += [_block(entry, block) for block in entry.blocks]
    if report.overridden:
        parts += ["## Overridden runs", EXPLAIN_OVERRIDDEN]
        parts += [piped(sheets.overridden_sheet(report.overridden))]
    if report.left_out:
        parts += ["## Left out", piped(sheets.left_out_sheet(report))]
    return "\n\n".join(part for part in parts if part)


def _glance(report: Report) -> str:
    rows = [[scale, words(found)] for scale, found in paper_entries.all_counts(report).items()]
    rows.append(["overridden, in no cell", f"{len(report.overridden)}"])
    rows.append(["left out", f"{len(report.left_out)}"])
    return piped(Sheet(["scale", "cells"], rows))


def _index(entries: Sequence[Entry]) -> str:
    rows = []
    for entry in entries:
        states = (
            words(block.counts) if block.scale == "paper" else f"{block.scale}: " +
            words(block.counts) for block in entry.blocks
        )  # fmt: skip
        rows.append([entry.heading, entry.title, "; ".join(states)])
    return piped(Sheet(["", "what", "cells"], rows))


def words(found: Mapping[str, int]) -> str:
    """'6 measured, 4 not run'."""
    return ", ".join(f"{number} {status}" for status, number in found.items())


def _block(entry: Entry, block: Block) -> str:
    anchor = entry.block_anchor(block)
    name = "The paper's scale" if block.scale == "paper" else f"{block.scale.capitalize()} scale"
    parts = [f"<!-- {anchor} -->", f"**{name}**, {block.what}: {words(block.counts)}."]
    parts += [_table(table, len(block.tables) > 1) for table in block.tables]
    parts += [" ".join(block.notes)]
    parts += ["\n".join(_picture(picture) for picture in block.pictures)]
    if block.commands:
        parts += ["```\n" + "\n".join(block.commands) + "\n```"]
    parts += [f"<!-- /{anchor} -->"]
    parts += [_details(table) for table in block.tables]
    return "\n\n".join(part for part in parts if part)


def _table(table: TableReport, folded: bool) -> str:
    shown = grid(table)
    lines = [[line[0].text, *map(plain, line[1:])] for line in shown.lines]
    text = piped(Sheet(list(shown.header), lines))
    if len(lines) <= LONG and not folded:
        return text
    state = words(paper_entries.counts(table.cells))
    summary = f"{table.heading}: {len(lines)} lines, {state}"
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def plain(item: Item) -> str:
    """'0.9924 ± 0.0004 (n = 5)'; the status in place of a value that is not there."""
    unusual = [status for status in item.statuses if status != "measured"]
    if not item.text or item.text == sheets.NOTHING:
        return " / ".join(unusual) or item.text
    note = ", ".join([part for part in (item.note, *unusual) if part])
    return f"{item.text} ({note})" if note else item.text


def _picture(picture: Picture) -> str:
    return f"![{picture.caption}]({PICTURES}/{picture.name}.svg)"


def _details(table: TableReport) -> str:
    parts = ["<details><summary>What is not printed, and the command of each cell</summary>"]
    parts += [piped(sheets.provenance_sheet(table))]
    origins = sheets.origin_lines(table)
    parts += ["Measured with: " + "; ".join(origins) + "." if origins else ""]
    commands = [c for cell in table.all_cells for c in sheets.commands(cell, table.layout.seeds)]
    parts += ["```\n" + "\n".join(commands) + "\n```", "</details>"]
    return "\n\n".join(part for part in parts if part)
