"""Which images a printed value was scored on, and what of a run stands beside it.

The first author's code scored the first 8,000 of CIFAR-10's test images and the first 49,152 of
ImageNet's. A row with `eval_subset` is compared on that part; a result that was written before runs
scored it by itself is compared on all images, and the report says so.
"""

from __future__ import annotations

from largebatch.experiments.records.best import Summary
from largebatch.experiments.reporting.model.cells import Cell

ALL = "all images"


def subset(cell: Cell) -> Summary | None:
    """Over the first `eval_subset` images, of a cell whose runs all have it."""
    metric = cell.row.subset_metric
    if metric is None or cell.best is None:
        return None
    found = cell.best.summary(metric)
    return found if found.n and found.n == cell.best.summary(cell.row.metric).n else None


def compared(cell: Cell) -> Summary | None:
    """What stands beside the printed value."""
    return subset(cell) or cell.summary


def compared_metric(cell: Cell) -> str:
    return cell.row.subset_metric if subset(cell) else cell.row.metric


def difference(cell: Cell) -> float | None:
    """Measured less printed, on the images that the printed value was scored on."""
    summary = compared(cell)
    if summary is None or not summary.n or cell.printed is None:
        return None
    return summary.mean - cell.printed


def scored_on(cell: Cell) -> str:
    """'first 8,000', 'all images'; where a result lacks the former, that it was wanted."""
    if cell.row.subset_metric is None:
        return ALL
    part = f"first {cell.row.eval_subset:,}"
    if cell.best is None or subset(cell):
        return part
    return f"{ALL} (printed: {part})"
