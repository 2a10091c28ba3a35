"""The pictures in docs/figures/ that show runs of the tables, all at laptop scale."""

from __future__ import annotations

import functools
from collections.abc import Callable

from largebatch.experiments.plots import chart
from largebatch.experiments.reporting.figures import batches, bert_loss, pictures
from largebatch.experiments.reporting.figures.pictures import Asked
from largebatch.experiments.reporting.model.cells import Report

SCALE = "laptop"


def picture(name: str, report: Report) -> str:
    """The text of docs/figures/NAME.svg."""
    return chart.as_file(PICTURES[name](report))


def _over_batches(table: str, report: Report) -> str:
    (found,) = (t for t in report.tables if (t.table, t.scale) == (table, SCALE))
    return batches.over_batches(found)


def _loss_of_bert(figure: str, report: Report) -> str:
    ((drawn,), _) = pictures.losses_of_bert(Asked(f"{figure}-{SCALE}", report, SCALE, [], []))
    return drawn.svg


PICTURES: dict[str, Callable[[Report], str]] = {
    "batch-sizes-laptop": functools.partial(_over_batches, "batch_sizes"),
    "bert-batches-laptop": functools.partial(_over_batches, "reality_check"),
    **{f"{name}-laptop": functools.partial(_loss_of_bert, name) for name in bert_loss.FIGURES},
}
