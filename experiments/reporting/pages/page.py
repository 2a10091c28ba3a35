"""The report as one page: a single file without a network, legible on a phone, light and dark.

Without JavaScript everything is there; with it, tables are sorted by a click on a column's name,
and a point of a picture tells its values at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from largebatch.experiments.reporting.figures.pictures import Picture
from largebatch.experiments.reporting.model import headline, origins, words
from largebatch.experiments.reporting.model.cells import Report, TableReport
from largebatch.experiments.reporting.model.grids import fitting, grid
from largebatch.experiments.reporting.pages import style
from largebatch.experiments.reporting.pages.claims_card import claims_card
from largebatch.experiments.reporting.pages.entries import (
    EXPLAIN_OVERRIDDEN,
    GROUPS,
    PAPER,
    Block,
    Entry,
    State,
    counts,
    matrix,
    opening,
)
from largebatch.experiments.reporting.pages.markup import (
    badge,
    escaped,
    folded,
    framed,
    grid_table,
    labelled,
    pills,
    section,
    sheet_table,
    tagged,
)

LONG = 12  # lines of a table; longer ones are folded
LETTERS = 150  # of a table that the page shows without scrolling
MEANINGS = (
    ("measured", "runs of exactly this row; the number is theirs"),
    ("not run", "no run yet; the command is given"),
    ("diverged", "a loss that is not finite"),
    ("interrupted", "cut off before its end"),
    ("scaled", "the recipe on a smaller model or other data; never beside a printed value"),
    ("overridden", "settings changed by hand; shown apart, in no table"),
)


def as_html(report: Report, entries: Sequence[Entry]) -> str:
    cards = [claims_card(report), _glance(report), _index(report, entries)]
    for group in GROUPS:
        mine = [entry for entry in entries if entry.group == group]
        cards += [f"<h2 class=group>{escaped(group)}</h2>"] if mine else []
        cards += [_card(entry, report) for entry in mine]
    cards += [_overridden(report), _left_out(report)]
    places = (
        ("claims", "Claims", report.claims), ("results", "Results", True), ("index", "Index", True),
        ("overridden", "Overridden runs", report.overridden),
        ("left-out", "Left out", report.left_out),
    )  # fmt: skip
    links = " ".join(f"<a href='#{name}'>{text}</a>" for name, text, there in places if there)
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        '<meta name=color-scheme content="light dark">'
        f"<title>largebatch: measured beside printed</title><style>{style.STYLE}</style></head>\n"
        "<body><header><h1>Measured beside printed</h1>"
        f"<p class=lead>The tables and figures of <em>{PAPER}</em>, run again by largebatch. "
        f"{escaped(opening(report))}</p><nav>{links}</nav></header><main>\n"
        + "\n".join(card for card in cards if card)
        + f"</main><script>{style.SCRIPT}</script></body></html>\n"
    )


def _glance(report: Report) -> str:
    """A line a table, printed and measured; then what was not run."""
    found = headline.lines(report)
    parts = []
    if found:
        rows = []
        for line in found:
            table, *texts = map(escaped, line.texts)
            name = f"<th><a href='#{line.table.anchor}'>{table}</a></th>"
            if line.conclusions:
                texts[-1] = f"<a href='#claim-{line.conclusions[0].claim}'>{texts[-1]}</a>"
            scaled = "" if line.cell.row.scale == "paper" else " class=scaled"
            cells = "".join(map(labelled, headline.HEADER[1:], texts))
            rows.append(f"<tr{scaled}>{name}{cells}</tr>")
        parts.append(
            "<p class=hint>Each table by its row with the best printed value or, at a smaller "
            "scale, the best measured one. Mean ± standard deviation over n seeds; the claims "
            "that its rows test.</p>" + framed(headline.HEADER, rows, "grid glance stack sort")
        )
    missing = [
        f"<a href='#{t.anchor}'>{escaped(t.heading)}</a>" for t in headline.untouched(report)
    ]
    if missing:
        parts.append(f"<p class=hint>Not measured at any scale: {', '.join(missing)}.</p>")
    return section("results", "Results at a glance", "".join(parts))


def _index(report: Report, entries: Sequence[Entry]) -> str:
    """What was run, by table and scale; and what the words and colours mean."""
    scales, lines = matrix(entries)
    rows = []
    for group in GROUPS:
        mine = [(e, states) for e, states in zip(entries, lines) if e.group == group]
        if mine:
            rows.append(f"<tr class=part><th colspan={len(scales) + 1}>{escaped(group)}</th></tr>")
        for entry, states in mine:
            title = f"<b>{escaped(entry.heading)}</b> <span>{escaped(entry.title)}</span>"
            name = f"<th><a href='#{entry.anchor}'>{title}</a></th>"
            cells = "".join(tagged("td", _state(states.get(scale))) for scale in scales)
            rows.append(f"<tr>{name}{cells}</tr>")
    meanings = "".join(f"<li>{badge(word)} {text}</li>" for word, text in MEANINGS)
    apart = {"overridden": len(report.overridden), "left out": len(report.left_out)}
    beside = pills({status: number for status, number in apart.items() if number})
    return section(
        "index", "What was run",
        "<p class=hint>Cells measured, of all, at each scale.</p>"
        + framed(["", *scales], rows, "grid matrix")
        + f"<p class=hint>Apart, in no cell: {beside}</p>" * bool(beside)
        + folded("What the words and colours mean", f"<ul class=plain>{meanings}</ul>"),
    )  # fmt: skip


def _state(state: State | None) -> str:
    if state is None:
        return ""
    kind = "all" if state.measured == state.cells else "some" if state.measured else "none"
    part = f" style='--part:{state.measured / state.cells:.0%}'" if kind == "some" else ""
    told = f"{state.measured}/{state.cells}"
    return f"<a class='state {kind}' href='#{state.anchor}'{part}>{told}</a>"


def _card(entry: Entry, report: Report) -> str:
    """One entry; folded where nothing was run for it."""
    head = f"<h2>{escaped(entry.heading)} <span>{escaped(entry.title)}</span></h2>"
    anchors = "".join(f"<a id={name}></a>" for name in entry.further)
    blocks = "".join(_block(entry, block, report) for block in entry.blocks)
    if not entry.is_empty:
        return f"<section class=card id='{entry.anchor}'>{anchors}{head}{blocks}</section>"
    missing = pills(counts(cell for block in entry.blocks for cell in block.cells))
    return (
        f"<details class=card id='{entry.anchor}'><summary>{head} {missing}</summary>"
        f"{anchors}{blocks}</details>"
    )


def _block(entry: Entry, block: Block, report: Report) -> str:
    """One scale of an entry; the paper's folded where it was not run and another was."""
    paper = block.scale == "paper"
    css = "block" if paper else "block scaled"
    anchor = "" if paper else f" id='{entry.block_anchor(block)}'"
    name = badge("paper", "the paper's scale") if paper else badge("scaled", f"{block.scale} scale")
    head = f"<h3>{name} <span class=what>{escaped(block.what)}</span> {pills(block.counts)}</h3>"
    notes = "".join(tagged("li", escaped(note)) for note in block.notes)
    several = len(block.tables) > 1
    parts = [
        _concluded(block),
        *(() if several else (_table(table) for table in block.tables)),
        f"<ul class=notes>{notes}</ul>" if notes else "",
        f"<div class=figures>{''.join(map(_figure, block.pictures))}</div>" * bool(block.pictures),
        *((_of_a_set(table, report) for table in block.tables) if several else ()),
        _run_it(block),
        *(() if several else (_details(table, report) for table in block.tables)),
    ]
    inside = "\n".join(part for part in parts if part)
    if not entry.is_empty and not any(cell.runs for cell in block.cells) and block.cells:
        return f"<details class='{css}'{anchor}><summary>{head}</summary>{inside}</details>"
    return f"<div class='{css}'{anchor}>{head}{inside}</div>"


def _concluded(block: Block) -> str:
    """The verdicts on the claims that the block's rows test."""
    claims: dict[str, list[headline.Conclusion]] = {}
    for one in block.conclusions:
        claims.setdefault(one.claim, []).append(one)
    lines = []
    for name, found in claims.items():
        words_said = dict.fromkeys(one.word for one in found)
        figures = "".join(f"<small>{escaped(f'{c.scale}: {c.figures}')}</small>" for c in found)
        sentence = f"<a href='#claim-{name}'>{escaped(found[0].sentence)}</a>"
        lines.append(f"<li>{''.join(map(badge, words_said))} {sentence}{figures}</li>")
    return f"<ul class='plain concluded'>{''.join(lines)}</ul>" if lines else ""


def _figure(picture: Picture) -> str:
    return f"<figure>{picture.svg}<figcaption>{escaped(picture.caption)}</figcaption></figure>"


def _table(table: TableReport) -> str:
    shown = fitting(grid(table), LETTERS)
    sort = table.layout.down != bool(shown.caption)  # its lines are rows of the paper's
    caption = f"<p class=hint>{escaped(shown.caption)}</p>" if shown.caption else ""
    markup = caption + grid_table(shown, sort)
    if len(shown.lines) <= LONG or table.layout.across:
        return markup
    return folded(f"The table: {len(shown.lines)} lines", markup)


def _of_a_set(table: TableReport, report: Report) -> str:
    """One table of a set, in the place that the set's picture leaves it."""
    best = max((c.printed for c in table.cells if c.printed is not None), default=None)
    decays = dict.fromkeys(words.plain(cell.row.weight_decay) for cell in table.cells)
    printed = "" if best is None else f", printed best {best:.4f}"
    text = f" weight decay {' and '.join(decays)}{printed} "
    return folded(
        f"<b>{escaped(table.heading)}</b>{escaped(text)}{pills(counts(table.cells))}",
        grid_table(grid(table), sort=True) + _details(table, report),
        f" id='{table.anchor}'",
    )


def _run_it(block: Block) -> str:
    """The commands of the whole block, in sight where nothing was run."""
    if not block.commands:
        return ""
    lines = f"<pre>{escaped(chr(10).join(block.commands))}</pre>"
    if any(cell.runs for cell in block.cells):
        complete = set(block.counts) == {"measured"}
        return folded("To run it again" if complete else "To run the rest", lines)
    return f"<div class=run><span>To run it</span>{lines}</div>"


def _details(table: TableReport, report: Report) -> str:
    tuning, found = words.tuning_sheet(table), origins.origins_sheet(table, report)
    items = []
    for cell in table.all_cells:
        lines = escaped("\n".join(words.commands(cell, table.layout.seeds)))
        name = f"{escaped(cell.row.name)} {badge(cell.status)}"
        items.append(f"<dt>{name}</dt><dd><pre>{lines}</pre></dd>")
    hint = "<p class=hint>Mean ± standard deviation (n); the best in bold.</p>"
    parts = []
    if tuning:
        parts.append(("Tuning: every point of the grid", hint + sheet_table(tuning, "grid", "*")))
    if found:
        parts.append(("Where each value is from", sheet_table(found, "grid small sort")))
    parts += [
        ("Settings that the paper does not print",
         sheet_table(words.provenance_sheet(table), "prose settings")),
        ("The commands that regenerate each cell", f"<dl>{''.join(items)}</dl>"),
    ]  # fmt: skip
    return "".join(folded(title, inside) for title, inside in parts)


def _overridden(report: Report) -> str:
    if not report.overridden:
        return ""
    table = sheet_table(words.overridden_sheet(report.overridden), "grid small sort")
    return section("overridden", "Overridden runs", f"<p>{EXPLAIN_OVERRIDDEN}</p>{table}")


def _left_out(report: Report) -> str:
    if not report.left_out:
        return ""
    table = sheet_table(words.left_out_sheet(report), "prose")
    text = "<p>Files under the folder of runs that cannot be used, and why.</p>"
    return section("left-out", f"Left out: {len(report.left_out)}", text + table)
