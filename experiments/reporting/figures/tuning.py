"""Tables 9 to 25 as curves: accuracy against the learning rate, a curve a weight decay.

The tables of one tuning set are one study: Table 3 quotes the best of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from largebatch.experiments.plots import chart, style
from largebatch.experiments.plots.axis import ACCURACY, LINEAR, LOG, Axis
from largebatch.experiments.plots.chart import Point, Series
from largebatch.experiments.reporting.figures import run_curves
from largebatch.experiments.reporting.model import words
from largebatch.experiments.reporting.model.cells import Cell
from largebatch.experiments.tables import registry

FEWEST = 3  # measured points that are worth a picture of their own
STRAIGHT = 0.9  # below this best value, accuracies are told apart on a plain axis


class TuningSet(NamedTuple):
    """Tables that tune one optimizer, and the row of Table 3 that quotes their best."""

    anchor: str
    title: str
    tables: tuple[str, ...]
    quoted: str  # of Table 3

    @property
    def numbers(self) -> str:
        """'Tables 13 to 16'."""
        first, last = (table[len("table") :] for table in (self.tables[0], self.tables[-1]))
        if first == last:
            return f"Table {first}"
        return f"Tables {first} {'and' if len(self.tables) == 2 else 'to'} {last}"


def _tables(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"table{number}" for number in range(first, last + 1))


SETS = (
    TuningSet("table9", "AdaGrad", _tables(9, 9), "table3/adagrad"),
    TuningSet("table10", "AdaGrad+", _tables(10, 10), "table3/adagrad+"),
    TuningSet("table11", "Adam", _tables(11, 11), "table3/adam"),
    TuningSet("table12", "Adam+", _tables(12, 12), "table3/adam+"),
    TuningSet("tuning-adamw-l2", "AdamW, L2 regularization 0.01", _tables(13, 16), "table3/adamw"),
    TuningSet("tuning-adamw", "AdamW, no L2 regularization", _tables(17, 20), "table3/adamw"),
    TuningSet(
        "tuning-adamw-plus-l2", "AdamW+, L2 regularization 0.01", _tables(21, 22), "table3/adamw+"
    ),
    TuningSet(
        "tuning-adamw-plus", "AdamW+, no L2 regularization", _tables(23, 25), "table3/adamw+"
    ),
)


def printed_best(cells: Sequence[Cell]) -> Cell | None:
    """The point with the highest printed value."""
    printed = [cell for cell in cells if cell.printed is not None]
    return max(printed, key=lambda cell: cell.printed) if printed else None


def measured_best(cells: Sequence[Cell]) -> Cell | None:
    """The point with the highest measured mean, over its seeds."""
    measured = [cell for cell in cells if cell.summary]
    return max(measured, key=lambda cell: cell.summary.mean) if measured else None


def sentences(tuning: TuningSet, cells: Sequence[Cell]) -> list[str]:
    """The best as printed, as Table 3 quotes it, and as measured."""
    found = []
    quoted = registry.find(tuning.quoted)
    best = printed_best(cells)
    if best is not None:
        own = quoted.run_name == best.row.name
        source = f"{quoted.run_name.partition('/')[0][len('table') :]}"
        found.append(
            f"Printed best: {_at(best, best.printed)}"
            + (f", which Table 3 quotes as {quoted.paper_top1:.4f} for {quoted.label}." if own else
               f"; Table 3 quotes {quoted.paper_top1:.4f} for {quoted.label}, from Table {source}.")
        )  # fmt: skip
    best = measured_best(cells)
    if best is not None:
        scale = best.row.scale
        where = "" if scale == "paper" else f" at {scale} scale"
        count = sum(bool(cell.summary) for cell in cells)
        found.append(
            f"Measured best{where}: {_at(best, best.summary.mean)}; {count} of {len(cells)} points "
            "are measured."
        )
    return found


def _at(cell: Cell, value: float) -> str:
    decay = f", weight decay {words.plain(cell.row.weight_decay)}" if _decays(cell) else ""
    rate = words.plain(cell.row.learning_rate)
    number = cell.row.table[len("table") :]
    return f"{words.number(value, cell.row.metric)} at rate {rate}{decay} (Table {number})"


def _decays(cell: Cell) -> bool:
    return cell.row.optimizer == "adamw"


def draw(cells: Sequence[Cell]) -> str | None:
    """All cells are of one scale; the printed values are those of the paper's scale alone.

    Weight decays are ordered: a curve each, in colours of the ordered scale.
    """
    measured_points = sum(bool(cell.summary) for cell in cells)
    if measured_points < FEWEST and all(cell.printed is None for cell in cells):
        return None
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        name = f"weight decay {words.plain(cell.row.weight_decay)}" if _decays(cell) else "rate"
        groups.setdefault(name, []).append(cell)
    alone = len(groups) == 1
    colours = [style.colour_of(cells[0].row.optimizer)] if alone else style.shades(len(groups))
    series, crosses = [], []
    ordered = sorted(groups.items(), key=lambda group: group[1][0].row.weight_decay)
    for (name, group), colour in zip(ordered, colours):
        group = sorted(group, key=_rate)
        printed, measured = run_curves.points(group, _rate)
        if printed:
            label = "printed" if alone else f"{name}: printed" if measured_points else name
            series.append(Series(label, printed, colour, dash="5 4", mark="diamond", hollow=True))
        if measured:
            label = "measured" if alone else f"{name}: measured" if printed else name
            series.append(Series(label, measured, colour, mark="circle"))
        crosses += [
            (_rate(c), colour, f"{name}, rate {_rate(c):g}: diverged")
            for c in group
            if c.status == "diverged"
        ]
    for best, value in (
        (printed_best(cells), lambda c: c.printed),
        (measured_best(cells), lambda c: c.summary.mean),
    ):
        if best is not None:
            point = Point(_rate(best), value(best), note="the best")
            series.append(Series("", [point], "currentColor", "best", line=False, mark="ring"))
    highest = max(point.y for s in series for point in s.points)
    bars = f"Bars: {run_curves.seeds_note(cells)} " if measured_points else ""
    straight = highest <= STRAIGHT
    return chart.draw(
        series,
        Axis("learning rate", LOG),
        Axis("top-1 accuracy", LINEAR if straight else ACCURACY, low=0 if straight else None),
        f"Top-1 accuracy against the learning rate, {cells[0].row.optimizer}",
        f"{bars}Ring: the best.",
        crosses,
    )


def _rate(cell: Cell) -> float:
    return cell.row.learning_rate
