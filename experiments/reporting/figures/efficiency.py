"""Figure 8: the efficiency of scaling BERT from 16 to 1024 chips, printed, predicted, measured."""

from __future__ import annotations

from collections.abc import Sequence

from largebatch.experiments.costs import step_time
from largebatch.experiments.plots import style
from largebatch.experiments.records.reader import finite_number
from largebatch.experiments.reporting.model.cells import Cell
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry

REFERENCE = step_time.WEAK_SCALING[0]  # LAMB at 512 on 16 chips
NAMES = (*step_time.WEAK_SCALING, step_time.FITTED[-1])


def label(row: Row) -> str:
    return f"{row.paper_chips}" + ("\nmixed" if len({s.batch_size for s in row.stages}) > 1 else "")


def efficiency(seconds: float, chips: int, base_seconds: float, base_chips: int) -> float:
    """Speed-up by the times the chips: (t_1 n_1) / (t n)."""
    return base_seconds * base_chips / (seconds * chips)


def printed() -> list[float]:
    """From Table 1's times, at the rows of NAMES."""
    base = registry.find(REFERENCE)
    return [
        efficiency(
            step_time.printed_seconds(row), row.paper_chips,
            step_time.printed_seconds(base), base.paper_chips,
        )
        for row in map(registry.find, NAMES)
    ]  # fmt: skip


def predicted() -> list[float]:
    """By the scaling model, fitted to four of the rows."""
    constants, base = step_time.fit(), registry.find(REFERENCE)

    def seconds(row: Row) -> float:
        return step_time.run_seconds(row, step_time.paper_machine(row), constants)

    return [
        efficiency(seconds(row), row.paper_chips, seconds(base), base.paper_chips)
        for row in map(registry.find, NAMES)
    ]


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
    figure, axes = style.new_figure()
    rows = [registry.find(name) for name in NAMES]
    places = range(len(rows))
    values = [100 * value for value in printed()]
    axes.bar(
        places, values, width=0.66, color="white", edgecolor="#444444", linewidth=1.3,
        label="printed (Table 1's times)",
    )  # fmt: skip
    for place, value in zip(places, values):
        axes.text(place, 4, f"{value:.1f}", ha="center", fontsize=8, color="#444444")
    axes.plot(places, [100 * v for v in predicted()], "o", ms=6, color=style.COLOURS["momentum"],
              label="scaling model")  # fmt: skip
    points = [(place, 100 * v) for place, v in zip(places, measured(cells)) if v is not None]
    if points:
        axes.plot(*zip(*points), "s", ms=6, color=style.COLOURS["lamb"], label="measured")
    axes.set_xticks(places, [label(row) for row in rows])
    axes.set_xlabel("number of TPU v3 chips")
    axes.set_ylabel("scaling efficiency, %")
    axes.set_ylim(0, 130)
    return style.as_svg(figure, axes)
