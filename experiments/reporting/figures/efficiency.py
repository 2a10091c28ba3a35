"""Figure 8: the efficiency of scaling BERT from 16 to 1024 chips, printed, predicted, measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from largebatch.experiments.costs import step_time
from largebatch.experiments.plots import chart, style
from largebatch.experiments.plots.axis import Axis
from largebatch.experiments.plots.chart import Point, Series
from largebatch.experiments.records.reader import finite_number
from largebatch.experiments.reporting.model.cells import Cell
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry

REFERENCE = step_time.WEAK_SCALING[0]  # LAMB at 512 on 16 chips
TIMES = "printed (Table 1's times)"
NAMES = (*step_time.WEAK_SCALING, step_time.FITTED[-1])


def label(row: Row) -> str:
    return f"{row.paper_chips}" + ("\nmixed" if len({s.batch_size for s in row.stages}) > 1 else "")


def efficiency(seconds: float, chips: int, base_seconds: float, base_chips: int) -> float:
    """Speed-up by the times the chips: (t_1 n_1) / (t n)."""
    return base_seconds * base_chips / (seconds * chips)


def of_rows(seconds: Callable[[Row], float]) -> list[float]:
    """At the rows of NAMES, by what gives a row's time."""
    base = registry.find(REFERENCE)
    return [
        efficiency(seconds(row), row.paper_chips, seconds(base), base.paper_chips)
        for row in map(registry.find, NAMES)
    ]


def printed() -> list[float]:
    """From Table 1's times."""
    return of_rows(step_time.printed_seconds)


def predicted() -> list[float]:
    """By the scaling model, fitted to four of the rows."""
    fit = step_time.fit()
    return of_rows(lambda row: step_time.run_seconds(row, step_time.paper_machine(row), fit))


def measured(cells: Sequence[Cell]) -> list[float | None]:
    """Of finished runs at the paper's scale on several numbers of devices; None where none is."""
    found = {}
    for cell in cells:
        for run in cell.best.runs if cell.best else ():
            time, count = run.record.get("wall_seconds"), run.record.get("num_devices")
            if finite_number(time) and finite_number(count) and time > 0 and count > 0:
                found.setdefault(cell.row.run_name, (time, count))
    if REFERENCE not in found or len({count for _, count in found.values()}) < 2:
        return [None] * len(NAMES)
    base = found[REFERENCE]
    return [efficiency(*found[name], *base) if name in found else None for name in NAMES]


def draw(cells: Sequence[Cell]) -> str:
    rows = [registry.find(name) for name in NAMES]
    series = [
        Series(TIMES, _points(printed()), "currentColor", line=False, stem=0, stem_width=24),
        Series("scaling model", _points(predicted()), style.SERIES[1], line=False, mark="circle"),
        Series("measured", _points(measured(cells)), style.SERIES[0], line=False, mark="square"),
    ]
    return chart.draw(
        [one for one in series if one.points],
        Axis("number of TPU v3 chips", names=[label(row) for row in rows]),
        Axis("scaling efficiency, %", low=0, high=130),
        "Scaling efficiency of BERT by number of TPU chips",
        "Of one time each: no deviations. mixed: batch 64K, then 32K.",
    )


def _points(values: Sequence[float | None]) -> list[Point]:
    return [Point(place, 100 * value) for place, value in enumerate(values) if value is not None]
