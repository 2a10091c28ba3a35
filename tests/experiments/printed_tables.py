"""Reads printed_tables.txt, what the paper prints, and compares it with a text of the paper.

    python tests/experiments/printed_tables.py PAPER.txt

PAPER.txt is the paper as text: a table's cells separated by tabs, below its caption, which begins
with "Table N: ". It is not part of the repository; without it the fixture stands for it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

FIXTURE = Path(__file__).with_name("printed_tables.txt")
K = 1024


class Printed(NamedTuple):
    """One table: what its caption gives, its header, its lines of cells."""

    caption: list[str]
    header: list[str]
    lines: list[list[str]]

    @property
    def columns(self) -> list[list[str]]:
        """The table on its side, without its first column: a list for each column of numbers."""
        return [list(column) for column in zip(self.header, *self.lines)][1:]


def read(path: Path = FIXTURE) -> tuple[dict[int, Printed], dict[str, list[str]]]:
    """({table number: Printed}, {section: its phrases})."""
    blocks: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            block = blocks.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            block.append(line)
    tables, sections = {}, {}
    for name, lines in blocks.items():
        if name.startswith("section "):
            sections[name[len("section ") :]] = lines
            continue
        caption = [line[2:] for line in lines if line.startswith("= ")]
        cells = [re.split(r"\s*\|\s*", line) for line in lines if not line.startswith("= ")]
        tables[int(name)] = Printed(caption, cells[0], cells[1:])
    return tables, sections


def batches(text: str) -> tuple[int, ...]:
    """'512' -> (512,), '16K' -> (16384,), '64k/32k' -> (65536, 32768)."""
    parts = text.lower().split("/")
    return tuple(int(p[:-1]) * K if p.endswith("k") else int(p) for p in parts)


def steps(text: str) -> int:
    """'1000k' -> 1000000, '62500' -> 62500: here k is a thousand."""
    return int(text[:-1]) * 1000 if text.endswith("k") else int(text)


def fraction(text: str) -> float:
    """'1/320', '5/(2^3.0 * 10^3)', '4/(2^0.5 * 100)'."""
    match = re.fullmatch(r"(\d+)/\(2\^([\d.]+) \* (\d+)(?:\^(\d+))?\)", text)
    if match:
        top, halvings, base, power = match.groups()
        return int(top) / (2 ** float(halvings) * int(base) ** int(power or 1))
    top, bottom = text.split("/")
    return int(top) / int(bottom)


def numbers(text: str) -> list[float]:
    """'{0.0001, 0.001}' -> [0.0001, 0.001]."""
    return [float(part) for part in text.strip("{}").split(",")]


def of_text(paper: str) -> tuple[dict[int, tuple[str, list[list[str]]]], str]:
    """({table number: (caption, lines of cells)}, the whole text on one line)."""
    lines, found = paper.splitlines(), {}
    for start, line in enumerate(lines):
        caption = re.match(r"Table (\d+): ", line)
        if not caption:
            continue
        end = start + 1
        while not lines[end].strip():
            end += 1
        body = []
        while end < len(lines) and lines[end].strip():
            body.append([_plain(cell) for cell in lines[end].split("\t")])
            end += 1
        found[int(caption[1])] = (_plain(line), body)
    return found, " ".join(_plain(line) for line in lines)


def _plain(text: str) -> str:
    """LaTeX's fractions, products and braces as the fixture writes them."""
    text = re.sub(r"\\frac\{(\d+)\}\{2\^\{([\d.]+)\} \\cdot ([\d^]+)\}", r"\1/(2^\2 * \3)", text)
    text = re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"\1/\2", text)
    return re.sub(r"\$([^$]*)\$", r"\1", text).strip()


def main(path: str) -> int:
    tables, sections = read()
    printed, text = of_text(Path(path).read_text(encoding="utf-8"))
    wrong = [f"Table {n} is in one of the two only" for n in sorted(set(tables) ^ set(printed))]
    for number in sorted(set(tables) & set(printed)):
        caption, body = printed[number]
        for ours, theirs in zip([tables[number].header, *tables[number].lines], body):
            if ours != theirs:
                wrong.append(f"Table {number}: {ours} here, {theirs} in the paper")
        if len(tables[number].lines) + 1 != len(body):
            wrong.append(f"Table {number}: {len(tables[number].lines)} lines, not {len(body) - 1}")
        wrong += [f"Table {number}: {c!r}" for c in tables[number].caption if c not in caption]
    for section, phrases in sections.items():
        wrong += [f"section {section}: {phrase!r}" for phrase in phrases if phrase not in text]
    cells = sum(len(line) for table in tables.values() for line in table.lines)
    print("\n".join(wrong) or f"{len(tables)} tables, {cells} cells: as in {path}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
