"""The report for a terminal and for Markdown."""

from __future__ import annotations

import shutil

from largebatch.experiments.claims import words
from largebatch.experiments.program.text_table import Sheet, aligned, piped
from largebatch.experiments.reporting.model import result_sheets
from largebatch.experiments.reporting.model import words as sheets
from largebatch.experiments.reporting.model.cells import Report

EXPLAIN_OVERRIDDEN = (
    "Settings changed by hand, or that the row had before; these fill no cell above."
)


def opening(report: Report) -> str:
    """'21 runs under DIR, 2 of them left out.'"""
    if not report.counted:
        return f"No runs under {report.root}."
    left = f", {len(report.left_out)} left out (listed below)" if report.left_out else ""
    return f"{report.counted} runs under {report.root}{left}."


def as_text(report: Report) -> str:
    parts = [opening(report), words.as_table(report.claims, _columns())]
    for table in report.tables:
        parts += [table.title, _fitting(result_sheets.result_sheet(table))]
        parts += ["\n".join(f"  {note}" for note in result_sheets.notes(table))]
        tuning = sheets.tuning_sheet(table)
        if tuning:
            parts += ["  Tuning, mean ± standard deviation (n), * the best:", aligned(tuning)]
        commands = {line for cell in table.cells for line in sheets.commands(cell, 1)[:1]}
        if not any(cell.runs for cell in table.cells) and commands:
            parts += [
                f"  To run it: python -m largebatch.experiments.sweep --table={table.flag} "
                f"--seeds={table.layout.seeds}{sheets.data_flags(table.cells[0].row)}"
            ]
    if report.overridden:
        parts += [f"Overridden runs. {EXPLAIN_OVERRIDDEN}"]
        parts += [aligned(sheets.overridden_sheet(report.overridden))]
    if report.left_out:
        parts += [f"Left out: {len(report.left_out)}"]
        parts += ["\n".join(f"  {path}: {reason}" for path, reason in report.left_out)]
    return "\n\n".join(part for part in parts if part)


def _columns() -> int:
    return shutil.get_terminal_size((120, 24)).columns


def _fitting(sheet: Sheet) -> str:
    """The table, turned on its side where the terminal is too narrow for the paper's layout."""
    text = aligned(sheet)
    if len(text.splitlines()[1]) <= _columns():
        return text
    header, *rows = zip(sheet.header, *sheet.rows)
    return aligned(Sheet(list(header), [list(row) for row in rows]))


def as_markdown(report: Report) -> str:
    parts = [opening(report), words.summary(report.claims, "###")]
    for table in report.tables:
        parts += [f"### {table.title}", piped(result_sheets.result_sheet(table))]
        parts += [" ".join(result_sheets.notes(table))]
        tuning = sheets.tuning_sheet(table)
        if tuning:
            parts += ["Tuning: mean ± standard deviation (n), \\* the best.", piped(tuning)]
        parts += ["<details><summary>What the paper does not say, and commands</summary>"]
        parts += [piped(sheets.provenance_sheet(table))]
        origins = sheets.origin_lines(table)
        parts += ["Measured with: " + "; ".join(origins) + "." if origins else ""]
        commands = [
            line for cell in table.all_cells for line in sheets.commands(cell, table.layout.seeds)
        ]
        parts += ["```\n" + "\n".join(commands) + "\n```", "</details>"]
    if report.overridden:
        parts += ["### Overridden runs", EXPLAIN_OVERRIDDEN]
        parts += [piped(sheets.overridden_sheet(report.overridden))]
    if report.left_out:
        parts += ["### Left out", piped(sheets.left_out_sheet(report))]
    return "\n\n".join(part for part in parts if part)
