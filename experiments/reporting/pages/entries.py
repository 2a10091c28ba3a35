"""Everything that the paper shows, as the entries of a page: each table, each figure, each study.

An `Entry` has a `Block` a scale: cells that are never mixed with those of another scale. What has
not been run has its entry too, with the command that runs it.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from largebatch.experiments.reporting.figures import pictures as paper_pictures
from largebatch.experiments.reporting.figures import tuning as figures_tuning
from largebatch.experiments.reporting.figures.pictures import Picture
from largebatch.experiments.reporting.figures.tuning import TuningSet
from largebatch.experiments.reporting.model import result_sheets, words
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
SWEEP = "python -m largebatch.experiments.sweep"
STATUSES = ("measured", "running", "interrupted", "diverged", "not run")


@dataclasses.dataclass(frozen=True)
class Block:
    """One entry at one scale."""

    scale: str
    cells: list[Cell]
    pictures: list[Picture]
    tables: list[TableReport] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    commands: list[str] = dataclasses.field(default_factory=list)

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

    @property
    def is_empty(self) -> bool:
        """Whether nothing was run for it, at any scale."""
        return not any(cell.runs for block in self.blocks for cell in block.cells)

    def block_anchor(self, block: Block) -> str:
        return self.anchor if block.scale == "paper" else f"{self.anchor}-{block.scale}"


class _Figure(NamedTuple):
    """A figure that draws cells of other tables."""

    number: str  # '5'
    title: str
    tables: tuple[str, ...]
    rows: Callable[[Cell], bool]
    command: str  # what of a sweep's flags runs it


def _every(cell: Cell) -> bool:
    return True


def _untuned(cell: Cell) -> bool:
    return cell.row.name.startswith("table1/lamb-") and not _mixed(cell)


def _mixed(cell: Cell) -> bool:
    return cell.row.name.startswith("table1/lamb-65536-32768")


def _scaling(cell: Cell) -> bool:
    return cell.row.name.startswith("table1/lamb-") and not cell.row.name.endswith("-nvidia")


BORROWING = (
    _Figure("4", "LAMB and the existing solvers: CIFAR-10 with DavidNet, batch 512",
            ("table6",), _every, "--table=6"),
    _Figure("5", "validation loss against accuracy",
            ("table3", "table5", "table6", "table7"), _every, "--table=3"),
    _Figure("6", "LAMB's loss curves of BERT, batch 512 to 32K",
            ("table1",), _untuned, "--rows='table1/lamb-*'"),
    _Figure("7", "LAMB's loss curve of BERT with the mixed batch 64K/32K",
            ("table1",), _mixed, "--rows='table1/lamb-65536-*'"),
    _Figure("8", "scaling efficiency of BERT, 16 to 1024 TPUs",
            ("table1",), _scaling, "--rows='table1/lamb-*'"),
)  # fmt: skip


def entries(report: Report) -> list[Entry]:
    """All of the page, in its order; `report` is of all tables."""
    found: dict[tuple[str, str], TableReport] = {(t.table, t.scale): t for t in report.tables}
    made = [_of_table(table, TABLES, found) for table in registry.PAPER_TABLES[:8]]
    made += [_of_tuning(tuning, found) for tuning in figures_tuning.SETS]
    made += [_of_table(table, FIGURES, found) for table in ("figure1", "figure2", "figure3")]
    made += [_of_figure(figure, report, found) for figure in BORROWING]
    made += [_of_table("figure9", FIGURES, found)]
    others = [t for t in registry.TABLES if not t.startswith(("table", "figure"))]
    for table in others:
        place = registry.module(table).LAYOUT.heading.partition(" ")[0].rstrip(",")
        group = {"Section": TEXT, "Lecture": LECTURE}.get(place, STUDIES)
        made.append(_of_table(table, group, found))
    return sorted(made, key=lambda entry: GROUPS.index(entry.group))


def counts(cells: Iterable[Cell]) -> dict[str, int]:
    number = Counter(cell.status for cell in cells)
    return {status: number[status] for status in STATUSES if number[status]}


def all_counts(report: Report) -> dict[str, dict[str, int]]:
    """{scale: {status: cells}} of all tables."""
    cells: dict[str, list[Cell]] = {}
    for table in report.tables:
        cells.setdefault(table.scale, []).extend(table.all_cells)
    return {scale: counts(cells[scale]) for scale in scales.ALL_SCALES if scale in cells}


def sweep_command(flags: str, cell: Cell, seeds: int) -> str:
    scale = "" if cell.row.scale == "paper" else f" --scale={cell.row.scale}"
    return f"{SWEEP} {flags} --seeds={seeds}{scale}{words.data_flags(cell.row)}"


def _of_table(table: str, group: str, found: dict[tuple[str, str], TableReport]) -> Entry:
    blocks = []
    for scale in scales.ALL_SCALES:
        if (table, scale) in found:
            one = found[table, scale]
            seeds = max(one.layout.seeds, *(c.summary.n for c in one.cells if c.summary), 0)
            command = sweep_command(f"--table={one.flag}", one.cells[0], seeds)
            pictures = paper_pictures.of_table(one)
            notes = [*_remarks(one, bool(pictures)), *result_sheets.notes(one)]
            blocks.append(Block(scale, one.all_cells, pictures, [one], notes, [command]))
    paper = found[table, "paper"]
    return Entry(paper.table, group, paper.heading, paper.layout.title, blocks)


def _remarks(table: TableReport, drawn: bool) -> list[str]:
    """What the layout says in brackets, and why Figures 9 to 14 are not drawn."""
    _, _, remark = table.layout.measures.partition(" (")
    found = [f"{remark[:1].upper()}{remark[1:].rstrip(')')}."] if remark else []
    if table.table == "figure9" and drawn:
        found.append("Grey: biases and normalisation, which are not adapted: their ratio is 1.")
    elif table.table == "figure9":
        ran = any(cell.runs for cell in table.cells)
        found.append(
            "The run has no record of its layers: an older version made it."
            if ran
            else "Six pictures, of the trust ratios that a run records at its evaluations."
        )
    return found


def _of_tuning(tuning: TuningSet, found: dict[tuple[str, str], TableReport]) -> Entry:
    blocks = []
    for scale in scales.ALL_SCALES:
        tables = [found[t, scale] for t in tuning.tables if (t, scale) in found]
        if not tables:
            continue
        cells = [cell for table in tables for cell in table.cells]
        flags = [f"--table={table.flag}" for table in tables]
        commands = [sweep_command(f, cells[0], 1) for f in flags]
        notes = figures_tuning.sentences(tuning, cells)
        if scale != "paper":
            notes = result_sheets.notes(tables[0])[:1] + notes
        blocks.append(
            Block(scale, cells, paper_pictures.of_tuning(tuning, cells), tables, notes, commands)
        )
    title = f"tuning {tuning.title} for ImageNet with ResNet-50 at batch 16K"
    return Entry(tuning.anchor, TUNING, tuning.numbers, title, blocks)


def _of_figure(figure: _Figure, report: Report, found: dict[tuple[str, str], TableReport]) -> Entry:
    blocks = []
    for scale in scales.ALL_SCALES:
        tables = [found[t, scale] for t in figure.tables if (t, scale) in found]
        cells = [cell for table in tables for cell in table.cells if figure.rows(cell)]
        pictures, notes = paper_pictures.of_figure(figure.number, report, scale, tables, cells)
        if scale == "paper" or pictures:
            shown = cells or [cell for table in tables for cell in table.cells]
            commands = [sweep_command(figure.command, shown[0], 1)] if shown else []
            if figure.number == "8":
                commands.append("python -m largebatch.experiments.scaling_model")
            blocks.append(Block(scale, cells, pictures, [], notes, commands))
    return Entry(f"figure{figure.number}", FIGURES, f"Figure {figure.number}", figure.title, blocks)


def all_pictures(made: Sequence[Entry]) -> list[Picture]:
    return [picture for entry in made for block in entry.blocks for picture in block.pictures]
