"""What a reader wants first: a line a table, printed and measured, and what follows for a claim."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from largebatch.experiments.claims import words as claim_words
from largebatch.experiments.claims.claim import AS_RUN
from largebatch.experiments.claims.verdict import NOT_RUN, Verdict, counted
from largebatch.experiments.program.text_table import NOTHING, Sheet
from largebatch.experiments.reporting.model import like_with_like, words
from largebatch.experiments.reporting.model.cells import Cell, Report, TableReport
from largebatch.experiments.reporting.model.columns import judged_name, paper_item
from largebatch.experiments.rows.scale import ALL_SCALES

HEADER = (
    *("table", "scale", "row", "metric", "printed", "measured", "difference", "n", "cells"),
    "claims",
)


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
        cells = [c for c in self.table.all_cells if c.row.follows_code == row.follows_code]
        measured = sum(one.status == "measured" for one in cells)
        summary = like_with_like.compared(cell)
        return [
            self.table.heading,
            AS_RUN if row.follows_code else row.scale,
            row.label,
            judged_name(self.table),
            paper_item(cell, row.metric).text if row.scale == "paper" else NOTHING,
            words.spread(summary, row.metric),
            words.difference(cell),
            str(summary.n),
            f"{measured} of {len(cells)}",
            counted([one.word for one in self.conclusions]) or NOTHING,
        ]


def lines(report: Report) -> list[Line]:
    """Of each table at each scale at which something was measured: the row with the best printed
    value or, where nothing is printed, the best measured one. The paper's own scale comes first."""
    found = []
    for table in report.tables:
        told = conclusions(report, [table])
        measured = [cell for cell in table.all_cells if cell.summary]
        kinds = {as_run: [c for c in measured if c.row.follows_code == as_run]
                 for as_run in (False, True)}  # fmt: skip
        for as_run, cells in kinds.items():
            if cells:
                mine = [one for one in told if (one.scale == AS_RUN) == as_run]
                best = max(cells, key=_rank)
                found.append(Line(table, best, mine if all(kinds.values()) else told))
    return sorted(found, key=lambda line: ALL_SCALES.index(line.cell.row.scale))


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
                    found[one.claim.name, test.scale] = Conclusion(
                        one.claim.name, test.scale, verdict.word, one.claim.sentence,
                        _figures(verdict),
                    )  # fmt: skip
    return list(found.values())


def _figures(verdict: Verdict) -> str:
    """'difference > 0: +0.0008 [+0.0002, +0.0014], n = 5 and 5'."""
    parts = [claim_words.figure(verdict.effect, verdict), claim_words.interval(verdict)]
    told = " ".join(part for part in parts if part != NOTHING)
    why = f" ({verdict.why})" if verdict.why else ""
    return f"{verdict.criterion}: {told}, n = {claim_words.seeds(verdict)}{why}"
