"""table(): rows from a layout that reads like the printed table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from largebatch.experiments.program.errors import nearest
from largebatch.experiments.rows.author_code import AS_RUN
from largebatch.experiments.rows.row import PAPER_FIELDS, SETTINGS, Row
from largebatch.experiments.rows.source import Source, paper
from largebatch.experiments.rows.validation import validate

_COLUMNS = (*SETTINGS, *PAPER_FIELDS, "label", "twin", "grid", "sources")
# What the paper says of an optimizer in all its experiments; a row's own sources come first.
_NORM = paper(
    "section 2: ||.|| is the l2-norm; appendix F: 'We use L2 norm as the default'", "norm"
)
_OF_OPTIMIZER: dict[str, dict[str, Source]] = {
    "lamb": {
        **_NORM,
        **paper(
            "Algorithm 2 corrects both moments. A contradiction: appendix E and Figure 2's caption "
            "say 'we removed adam-correction from the LAMB optimizer'",
            "bias_correction",
        ),
    },
    "nlamb": _NORM,
    "nnlamb": _NORM,
    "lars": _NORM,
}


def table(
    name: str, base: Row, name_pattern: str, columns: str, *rows: tuple, printed: tuple = ()
) -> dict[str, Row]:
    """Returns {row name: Row} for one table of the paper, in the printed order.

    Args:
      name: of the table, 'table7'.
      base: what all rows share.
      name_pattern: a format of the rows' fields, '{optimizer}'; the name is 'table7/' + that.
      columns: the fields' names, separated by spaces. 'sources' is merged into the base's.
      *rows: a tuple a row, a cell a column.
      printed: what the paper prints, in a block of its own: its columns, then a tuple a row. It
        begins with columns of the rows', the same cells again; 'label' and PAPER_FIELDS follow,
        these without their 'paper_'.

    Raises:
      ValueError: a misspelt or repeated column, a row of another length than the columns, a name
        that two rows share, what is printed for another row, a setting that says nothing of its
        source, or a senseless value.
    """
    made: dict[str, Row] = {}
    for number, cells in enumerate(_cells(name, columns, rows, printed), start=1):
        for field in cells:
            if field not in _COLUMNS:
                raise ValueError(f"{name}: unknown column {field!r}{nearest(field, _COLUMNS)}")
        row = _row(name, base, name_pattern, cells)
        if row.name in made:
            raise ValueError(f"{name}: row {number} has the name of another row, {row.name!r}")
        made[row.name] = row
    return made


def same_runs(
    name: str, rows: dict[str, Row], columns: str, *cells: tuple, printed: tuple = ()
) -> dict[str, Row]:
    """Returns {row name: Row}: runs of another table, under the names and figures of this one.

    Args:
      name: of this table, 'table4'.
      rows: the other table's.
      columns: 'same_run_as', 'label' and what this table prints; 'name', where it is not the
        other row's; 'sources', where they differ.
      *cells: a tuple a row.
      printed: As in `table`.
    """
    made = {}
    for given in _cells(name, columns, cells, printed):
        if given["same_run_as"] not in rows:
            raise ValueError(f"{name}: there is no row {given['same_run_as']!r} to show")
        run = rows[given["same_run_as"]]
        own_name = f"{name}/{given.pop('name', run.name.partition('/')[2])}"
        blank = {field: None for field in PAPER_FIELDS}
        own = {f: source for f, source in run.sources.items() if f not in PAPER_FIELDS}
        given_sources = given.pop("sources", {})
        made[own_name] = dataclasses.replace(
            run,
            **{**blank, "twin": "", **given, "name": own_name, "table": name},
            sources={**own, **given_sources},
        )
    return made


def _cells(name: str, columns: str, rows: Sequence[tuple], printed: tuple) -> list[dict[str, Any]]:
    """{column: cell} of each row, with those of the block of what is printed."""
    found = _block(name, columns, rows)
    if not printed:
        return found
    shown = _block(name, printed[0], printed[1:])
    if len(shown) != len(found):
        raise ValueError(f"{name}: {len(shown)} rows are printed, want {len(found)}")
    for number, (own, others) in enumerate(zip(found, shown), start=1):
        keys = own.keys() & others.keys()
        if not keys or any(own[key] != others[key] for key in keys):
            raise ValueError(f"{name}: row {number} is {own!r}, what is printed is of {others!r}")
        for field in others.keys() - keys:
            own[field if field == "label" else f"paper_{field}"] = others[field]
    return found


def _block(name: str, columns: str, rows: Sequence[tuple]) -> list[dict[str, Any]]:
    fields = columns.split()
    for field in fields:
        if fields.count(field) > 1:
            raise ValueError(f"{name}: the column {field!r} is given twice")
    for number, cells in enumerate(rows, start=1):
        if len(cells) != len(fields):
            raise ValueError(
                f"{name}: row {number} has {len(cells)} cells, want {len(fields)} "
                f"({columns.strip()}): {cells!r}"
            )
    return [dict(zip(fields, cells)) for cells in rows]


def twins(rows: dict[str, Row]) -> dict[str, Row]:
    """Returns `rows`, each `...-as-run` and the row that it is named after made each other's twin.

    Raises ValueError where there is no such row.
    """
    paired = dict(rows)
    for name in rows:
        printed = name.removesuffix(AS_RUN)
        if printed == name:
            continue
        if printed not in rows:
            raise ValueError(f"{name} has no twin: there is no row {printed!r}")
        paired[name] = dataclasses.replace(rows[name], twin=printed)
        paired[printed] = dataclasses.replace(rows[printed], twin=name)
    return paired


def _row(name: str, base: Row, name_pattern: str, cells: dict[str, Any]) -> Row:
    own = {**base.sources, **cells.pop("sources", {})}
    row = dataclasses.replace(base, table=name, **cells)
    row = dataclasses.replace(row, sources={**_OF_OPTIMIZER.get(row.optimizer, {}), **own})
    full_name = f"{name}/{name_pattern.format(**vars(row))}".lower()
    row = validate(dataclasses.replace(row, name=full_name, label=row.label or full_name))
    used = [f for f in SETTINGS if f not in row.unused_fields]
    silent = [f for f in used if f not in row.sources and getattr(row, f) is not None]
    if silent:
        raise ValueError(f"{full_name}: no source is declared for {', '.join(silent)}")
    unknown = [f for f in row.sources if f not in (*SETTINGS, *PAPER_FIELDS)]
    if unknown:
        hint = nearest(unknown[0], SETTINGS)
        raise ValueError(f"{full_name}: a source is declared for no setting: {unknown[0]!r}{hint}")
    for field, values in row.grid.items():
        if field not in SETTINGS:
            raise ValueError(f"{full_name}: unknown field {field!r} in its grid")
        if getattr(row, field) not in values:
            raise ValueError(f"{full_name}: its {field} {getattr(row, field)!r} is not on its grid")
    return row
