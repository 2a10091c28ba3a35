"""table(): rows from a layout that reads like the printed table."""

from __future__ import annotations

import dataclasses
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


def table(name: str, base: Row, name_pattern: str, columns: str, *rows: tuple) -> dict[str, Row]:
    """Returns {row name: Row} for one table of the paper, in the printed order.

    Args:
      name: of the table, 'table7'.
      base: what all rows share.
      name_pattern: a format of the rows' fields, '{optimizer}'; the name is 'table7/' + that.
      columns: the fields' names, separated by spaces. 'sources' is merged into the base's.
      *rows: a tuple a row, a cell a column.

    Raises:
      ValueError: a misspelt or repeated column, a row of another length than the columns, a name
        that two rows share, a setting that says nothing of its source, or a senseless value.
    """
    fields = columns.split()
    for field in fields:
        if field not in _COLUMNS:
            raise ValueError(f"{name}: unknown column {field!r}{nearest(field, _COLUMNS)}")
        if fields.count(field) > 1:
            raise ValueError(f"{name}: the column {field!r} is given twice")
    made: dict[str, Row] = {}
    for number, cells in enumerate(rows, start=1):
        if len(cells) != len(fields):
            raise ValueError(
                f"{name}: row {number} has {len(cells)} cells, want {len(fields)} "
                f"({columns.strip()}): {cells!r}"
            )
        row = _row(name, base, name_pattern, dict(zip(fields, cells)))
        if row.name in made:
            raise ValueError(f"{name}: row {number} has the name of another row, {row.name!r}")
        made[row.name] = row
    return made


def same_runs(name: str, rows: dict[str, Row], columns: str, *cells: tuple) -> dict[str, Row]:
    """Returns {row name: Row}: runs of another table, under the names and figures of this one.

    Args:
      name: of this table, 'table4'.
      rows: the other table's.
      columns: 'same_run_as', 'label' and what this table prints; 'name', where it is not the
        other row's; 'sources', where they differ.
      *cells: a tuple a row.
    """
    fields = columns.split()
    made = {}
    for values in cells:
        given = dict(zip(fields, values))
        if len(given) != len(values) or given["same_run_as"] not in rows:
            raise ValueError(f"{name}: {values!r} does not fit the columns {columns!r}")
        run = rows[given["same_run_as"]]
        own_name = f"{name}/{given.pop('name', run.name.partition('/')[2])}"
        printed = {field: None for field in PAPER_FIELDS}
        own = {f: source for f, source in run.sources.items() if f not in PAPER_FIELDS}
        given_sources = given.pop("sources", {})
        made[own_name] = dataclasses.replace(
            run,
            **{**printed, "twin": "", **given, "name": own_name, "table": name},
            sources={**own, **given_sources},
        )
    return made


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
