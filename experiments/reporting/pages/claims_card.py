"""What the runs say of the paper's claims, first on the page."""

from __future__ import annotations

from collections.abc import Sequence

from largebatch.experiments.claims import words as claim_words
from largebatch.experiments.claims.claim import Judged
from largebatch.experiments.claims.verdict import NOT_RUN
from largebatch.experiments.program.text_table import NOTHING
from largebatch.experiments.reporting.model.cells import Report
from largebatch.experiments.reporting.pages.markup import (
    badge,
    escaped,
    folded,
    framed,
    labelled,
    section,
    sheet_table,
    tagged,
)


def claims_card(report: Report) -> str:
    """What the runs say of the paper's claims; figures and commands folded below the verdicts."""
    if not report.claims:
        return ""
    parts = [f"<p class=hint>{escaped(claim_words.counts_line(report.claims))}</p>"]
    for by, mine in claim_words.groups(report.claims):
        tested = [one for one in mine if _is_tested(one)]
        others = [one for one in mine if not _is_tested(one)]
        parts.append(f"<h3>{escaped(claim_words.title(by))}</h3>")
        parts += [_verdicts(tested)] if tested else []
        parts += [folded(f"Not run yet: {len(others)}", _verdicts(others))] if others else []
    details = []
    for one in report.claims:
        told = "".join(f"<p class=hint>{escaped(text)}</p>" for text in claim_words.remarks(one))
        figures = sheet_table(claim_words.detail_sheet(one), "prose") if one.verdicts else ""
        details.append(f"<h3>{escaped(one.claim.sentence)}</h3>{figures}{told}")
    parts.append(folded("The figures behind each verdict", "".join(details)))
    legend = "".join(tagged("p", escaped(text)) for text in claim_words.LEGEND)
    parts.append(folded("How a verdict is made", legend))
    return section("claims", "Claims and verdicts", "".join(parts))


def _is_tested(one: Judged) -> bool:
    return any(verdict.word != NOT_RUN for verdict in one.verdicts.values())


def _verdicts(judged: Sequence[Judged]) -> str:
    sheet = claim_words.summary_sheet(judged)
    rows = []
    for one, (sentence, place, *verdicts) in zip(judged, sheet.rows):
        shown = (badge(word) if word != NOTHING else word for word in verdicts)
        told = "".join(map(labelled, sheet.header[2:], shown))
        head = tagged("th", f"{escaped(sentence)}<small>{escaped(place)}</small>")
        rows.append(f"<tr id='claim-{one.claim.name}'>{head}{told}</tr>")
    return framed([sheet.header[0], *sheet.header[2:]], rows, "verdicts stack")
