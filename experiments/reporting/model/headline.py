"""What a reader wants first: a line a table, printed and measured, and what follows for a claim."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from largebatch.experiments.claims import words as claim_words
from largebatch.experiments.claims.claim import AS_RUN
from largebatch.experiments.claims.verdict import NOT_RUN, counted
from largebatch.experiments.program.text_table import NOTHING, Sheet
from largebatch.experiments.reporting.model import like_with_like, words
from largebatch.experiments.reporting.model.cells import Cell, Report, TableReport

HEADER = ("table", "scale", "row", "printed", "measured", "difference", "n", "cells", "claims")


class Conclusion(NamedTuple):
    """What the runs say of a claim that rows of a table test."""

    claim: str  # its name
    scale: str  # of claims: as run is one
    word: str  # holds | fails | cannot tell
    sentence: str
    figures: str  # the effect, its interval and n


class Line(NamedTuple):
    """One table at one scale, told by its best row."""

    table: TableReport
    cell: Cell
    conclusions: list[Conclusion]

    @property
    def texts(self) -> list[str]:
        """By HEADER; the difference is on the images that the printed value was scored on."""
        cell, row = self.cell, self.cell.row
        cells = self.table.all_cells
        measured = sum(one.status == "measured" for one in cells)
        summary = like_with_like.compared(cell)
        return [
            self.table.heading,
            row.scale,
            f"{row.label}, as run" if row.follows_code else row.label,
            words.printed(cell),
            words.spread(summary, row.metric),
            words.difference(cell),
            str(summary.n),
            f"{measured} of {len(cells)}",
            counted([one.word for one in self.conclusions]) or NOTHING,
        ]


def lines(report: Report) -> list[Line]:
    """Of each table at each scale at which something was measured: the row with the best printed
    value or, where nothing is printed, the best measured one."""
    found = []
    for table in report.tables:
        measured = [cell for cell in table.all_cells if cell.summary]
        if measured:
            best = max(measured, key=_rank)
            found.append(Line(table, best, conclusions(report, [table])))
    return found


def _rank(cell: Cell) -> tuple[bool, float]:
    printed = cell.printed is not None
    return printed, cell.printed if printed else cell.summary.mean


def sheet(found: Sequence[Line]) -> Sheet | None:
    return Sheet(list(HEADER), [line.texts for line in found]) if found else None


def untouched(report: Report) -> list[TableReport]:
    """The tables of which nothing was measured, at any scale."""
    measured = {t.table for t in report.tables if any(cell.summary for cell in t.all_cells)}
    return [t for t in report.tables if t.scale == "paper" and t.table not in measured]


def conclusions(report: Report, tables: Iterable[TableReport]) -> list[Conclusion]:
    """What was found of the claims that rows of these tables test, at the tables' scale."""
    found = {}
    for table in tables:
        scales = ("paper", AS_RUN) if table.scale == "paper" else (table.scale,)
        own = {name for cell in table.all_cells for name in (cell.row.name, cell.row.run_name)}
        for one in report.claims:
            for test in one.claim.tests:
                verdict = one.verdicts[test.scale]
                if test.scale not in scales or verdict.word == NOT_RUN:
                    continue
                if own & set(test.criterion.rows):
                    text = claim_words.sentence(verdict).removeprefix(verdict.word).lstrip(": ")
                    found[one.claim.name, test.scale] = Conclusion(
                        one.claim.name, test.scale, verdict.word, one.claim.sentence, text
                    )
    return list(found.values())
