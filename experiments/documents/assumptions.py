"""Writes the list of what the suite had to assume, made from the rows: nothing can be missing.

    python -m largebatch.experiments.assumptions                                # prints it
    python -m largebatch.experiments.assumptions --output=docs/assumptions.md   # writes it

Each setting that a run reads and that neither the paper, nor its first author's code, nor a rule of
the paper gives, of every row. A test holds that docs/assumptions.md is what this prints.
"""

from __future__ import annotations

from typing import Any

from largebatch import cli
from largebatch.experiments.program.text_table import Sheet, piped
from largebatch.experiments.reporting.model import words
from largebatch.experiments.rows import defaults
from largebatch.experiments.rows.row import SETTINGS
from largebatch.experiments.tables import registry

COMMAND = "python -m largebatch.experiments.assumptions --output=docs/assumptions.md"
MOST_VALUES = 3  # of a setting; more differ from row to row
HEADER = ["setting", "value", "in", "why"]


def as_markdown() -> str:
    parts = [
        "# What the suite had to assume",
        f"Made by `{COMMAND}`, from the rows; a test keeps it current. Each setting of a row has a "
        "source: `paper`, `code` (the first author's public code), `rule` (computed from a rule of "
        "the paper) or `assumed`. This page lists all settings that a run reads and that none of "
        "the first three gives. `run --describe` prints them for one row, and "
        "[sources.md](sources.md) has the works that are cited. What no row can set (the models' "
        "fixed parts, how text is masked) is in the docstrings of models and data.",
        "## Chosen",
        "Paper and code say nothing; the row has this value, for the reason given. `tuned`: the "
        "best of the row's tuning grid.",
        piped(chosen()),
        "## Left open",
        "The row has no value of its own: the default of its optimizer or model holds, or the "
        "setting is off (`-`). Exclusions have names: `default` excludes layer normalisation, "
        "batch norm's scale and offset, and biases; `bert` layer normalisation and biases; "
        "`nothing` nothing.",
        piped(left_open()),
    ]
    return "\n\n".join(parts) + "\n"


def chosen() -> Sheet:
    """A line for each assumed setting and reason: its values and the tables that have it."""
    lines = _Lines()
    for row in _runs():
        for field, source in row.sources.items():
            value = getattr(row, field) if field in SETTINGS else None
            if source.kind == "assumed" and value is not None:
                shown = "tuned" if field in row.grid else words.plain(value)
                lines.add(field, source.note, shown, row.table)
    return lines.sheet()


def left_open() -> Sheet:
    """A line for each setting without a source: what holds then, and the tables that leave it."""
    lines = _Lines()
    for row in _runs():
        for field in defaults.settings_read(row):
            if field not in row.sources:
                value = defaults.value_of(row, field)
                shown = "-" if value is None else words.plain(value)
                lines.add(field, defaults.why(row, field), shown, row.table)
    return lines.sheet()


def _runs():
    """Every row that is a run of its own."""
    return (row for row in registry.all_rows().values() if not row.same_run_as)


class _Lines:
    """(setting, why) -> its values and its tables, each once and in order."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any]]] = {}

    def add(self, field: str, why: str, value: str, table: str) -> None:
        values, tables = self._found.setdefault((field, why), ({}, {}))
        values[value] = tables[table] = None

    def sheet(self) -> Sheet:
        rows = [
            [field, _values(list(values)), where(list(tables)), why]
            for (field, why), (values, tables) in self._found.items()
        ]
        rows.sort(key=lambda line: SETTINGS.index(line[0]))
        return Sheet(HEADER, rows)


def _values(values: list[str]) -> str:
    return ", ".join(values) if len(values) <= MOST_VALUES else "differs by row"


def where(tables: list[str]) -> str:
    """'Tables 3, 9 to 12; Figure 1'."""
    numbers = [int(t[len("table") :]) for t in tables if t in registry.PAPER_TABLES]
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][-1] == number - 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    texts = [f"{s[0]} to {s[-1]}" if len(s) > 2 else ", ".join(map(str, s)) for s in spans]
    parts = [f"{'Table' if len(numbers) == 1 else 'Tables'} {', '.join(texts)}"] if texts else []
    parts += [registry.module(t).LAYOUT.heading for t in tables if t not in registry.PAPER_TABLES]
    return "; ".join(parts)


FLAGS, program, console = cli.document(as_markdown, __doc__)


if __name__ == "__main__":
    console()
