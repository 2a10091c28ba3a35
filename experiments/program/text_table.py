"""A table of text, for a terminal and for Markdown."""

from __future__ import annotations

import re
from typing import NamedTuple

NOTHING = "-"


class Sheet(NamedTuple):
    header: list[str]
    rows: list[list[str]]


def aligned(sheet: Sheet, indent: str = "  ") -> str:
    """Columns padded to their widest cell, a rule under the header."""
    lines = [[as_one_line(cell) for cell in line] for line in (sheet.header, *sheet.rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(sheet.header))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        (indent + "  ".join(c.ljust(w) for c, w in zip(line, widths))).rstrip() for line in lines
    )


def piped(sheet: Sheet) -> str:
    """A table of GitHub's Markdown."""
    bar = "\\|"

    def line(cells: list[str]) -> str:
        return f"| {' | '.join(_escaped(cell).replace('|', bar) for cell in cells)} |"

    return "\n".join([line(sheet.header), "|" + "---|" * len(sheet.header), *map(line, sheet.rows)])


def as_prose(text: str) -> str:
    """`text` as a line of Markdown: what a file or folder is named opens no HTML there."""
    return _TAG.sub("&lt;", _ENTITY.sub("&amp;", as_one_line(text)))


def _escaped(text: str) -> str:
    return as_prose(text.replace("\\", "\\\\").replace("*", "\\*"))


def as_one_line(text: str) -> str:
    """Without what would break a line or steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


_TAG, _ENTITY = re.compile(r"<(?=[A-Za-z/!?])"), re.compile(r"&(?=#?\w+;)")
