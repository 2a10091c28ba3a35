"""What the first author's code gives beside the paper's table: lines below it, no columns."""

from __future__ import annotations

from largebatch.experiments.reporting.model import like_with_like, words
from largebatch.experiments.reporting.model.cells import Cell, TableReport
from largebatch.experiments.rows.author_code import AS_RUN

NAME = "as run"


def kinds(table: TableReport) -> list[str]:
    """What the rows beside the printed ones are called, each once."""
    return list(dict.fromkeys(_kind(other) for cell in table.cells for other in cell.as_run))


def of_kind(cell: Cell, kind: str) -> Cell | None:
    """The cell of that kind beside `cell`."""
    return next((other for other in cell.as_run if _kind(other) == kind), None)


def subset(cell: Cell) -> str:
    """The mean and deviation over the images that the printed value was scored on."""
    summary = like_with_like.subset(cell)
    return words.spread(summary, cell.row.metric) if summary else words.NOTHING


def _kind(cell: Cell) -> str:
    """'as run'; for another row beside the printed one, what it is called."""
    return NAME if cell.row.name.endswith(AS_RUN) else f"{NAME}, {cell.row.label}"
