"""All rows by name. A table's module is imported when its rows are first asked for."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import importlib
import types
from pathlib import Path

from largebatch.experiments.program.errors import UserError, nearest
from largebatch.experiments.rows import scale as scales
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.validation import validate

# In the paper's order, then its figures, what stands in its text alone, the lecture's tables and
# the studies: each is a module of this folder that holds LAYOUT, ROWS, laptop() and smoke().
PAPER_TABLES = tuple(f"table{number}" for number in range(1, 26))
_IN_ORDER = (
    *PAPER_TABLES,
    *("figure1", "figure2", "figure3", "figure9"),
    *("section41", "section42"),
    *("alexnet", "lecture6", "lecture7", "lstm"),
    *("reality_check", "resnet50", "batch_sizes", "limit", "prose"),
)


def _tables() -> tuple[str, ...]:
    """The tables above and, behind them, further modules with a LAYOUT: a new table is a module."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    others = [file for file in files if file.stem not in (*_IN_ORDER, "registry")]
    found = [f.stem for f in others if "\nLAYOUT = " in f.read_text(encoding="utf-8")]
    return (*_IN_ORDER, *found)


TABLES = _tables()


def table_name(text: str) -> str:
    """'7' or 'table7' as a user writes it -> 'table7'; an unknown one is an error."""
    table = text if text in TABLES or text.startswith("table") else f"table{text}"
    if table not in TABLES:
        raise UserError(
            f"unknown table {text!r}{nearest(table, TABLES)}; there are: {', '.join(TABLES)}"
        )
    return table


def table_names(text: str) -> list[str]:
    """'3,5' -> ['table3', 'table5'], each once, in the order given."""
    return list(dict.fromkeys(table_name(one.strip()) for one in text.split(",")))


def module(table: str) -> types.ModuleType:
    """The module of a table, 'table7'."""
    return importlib.import_module(f"largebatch.experiments.tables.{table}")


def table_flag(table: str) -> str:
    """The table as --table takes it: '7', 'figure1'."""
    return table[len("table") :] if table.startswith("table") else table


def heading(table: str) -> str:
    """What a reader calls it: 'Table 7', 'Figure 1'."""
    return module(table).LAYOUT.heading or f"Table {table_flag(table)}"


@functools.lru_cache(maxsize=1)
def all_rows() -> dict[str, Row]:
    """name -> Row for every table, in the paper's order."""
    rows: dict[str, Row] = {}
    for table in TABLES:
        rows.update(module(table).ROWS)
    return rows


def find(name: str) -> Row:
    """The row of that name; an unknown one suggests the nearest."""
    rows = all_rows()
    if name not in rows:
        hint = nearest(name.lower(), rows)
        raise UserError(f"unknown experiment {name!r}{hint}; run --list prints all names")
    return rows[name]


def run_of(row: Row) -> Row:
    """The row whose run `row` shows: itself, or the row of another table."""
    return all_rows()[row.run_name]


def matching(glob: str) -> list[Row]:
    """The rows whose names match `glob`, 'table7/*'; none is an error."""
    rows = all_rows()
    found = [row for name, row in rows.items() if fnmatch.fnmatchcase(name, glob.lower())]
    if not found:
        hint = nearest(glob.lower(), [*rows, *(f"{table}/*" for table in TABLES)])
        raise UserError(f"no experiment matches {glob!r}{hint}; --list prints all names")
    return found


def scaled(row: Row, scale: str) -> Row:
    """Returns `row` at `scale`, marked with it; 'paper' returns the row as it is.

    Overrides come after: a row that is scaled or overridden already is refused.
    """
    if scale not in scales.ALL_SCALES:
        raise UserError(
            f"unknown scale {scale!r}{nearest(scale, scales.ALL_SCALES)}; "
            f"valid: {', '.join(scales.ALL_SCALES)}"
        )
    if row.scale != "paper" or row.overrides:
        raise ValueError(f"{row.name} is scaled or overridden already; scale the paper's row")
    if scale == "paper":
        return row
    if scale not in scales.of(row):
        raise UserError(
            f"--scale={scale}: {row.name} is what the first author's code ran, at its own scale "
            f"only; want --scale=paper (or smoke), or {row.twin}"
        )
    scale_down = getattr(module(row.table), scale.replace("-", "_"), None)
    if scale_down is None:
        raise UserError(f"{row.table} has no scale {scale!r}; valid: {', '.join(scales.SCALES)}")
    scaled_row = scale_down(row)
    return validate(dataclasses.replace(scaled_row, scale=scale))
