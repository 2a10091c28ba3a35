"""Renders the tables in README.md and docs/, and the pages that are made whole.

    python -m largebatch.experiments.doc_tables            # rewrites what is out of date
    python -m largebatch.experiments.doc_tables --check    # names them and ends with code 2

A block stands between <!-- NAME --> and <!-- /NAME -->. NAME is a table at the paper's scale
(table7), a table at another one (table3-laptop), either with -measured behind it to leave out the
rows that were not run; verdicts- or changed- and such a name: the verdicts on the claims that its
rows test, and its runs with changed settings; or one of claims-at-a-glance, scaling,
scaling-topologies, bert-trials, bert-largest-batch, bert-pilot, bert-former, and the BLOCKS of the
modules beside this one.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from largebatch import cli
from largebatch.checkout import PACKAGE
from largebatch.experiments.analyses import decay_page
from largebatch.experiments.claims import words as claim_words
from largebatch.experiments.claims.claims import about
from largebatch.experiments.claims.verdict import NOT_RUN
from largebatch.experiments.costs import chips, scaling_tables, step_time
from largebatch.experiments.documents import (
    analysis_tables,
    assumptions,
    benchmark_tables,
    bert_other_runs,
    bert_trials,
    compile_table,
    doc_pictures,
    errata,
    paper_map,
    real_weights,
)
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.program.text_table import Sheet, piped
from largebatch.experiments.records.reader import Run, find_runs
from largebatch.experiments.reporting.model import grids, notes, words
from largebatch.experiments.reporting.model.cells import Report, TableReport, gather
from largebatch.experiments.rows import scale as scales
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry

ROOT = PACKAGE
RESULTS = ROOT / "results"
MEASURED = "-measured"
SHOWN_APART = (bert_trials.is_trial, bert_other_runs.is_shown)
BLOCK = re.compile(r"(<!-- ([\w-]+) -->\n)(.*?)(<!-- /\2 -->)", re.DOTALL)

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.boolean("check", False, "Only name what is out of date.")


def main() -> int:
    stale = []
    for page in pages():
        text = current(page)
        if page.read_text(encoding="utf-8") != text:
            stale.append(str(page.relative_to(ROOT)))
            if not FLAGS.check:
                page.write_text(text, encoding="utf-8")
    if stale and FLAGS.check:
        raise UserError(
            f"out of date: {', '.join(stale)}; run python -m largebatch.experiments.doc_tables"
        )
    print(f"wrote {', '.join(stale)}" if stale else "all tables are current")
    return 0


def pages() -> list[Path]:
    """README.md, the pages of results, others with blocks, and those that are made whole; and the
    tables' pictures."""
    docs = ROOT / "docs"
    results = sorted((docs / "results").glob("*.md"))
    names = ("analyses", "faults", "scaling_model", "speed", "tpu_compile")
    pictures = [docs / "figures" / f"{name}.svg" for name in doc_pictures.PICTURES]
    made = [docs / f"{name}.md" for name in (*names, *WHOLE)]
    return [ROOT / "README.md", *made, *results, *pictures]


def current(page: Path) -> str:
    """A page as rows and results of today have it."""
    if page.stem in WHOLE:
        return WHOLE[page.stem]()
    if page.suffix == ".svg":
        return doc_pictures.picture(page.stem, _report())
    return rendered(page.read_text(encoding="utf-8"))


def rendered(text: str) -> str:
    """A page with each of its blocks as the results of today have it."""
    return BLOCK.sub(lambda match: f"{match[1]}{block(match[2])}\n{match[4]}", text)


def block(name: str) -> str:
    """The Markdown of one block.

    Raises UserError for a name that is no table, no table at a scale, and no other block.
    """
    if name in _OTHERS:
        return _OTHERS[name]()
    whole = name[: -len(MEASURED)] if name.endswith(MEASURED) else name
    kind, _, rest = whole.partition("-")
    table, _, scale = (rest if kind in _ABOUT else whole).partition("-")
    if table not in registry.TABLES:
        raise UserError(f"<!-- {name} -->: there is no such table")
    if kind in _ABOUT:
        return _ABOUT[kind](table, scale or "paper")
    wanted = (table, scale or "paper")
    found = [t for t in _report().tables if (t.table, t.scale) == wanted]
    if not found and wanted[1] in scales.ALL_SCALES:
        return "Not run."
    if not found:
        raise UserError(f"<!-- {name} -->: no results of {table} at scale {scale!r}")
    report = found[0]
    if whole != name:
        run = [c for c in report.cells if c.runs or any(twin.runs for twin in c.as_run)]
        report = dataclasses.replace(report, cells=run)
        if not run:
            return "Not run."
    return _table(report)


@functools.cache
def _runs() -> list[Run]:
    return find_runs(str(RESULTS))[0]


@functools.cache
def _report() -> Report:
    report = gather(str(RESULTS), list(registry.TABLES))
    for problem in report.left_out:
        cli.warn(f"left out: {problem.path} {problem.reason}")
    return report


def _table(table: TableReport) -> str:
    parts = [piped(grids.as_sheet(grids.grid(table))), " ".join(notes.notes(table))]
    tuning = words.tuning_sheet(table)
    if tuning:
        parts += ["Tuning: mean ± standard deviation (n), \\* the best.", piped(tuning)]
    return "\n\n".join(part for part in parts if part)


def _verdicts(table: str, scale: str) -> str:
    """A line a claim; at the paper's scale two, as printed and as run."""
    shown = ("paper", "as run") if scale == "paper" else (scale,)
    claims, lines = about([table]), []
    for one in (one for one in _report().claims if one.claim in claims):
        for where in (where for where in shown if where in one.verdicts):
            found = one.verdicts[where]
            lines.append(
                [one.claim.sentence, *([where] if len(shown) > 1 else []),
                 f"{found.word} ({found.why})" if found.why else found.word, found.criterion,
                 claim_words.figure(found.effect, found), claim_words.interval(found),
                 claim_words.seeds(found)]
            )  # fmt: skip
    head = ["claim", *(["rows"] if len(shown) > 1 else []), "verdict", "criterion", "effect"]
    return piped(Sheet([*head, "interval", "n"], lines)) if lines else "No claim is about it."


def _changed(table: str, scale: str) -> str:
    """Runs of a table's rows that differ from them, by --set or as the row was before."""
    return _overridden(registry.module(table).ROWS.values(), scale)


def _overridden(rows: Iterable[Row], scale: str) -> str:
    """Runs that a block of their own shows are left out."""
    names = {row.run_name for row in rows}
    items = [
        item
        for item in _report().overridden
        if item.row.name in names
        and item.point.runs[0].scale == scale
        and not any(shown(run) for shown in SHOWN_APART for run in item.point.runs)
    ]
    sheet = words.overridden_sheet(items)
    kept = [0, 2, 3, *range(5, len(sheet.header))]  # neither the scale nor the status
    lines = [[line[i] for i in kept] for line in sheet.rows]
    return piped(Sheet([sheet.header[i] for i in kept], lines)) if items else "None."


def _bert_largest_batch() -> str:
    sheet = bert_other_runs.largest_batch(_runs())
    return f"{piped(sheet)}\n\n\\* the row's own."


def _bert_pilot() -> str:
    return piped(bert_other_runs.pilot(_runs()))


def _former_bert() -> str:
    rows = [row for row in registry.all_rows().values() if row.model.startswith("bert")]
    return _overridden(rows, "laptop")


def _scaling() -> str:
    topology = chips.find(step_time.PAPER_CHIP).topology
    table = scaling_tables.table1(step_time.fit(topology=topology), topology)
    return scaling_tables.as_markdown(table)


def _bert_trials() -> str:
    found = bert_trials.tried(_runs())
    optimizers = dict.fromkeys(one.trial.optimizer for one in found)
    guessed = [name for name in optimizers if bert_trials.best(found, name) is None]
    text = f"{piped(bert_trials.sheet(found))}\n\n\\* the rows' factor."
    if not guessed:
        return text
    return f"{text} Of {', '.join(guessed)} not all trials are run (-): the factor is a guess."


def _claims_at_a_glance() -> str:
    """The claims that runs of the paper's size have decided or touched; a line for the others."""
    judged = _report().claims
    full_size = ("paper", "as run")
    tried, others = [], 0
    for one in judged:
        found = [one.verdicts[s].word if s in one.verdicts else "-" for s in full_size]
        if set(found) <= {"-", NOT_RUN}:
            others += 1
        else:
            tried.append([one.claim.sentence, one.claim.place, *found])
    table = piped(Sheet(["claim", "where", "as the paper says", "as its code ran"], tried))
    return f"{table}\n\n{others} more claims have not been run at the paper's size."


WHOLE: dict[str, Callable[[], str]] = {  # below docs/
    "assumptions": assumptions.as_markdown,
    "claims": lambda: claim_words.as_markdown(_report().claims),
    "decay_and_l2": lambda: decay_page.as_markdown(
        json.loads((RESULTS / "decay_and_l2" / "measured.json").read_text(encoding="utf-8"))
    ),
    "errata": errata.as_markdown,
    "paper_map": paper_map.as_markdown,
}
_ABOUT = {"verdicts": _verdicts, "changed": _changed}
_OTHERS: dict[str, Callable[[], str]] = {
    "scaling": _scaling,
    "scaling-topologies": lambda: scaling_tables.as_markdown(scaling_tables.topologies()),
    "claims-at-a-glance": _claims_at_a_glance,
    "bert-trials": _bert_trials,
    "bert-largest-batch": _bert_largest_batch,
    "bert-pilot": _bert_pilot,
    "bert-former": _former_bert,
    **{
        name: functools.partial(make, RESULTS)
        for module in (analysis_tables, benchmark_tables, compile_table, real_weights)
        for name, make in module.BLOCKS.items()
    },
}

program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
