"""What the report shows, as entries: each table, each figure, each study of those asked for.

An `Entry` has a `Block` a scale: cells that are never mixed with those of another scale. What has
not been run has its entry too, with the command that runs it. Text, Markdown and the page are the
same entries in three forms.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from largebatch.experiments.claims.claim import AS_RUN, SCALES
from largebatch.experiments.program.text_table import as_one_line
from largebatch.experiments.reporting.figures import pictures as paper_pictures
from largebatch.experiments.reporting.figures import tuning as figures_tuning
from largebatch.experiments.reporting.figures.pictures import Asked, Drawn, Picture
from largebatch.experiments.reporting.figures.trust_ratios import FIGURES as LAYER_FIGURES
from largebatch.experiments.reporting.figures.tuning import TuningSet
from largebatch.experiments.reporting.model import headline, words
from largebatch.experiments.reporting.model import notes as table_notes
from largebatch.experiments.reporting.model.cells import Cell, Report, TableReport
from largebatch.experiments.rows import scale as scales
from largebatch.experiments.tables import registry

TABLES, TUNING, FIGURES, TEXT, LECTURE, STUDIES = GROUPS = (
    "Tables of the paper",
    "Tuning: Tables 9 to 25",
    "Figures of the paper",
    "In the paper's text",
    "The lecture",
    "Studies",
)
STATUSES = ("measured", "running", "interrupted", "diverged", "not run")
PAPER = "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes"
EXPLAIN_OVERRIDDEN = (
    "With settings changed by --set, or with earlier settings of the row; they fill no cell above."
)


@dataclasses.dataclass(frozen=True)
class Block:
    """One entry at one scale."""

    scale: str
    cells: list[Cell]
    pictures: list[Picture]
    tables: list[TableReport] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    commands: list[str] = dataclasses.field(default_factory=list)
    conclusions: list[headline.Conclusion] = dataclasses.field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """{status: cells}, those that occur."""
        return counts(self.cells)

    @property
    def what(self) -> str:
        """'lenet5 on mnist': of what was run, else of what is to be run."""
        rows = [cell.row for cell in self.cells if cell.runs] or [c.row for c in self.cells]
        return ", ".join(dict.fromkeys(f"{row.model} on {row.dataset}" for row in rows))


@dataclasses.dataclass(frozen=True)
class Entry:
    anchor: str
    group: str
    heading: str  # Table 7
    title: str
    blocks: list[Block]
    further: tuple[str, ...] = ()  # anchors that it is found by, too

    @property
    def is_empty(self) -> bool:
        """Whether nothing was run for it, at any scale."""
        return not any(cell.runs for block in self.blocks for cell in block.cells)

    def block_anchor(self, block: Block) -> str:
        return self.anchor if block.scale == "paper" else f"{self.anchor}-{block.scale}"


class State(NamedTuple):
    """One place of the index: a table, or figure, at one scale."""

    anchor: str
    measured: int
    cells: int


def matrix(made: Sequence[Entry]) -> tuple[list[str], list[dict[str, State]]]:
    """(scales, an entry's states by scale); as run is a scale of its own beside the paper's."""
    lines = []
    for entry in made:
        states = {}
        for block in entry.blocks:
            anchor = entry.block_anchor(block)
            as_run = [c for c in block.cells if block.scale == "paper" and c.row.follows_code]
            others = [c for c in block.cells if c not in as_run]
            for scale, cells in ((block.scale, others), (AS_RUN, as_run)):
                if cells:
                    measured = sum(cell.status == "measured" for cell in cells)
                    states[scale] = State(anchor, measured, len(cells))
        lines.append(states)
    order = [s for s in SCALES if any(s in states for states in lines)]
    order += [s for s in scales.ALL_SCALES if s not in SCALES and any(s in x for x in lines)]
    return order, lines


class _Figure(NamedTuple):
    """A figure that draws cells of other tables."""

    number: str  # '5'
    title: str
    tables: tuple[str, ...]
    draw: Callable[[Asked], Drawn]
    command: str  # what of a sweep's flags runs it
    rows: Callable[[Cell], bool] = lambda cell: True
    more: tuple[str, ...] = ()  # commands


def _untuned(cell: Cell) -> bool:
    return cell.row.name.startswith("table1/lamb-") and not _mixed(cell)


def _mixed(cell: Cell) -> bool:
    return cell.row.name.startswith("table1/lamb-65536-32768")


def _scaling(cell: Cell) -> bool:
    return cell.row.name.startswith("table1/lamb-") and not cell.row.name.endswith("-nvidia")


BORROWING = (
    _Figure("4", "LAMB and the existing solvers: CIFAR-10 with DavidNet, batch 512",
            ("table6",), paper_pictures.solvers, "--table=6"),
    _Figure("5", "validation loss against accuracy", ("table3", "table5", "table6", "table7"),
            paper_pictures.losses_and_accuracies, "--table=3"),
    _Figure("6", "LAMB's loss curves of BERT, batch 512 to 32K", ("table1",),
            paper_pictures.losses_of_bert, "--rows='table1/lamb-*'", _untuned),
    _Figure("7", "LAMB's loss curve of BERT with the mixed batch 64K/32K", ("table1",),
            paper_pictures.losses_of_bert, "--rows='table1/lamb-65536-*'", _mixed),
    _Figure("8", "scaling efficiency of BERT, 16 to 1024 TPUs", ("table1",),
            paper_pictures.scaling_efficiency, "--rows='table1/lamb-*'", _scaling,
            ("python -m largebatch.experiments.scaling_model",)),
)  # fmt: skip


def entries(
    report: Report, drawn: bool = True, say: Callable[[str], None] = lambda line: None
) -> list[Entry]:
    """All of the report's tables, and the figures that these have all the rows of; in the order of
    the page. Not `drawn`: tables alone. `say` is told each entry as it is made."""
    found = {(t.table, t.scale): t for t in report.tables}
    there = list(dict.fromkeys(t.table for t in report.tables))
    tuned = [table for tuning in figures_tuning.SETS for table in tuning.tables]
    makers: list[Callable[[], Entry]] = []
    for table in there:
        if table not in tuned:
            makers.append(functools.partial(_of_table, table, report, found, drawn))
    for tuning in figures_tuning.SETS:
        if set(tuning.tables) & set(there):
            makers.append(functools.partial(_of_tuning, tuning, report, found, drawn))
    for figure in BORROWING if drawn else ():
        if set(figure.tables) <= set(there):
            makers.append(functools.partial(_of_figure, figure, report, found))
    made = []
    for number, make in enumerate(makers, 1):
        made.append(make())
        told = counted(counts(cell for block in made[-1].blocks for cell in block.cells))
        say(f"[{number}/{len(makers)}] {made[-1].heading}: {told}")
    return sorted(made, key=_place)


def _place(entry: Entry) -> tuple[int, int]:
    number = entry.anchor.removeprefix("figure")
    return GROUPS.index(entry.group), int(number) if entry.group == FIGURES else 0


def _group(table: str) -> str:
    for prefix, group in (("table", TABLES), ("figure", FIGURES)):
        if table.startswith(prefix):
            return group
    place = registry.module(table).LAYOUT.heading.partition(" ")[0].rstrip(",")
    return {"Section": TEXT, "Lecture": LECTURE}.get(place, STUDIES)


def counts(cells: Iterable[Cell]) -> dict[str, int]:
    number = Counter(cell.status for cell in cells)
    return {status: number[status] for status in STATUSES if number[status]}


def all_counts(report: Report) -> dict[str, dict[str, int]]:
    """{scale: {status: cells}} of all tables."""
    cells: dict[str, list[Cell]] = {}
    for table in report.tables:
        cells.setdefault(table.scale, []).extend(table.all_cells)
    return {scale: counts(cells[scale]) for scale in scales.ALL_SCALES if scale in cells}


def counted(found: dict[str, int]) -> str:
    """'6 measured, 4 not run'."""
    return ", ".join(f"{number} {status}" for status, number in found.items())


def opening(report: Report) -> str:
    """'21 runs under DIR, 2 of them left out.'"""
    root = as_one_line(report.root)
    if not report.counted:
        return f"No runs under {root}."
    left = f", {len(report.left_out)} left out (listed below)" if report.left_out else ""
    return f"{report.counted} runs under {root}{left}."


def _of_table(
    table: str, report: Report, found: dict[tuple[str, str], TableReport], drawn: bool
) -> Entry:
    blocks = []
    for scale in scales.ALL_SCALES:
        if (table, scale) in found:
            one = found[table, scale]
            seeds = max(one.layout.seeds, *(c.summary.n for c in one.cells if c.summary), 0)
            command = words.sweep_command(f"--table={one.flag}", one.cells[0].row, seeds)
            pictures = paper_pictures.of_table(one) if drawn else []
            notes = [*_remarks(one, bool(pictures)), *table_notes.notes(one)]
            blocks.append(
                Block(scale, one.all_cells, pictures, [one], notes, [command],
                      headline.conclusions(report, [one]))
            )  # fmt: skip
    paper = found[table, "paper"]
    further = tuple(f"figure{n}" for n in LAYER_FIGURES[1:]) if paper.layout.layers else ()
    return Entry(table, _group(table), paper.heading, paper.layout.title, blocks, further)


def _remarks(table: TableReport, drawn: bool) -> list[str]:
    """What the layout says in brackets, and why Figures 9 to 14 are not drawn."""
    _, _, remark = table.layout.measures.partition(" (")
    found = [f"{remark[:1].upper()}{remark[1:].rstrip(')')}."] if remark else []
    if table.layout.layers and drawn:
        found.append("Grey: biases and normalisation, which are not adapted: their ratio is 1.")
    elif table.layout.layers:
        ran = any(cell.runs for cell in table.cells)
        found.append(
            "The run has no record of its layers: an older version made it."
            if ran
            else "Six pictures, of the trust ratios that a run records at its evaluations."
        )
    return found


def _of_tuning(
    tuning: TuningSet, report: Report, found: dict[tuple[str, str], TableReport], drawn: bool
) -> Entry:
    blocks = []
    for scale in scales.ALL_SCALES:
        tables = [found[t, scale] for t in tuning.tables if (t, scale) in found]
        if not tables:
            continue
        cells = [cell for table in tables for cell in table.cells]
        commands = [words.sweep_command(f"--table={t.flag}", cells[0].row, 1) for t in tables]
        notes = figures_tuning.sentences(tuning, cells)
        if scale != "paper":
            notes = table_notes.notes(tables[0])[:1] + notes
        pictures = paper_pictures.of_tuning(tuning, cells) if drawn else []
        told = headline.conclusions(report, tables)
        blocks.append(Block(scale, cells, pictures, tables, notes, commands, told))
    title = f"tuning {tuning.title} for ImageNet with ResNet-50 at batch 16K"
    return Entry(tuning.anchor, TUNING, tuning.numbers, title, blocks)


def _of_figure(figure: _Figure, report: Report, found: dict[tuple[str, str], TableReport]) -> Entry:
    blocks = []
    anchor = f"figure{figure.number}"
    for scale in scales.ALL_SCALES:
        tables = [found[t, scale] for t in figure.tables if (t, scale) in found]
        cells = [cell for table in tables for cell in table.cells if figure.rows(cell)]
        name = anchor if scale == "paper" else f"{anchor}-{scale}"
        pictures, notes = figure.draw(Asked(name, report, scale, tables, cells))
        if scale == "paper" or pictures:
            shown = cells or [cell for table in tables for cell in table.cells]
            commands = [words.sweep_command(figure.command, shown[0].row, 1)] if shown else []
            commands += figure.more
            blocks.append(Block(scale, cells, pictures, [], notes, commands))
    return Entry(anchor, FIGURES, f"Figure {figure.number}", figure.title, blocks)


def all_pictures(made: Sequence[Entry]) -> list[Picture]:
    return [picture for entry in made for block in entry.blocks for picture in block.pictures]
