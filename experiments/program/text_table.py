"""A table of text, for a terminal and for Markdown."""

from __future__ import annotations

from typing import NamedTuple

NOTHING = "-"


class Sheet(NamedTuple):
    header: list[str]
    rows: list[list[str]]


def aligned(sheet: Sheet, indent: str = "  ") -> str:
    """Columns padded to their widest cell, a rule under the header."""
    lines = [sheet.header, *sheet.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(sheet.header))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        (indent + "  ".join(c.ljust(w) for c, w in zip(line, widths))).rstrip() for line in lines
    )


def piped(sheet: Sheet) -> str:
    """A table of GitHub's Markdown."""

    def line(cells: list[str]) -> str:
        escaped = [c.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*") for c in cells]
        return f"| {' | '.join(escaped)} |"

    return "\n".join([line(sheet.header), "|" + "---|" * len(sheet.header), *map(line, sheet.rows)])
