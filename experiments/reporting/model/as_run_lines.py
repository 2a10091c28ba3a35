"""What the first author's code gives beside the paper's table: lines below it, no columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from largebatch.experiments.reporting.model import like_with_like, words
from largebatch.experiments.reporting.model.cells import Cell, TableReport
from largebatch.experiments.rows.author_code import AS_RUN

NAME = "as run"


class Line(NamedTuple):
    """One line, or column, of a table as it is printed: what it says of each of its cells."""

    name: str
    text: Callable[[Cell], str]


def lines(table: TableReport) -> list[Line]:
    """A block for each kind of row that stands beside the printed ones; [] where there is none.

    Most tables have one kind, the run of the code; Table 7 has AdamW itself, too.
    """
    found = []
    for kind in kinds(table):

        def line(name: str, text: Callable[[Cell], str], kind: str = kind) -> Line:
            return Line(f"{kind}{name}", lambda printed: _said(text, of_kind(printed, kind)))

        others = [other for cell in table.cells if (other := of_kind(cell, kind))]
        part = part_name(others)
        found.append(line("", _measured))
        if part:
            found.append(line(f", {part}", subset))
        found.append(line(" (n)", lambda c: str(c.summary.n) if c.summary else "0"))
        found.append(line(", difference", words.difference))
        if part:
            found.append(line(", compared on", like_with_like.scored_on))
    return found


def kinds(table: TableReport) -> list[str]:
    """What the rows beside the printed ones are called, each once."""
    return list(dict.fromkeys(_kind(other) for cell in table.cells for other in cell.as_run))


def of_kind(cell: Cell, kind: str) -> Cell | None:
    """The cell of that kind beside `cell`."""
    return next((other for other in cell.as_run if _kind(other) == kind), None)


def part_name(cells: Sequence[Cell]) -> str:
    """'on the first 8,000', of the part that printed values were scored on; '' where of all."""
    parts = sorted({c.row.eval_subset for c in cells if c.row.subset_metric})
    return f"on the first {' or '.join(f'{part:,}' for part in parts)}" if parts else ""


def subset(cell: Cell) -> str:
    """The mean and deviation over the images that the printed value was scored on."""
    summary = like_with_like.subset(cell)
    return words.spread(summary, cell.row.metric) if summary else words.NOTHING


def notes(table: TableReport) -> list[str]:
    """What to know of these lines, and of the part of the images that is compared."""
    found = []
    others = [other for cell in table.cells for other in cell.as_run]
    if others:
        found.append(
            "As run: at the settings of the first author's public code; what differs from the "
            f"paper's words: run --describe --experiment={others[-1].row.name}."
        )
    shared = [c for c in others if c.row.same_run_as]
    found += [f"{c.row.name} is the same run as {c.row.same_run_as}." for c in shared]
    every = table.all_cells
    parts = sorted({c.row.eval_subset for c in every if c.row.subset_metric})
    for part in parts:
        found.append(
            f"The printed value was scored on the first {part:,} test images (inferred from its "
            "digits and the code); the difference is on those."
        )
    lacking = [c.row.name for c in every if c.summary and c.row.subset_metric
               and not like_with_like.subset(c)]  # fmt: skip
    if lacking:
        found.append(f"Compared on all images, as the runs have no other score: {_some(lacking)}.")
    if any(cell.logged for cell in every):
        found.append("(log): not printed in the paper; from a log or report of its authors' code.")
    return found


def _kind(cell: Cell) -> str:
    """'as run'; for another row beside the printed one, what it is called."""
    return NAME if cell.row.name.endswith(AS_RUN) else f"{NAME}, {cell.row.label}"


def _said(text: Callable[[Cell], str], cell: Cell | None) -> str:
    return words.NOTHING if cell is None else text(cell)


def _measured(cell: Cell) -> str:
    return words.spread(cell.summary, cell.row.metric) if cell.summary else cell.status


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
