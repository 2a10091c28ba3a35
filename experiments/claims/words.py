"""Verdicts in words and figures: the same for a terminal, Markdown and the page."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from largebatch.experiments.claims.claim import LOGS, SCALES, THE_PAPER, Judged
from largebatch.experiments.claims.evidence import TENSORFLOW
from largebatch.experiments.claims.statistics import CONFIDENCE
from largebatch.experiments.claims.verdict import DIFFERENCE, NOT_RUN, Verdict, counted
from largebatch.experiments.program.text_table import NOTHING, Sheet, aligned, piped

PROGRAM = "largebatch.experiments.claims"
COMMAND = f"python -m {PROGRAM} --format=markdown --output=docs/claims.md"
DECIMALS = {"f1": 3, "exact_match": 3}  # as the paper prints them; 4 otherwise
LEGEND = (
    "A verdict is computed from the results: `holds`, `fails`, `not run`, or `cannot tell` where "
    f"the {CONFIDENCE:.0%} interval contains both outcomes. The scales: `paper`, the rows as "
    "printed; `as run`, the rows that follow the first author's public code; `laptop` and "
    "`laptop-cifar10`, the recipes on smaller models and data, which say nothing of the paper's "
    "own numbers. Runs marked `pjrt` were made by portable programs.",
    "Intervals are over seeds: Welch's t for two means, Student's t for one, both on logarithms "
    "for a ratio; the bootstrap over runs for a share of pairs; Clopper and Pearson's for a share "
    "of runs. One seed gives no interval. Where a side is the best of several points that its "
    "seeds do not tell apart, the interval allows for the expected maximum of noise. A claim of "
    "several comparisons holds where all hold and fails where one fails with Bonferroni's "
    "correction for their number; its line shows the weakest. A diverged run scores 0. For BERT at "
    "laptop scale a comparison is `cannot tell` unless a side is above the floor of single words: "
    "two runs that learn nothing do not match each other. At this confidence one verdict in twenty "
    "about a true difference of zero is wrong by chance.",
    "What was chosen when: the criteria and margins were written when most of the laptop results "
    "were known, so the verdicts at that scale are descriptions rather than tests of a prediction. "
    "The rule that a level on CIFAR-10 is judged only where the control, momentum, reaches its own "
    "printed value was added, with its margin, after the runs on the JPEG copy of the images; "
    "without it the verdict would have been `fails`. The rule that BERT has to be above the floor "
    "of single words was added when the first runs at batch 1,024 were not; one seed a row was "
    "known by then.",
)


def figure(value: float, verdict: Verdict) -> str:
    """'+0.0008' of an accuracy, '+1.080' of F1, '1.38' of a ratio."""
    if math.isnan(value):
        return NOTHING
    if verdict.unit == DIFFERENCE:
        return f"{value:+.{DECIMALS.get(verdict.metric, 4)}f}"
    return f"{value:.3g}"


def interval(verdict: Verdict) -> str:
    """'[+0.0002, +0.0014]'."""
    if math.isnan(verdict.low):
        return NOTHING
    return f"[{figure(verdict.low, verdict)}, {figure(verdict.high, verdict)}]"


def seeds(verdict: Verdict) -> str:
    """'5 and 5'."""
    counts = [str(side.n) for side in verdict.sides]
    return " and ".join(counts) if verdict.word != NOT_RUN else NOTHING


def summary_sheet(judged: Sequence[Judged]) -> Sheet:
    """A line a claim: its verdict at each scale."""
    scales = [s for s in SCALES if any(s in one.verdicts for one in judged)]
    rows = []
    for one in judged:
        no_test = NOTHING if one.verdicts else NOT_RUN
        words = (one.verdicts[s].word if s in one.verdicts else no_test for s in scales)
        rows.append([one.claim.sentence, one.claim.place, *words])
    return Sheet(["claim", "where", *scales], rows)


def detail_sheet(one: Judged) -> Sheet:
    """A line a scale, and below it one for each comparison of several that was run."""
    rows = []
    for scale, verdict in one.verdicts.items():
        rows.append(_line(scale, verdict.word, verdict))
        rows += [
            _line("", part.word, part, what(part)) for part in verdict.parts if part.word != NOT_RUN
        ]
    return Sheet(
        ["scale", "verdict", "criterion", "effect", "interval", "n", "printed", "runs"], rows
    )


def _line(scale: str, word: str, verdict: Verdict, runs: str | None = None) -> list[str]:
    shown = runs if runs is not None else "" if verdict.parts else what(verdict)
    reason = f" ({verdict.why})" if verdict.why else ""
    return [
        scale, word + reason, verdict.criterion, figure(verdict.effect, verdict),
        interval(verdict), seeds(verdict), figure(verdict.printed, verdict), shown,
    ]  # fmt: skip


def what(verdict: Verdict) -> str:
    """'table7/lamb 0.9924 ± 0.0004, table7/adamw 0.9916 ± 0.0005 (accuracy; pjrt)'."""
    told = []
    for side in verdict.sides:
        name = side.chosen or side.label
        if math.isnan(side.mean):
            told.append(name)
            continue
        spread = "" if math.isnan(side.std) else f" ± {_plain(side.std, verdict)}"
        fell = f", {side.diverged} diverged" if side.diverged else ""
        told.append(f"{name} {_plain(side.mean, verdict)}{spread}{fell}")
    engines = [engine for engine in verdict.engines if engine != TENSORFLOW]
    notes = "; ".join([verdict.metric, *engines] if verdict.metric else engines)
    return ", ".join(told) + (f" ({notes})" if notes else "")


def _plain(value: float, verdict: Verdict) -> str:
    if verdict.metric.endswith(("seconds", "range")):
        return f"{value:.4g}"
    return f"{value:.{DECIMALS.get(verdict.metric, 4)}f}"


def remarks(one: Judged) -> list[str]:
    """What is to be said beside a claim's figures."""
    claim = one.claim
    told = [f"{part[:1].upper()}{part[1:]}." for part in (claim.remark, claim.untested) if part]
    for scale, verdict in one.verdicts.items():
        found = dict.fromkeys(v.beside for v in (verdict, *verdict.parts) if v.beside)
        told += [f"{scale}: {text}." for text in found]
    for scale, verdict in one.earlier.items():
        told.append(f"{scale}, by runs with earlier settings of the rows: "
                    f"{sentence(verdict)} ({what(verdict)}).")  # fmt: skip
    return told


def counts_line(judged: Sequence[Judged]) -> str:
    """'paper: 1 holds, 20 not run; laptop: ...'."""
    told = []
    for scale in SCALES:
        found = [one.verdicts[scale].word for one in judged if scale in one.verdicts]
        told += [f"{scale}: {counted(found)}"] if found else []
    return "; ".join(told)


def groups(judged: Sequence[Judged]) -> list[tuple[str, list[Judged]]]:
    """[('the paper', its claims), ...], by who says so."""
    made: dict[str, list[Judged]] = {}
    for one in judged:
        made.setdefault(one.claim.by, []).append(one)
    return list(made.items())


def title(by: str) -> str:
    """The heading of a group."""
    return {THE_PAPER: "The paper's claims", LOGS: "What the logs show"}.get(by, f"Claims of {by}")


def as_text(judged: Sequence[Judged]) -> str:
    """The claims for a terminal: a paragraph each, and below it what was measured."""
    parts = [f"Claims. {counts_line(judged)}."]
    for by, mine in groups(judged):
        parts.append(f"{title(by)}:")
        for one in mine:
            lines = [f"{one.claim.sentence} [{one.claim.place}]"]
            if not one.verdicts:
                lines.append(f"  {NOT_RUN}: {one.claim.untested}")
            for scale, verdict in one.verdicts.items():
                lines.append(f"  {scale}: {sentence(verdict)}")
                if scale in one.earlier:
                    before = sentence(one.earlier[scale])
                    lines.append(f"    with earlier settings of the rows: {before}")
            parts.append("\n".join(lines))
    return "\n\n".join(parts)


def sentence(verdict: Verdict) -> str:
    """'holds: difference > 0: +0.0008 [+0.0002, +0.0014], n = 5 and 5'."""
    if verdict.word == NOT_RUN:
        return f"{verdict.word}: {verdict.why}"
    reason = f" ({verdict.why})" if verdict.why else ""
    spread = "" if math.isnan(verdict.low) else f" {interval(verdict)}"
    return (
        f"{verdict.word}{reason}: {verdict.criterion}: {figure(verdict.effect, verdict)}{spread}, "
        f"n = {seeds(verdict)}"
    )


def as_markdown(judged: Sequence[Judged]) -> str:
    """docs/claims.md."""
    parts = [
        "# Claims and verdicts",
        f"What the paper claims, and what the committed results say of it. Made by `{COMMAND}`; a "
        "test keeps it current. No verdict is written by hand.",
        summary(judged),
        "## How a verdict is made",
        *LEGEND,
        "## The figures",
    ]
    for one in filter(was_tested, judged):
        claim = one.claim
        parts += [f"### {claim.sentence}", f"`{claim.name}`; {claim.place}."]
        parts += [piped(detail_sheet(one)) if one.verdicts else ""]
        parts += [" ".join(remarks(one))]
    others = [one for one in judged if not was_tested(one)]
    parts += ["## Claims that no run has tested", piped(untested_sheet(others))] if others else []
    return "\n\n".join(part for part in parts if part) + "\n"


def was_tested(one: Judged) -> bool:
    """Whether there are runs that say something of it, at any scale."""
    return bool(one.earlier) or any(v.word != NOT_RUN for v in one.verdicts.values())


def untested_sheet(judged: Sequence[Judged]) -> Sheet:
    """A line a claim and scale: what would count as holding, and which runs it asks for."""
    rows = []
    for one in judged:
        claim, remark = f"{one.claim.sentence} (`{one.claim.name}`)", " ".join(remarks(one))
        if not one.verdicts:
            rows.append([claim, NOTHING, "", "", "", remark])
        for scale, verdict in one.verdicts.items():
            printed = figure(verdict.printed, verdict)
            rows.append([claim, scale, verdict.criterion, printed, verdict.why, remark])
            claim = remark = ""
    return Sheet(["claim", "scale", "criterion", "printed", "missing", "remark"], rows)


def summary(judged: Sequence[Judged], level: str = "##") -> str:
    """The tables of verdicts, in Markdown, by who says so; '' for none."""
    parts = [f"Verdicts at each scale: {counts_line(judged)}."] if judged else []
    for by, mine in groups(judged):
        parts += [f"{level} {title(by)}", piped(summary_sheet(mine))]
    return "\n\n".join(parts)


def as_json(judged: Sequence[Judged]) -> str:
    record = {"confidence": CONFIDENCE, "claims": [one.record() for one in judged]}
    return json.dumps(record, indent=1, allow_nan=False) + "\n"


def as_table(judged: Sequence[Judged], width: int) -> str:
    """The verdicts alone, for the top of a report in a terminal; '' for none.

    Claims by their names where the sentences are wider than `width`.
    """
    if not judged:
        return ""
    sheet = summary_sheet(judged)
    for first in ([row[0] for row in sheet.rows], [one.claim.name for one in judged]):
        rows = [[name, *row[2:]] for name, row in zip(first, sheet.rows)]
        text = aligned(Sheet([sheet.header[0], *sheet.header[2:]], rows))
        if max(map(len, text.splitlines())) <= width:
            break
    return (
        f"Claims, and what these runs say of them (python -m {PROGRAM} has the figures)\n\n{text}"
    )
