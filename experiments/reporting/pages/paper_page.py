"""The page of `report --all`: every table and figure of the paper, on one self-contained page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from largebatch.experiments.reporting.model import words
from largebatch.experiments.reporting.model.cells import Report, TableReport
from largebatch.experiments.reporting.model.grids import Grid, Item, grid
from largebatch.experiments.reporting.pages import entries as paper_entries
from largebatch.experiments.reporting.pages.entries import GROUPS, Block, Entry
from largebatch.experiments.reporting.pages.html_page import (
    PAPER,
    claims_card,
    commands,
    escaped,
    framed,
    left_out_card,
    overridden_card,
    page,
    picture,
    plain_table,
    provenance,
)
from largebatch.experiments.reporting.pages.style import ALL_STYLE, STYLE
from largebatch.experiments.reporting.pages.text import opening

_POWER = re.compile(r"\^([\d.]+)")
LONG = 12  # lines of a table; longer ones are folded
MEANINGS = (
    ("measured", "runs of exactly this row; the number is theirs"),
    ("not run", "no run yet; the command is given"),
    ("diverged", "a loss that is not finite"),
    ("interrupted", "cut off before its end"),
    ("scaled", "the recipe on a smaller model or other data; never beside a printed value"),
    ("overridden", "settings changed by hand; shown apart, in no table"),
)


def as_page(report: Report, entries: Sequence[Entry]) -> str:
    body = [
        "<header><h1>Measured beside printed</h1>",
        f"<p class=lead>Every table and figure of <em>{PAPER}</em>, run again by largebatch. "
        f"{escaped(opening(report))}</p>",
        _glance(report),
        _index(report, entries),
        "</header><main>",
        claims_card(report),
    ]
    for group in GROUPS:
        body.append(f"<h2 class=group>{group}</h2>")
        body += [_card(entry) for entry in entries if entry.group == group]
    body += [overridden_card(report), left_out_card(report), "</main>"]
    return page(body, STYLE + ALL_STYLE)


def _glance(report: Report) -> str:
    """How much there is, by scale, in words and colours, and what the colours mean."""
    tiles = []
    for scale, found in paper_entries.all_counts(report).items():
        css, name = ("tile", "The paper's scale") if scale == "paper" else (
            "tile scaled", f"{scale.capitalize()} scale"
        )  # fmt: skip
        cells = f"{sum(found.values())} cells"
        tiles.append(f"<div class='{css}'><b>{name}</b><i>{cells}</i>{_pills(found)}</div>")
    apart = {"overridden": len(report.overridden), "left out": len(report.left_out)}
    tiles.append(f"<div class='tile apart'><b>Apart</b><i>in no cell</i>{_pills(apart)}</div>")
    meanings = "".join(f"<li>{_badge(word)} {text}</li>" for word, text in MEANINGS)
    return (
        f"<div class=tiles>{''.join(tiles)}</div><details class=meaning><summary>What the words "
        f"and colours mean</summary><ul>{meanings}</ul></details>"
    )


def _index(report: Report, entries: Sequence[Entry]) -> str:
    parts = ["<h2><a href='#claims'>Claims and verdicts</a></h2>"] if report.claims else []
    for group in GROUPS:
        lines = [_index_line(entry) for entry in entries if entry.group == group]
        parts.append(f"<h2>{group}</h2><ul>{''.join(lines)}</ul>")
    apart = []
    if report.overridden:
        count = {"overridden": len(report.overridden)}
        apart.append(f"<li><a href='#overridden'>Overridden runs</a>{_pills(count)}</li>")
    if report.left_out:
        count = {"left out": len(report.left_out)}
        apart.append(f"<li><a href='#left-out'>Left out</a>{_pills(count)}</li>")
    if apart:
        parts.append(f"<h2>Apart</h2><ul>{''.join(apart)}</ul>")
    return f"<nav class=index>{''.join(parts)}</nav>"


def _index_line(entry: Entry) -> str:
    pills = []
    for block in entry.blocks:
        link = f"<a class='badge scaled' href='#{entry.block_anchor(block)}'>{block.scale}</a>"
        name = "" if block.scale == "paper" else link
        pills.append(f"<span>{name}{_pills(block.counts)}</span>")
    return (
        f"<li><a href='#{entry.anchor}'><b>{escaped(entry.heading)}</b> "
        f"<span>{escaped(entry.title)}</span></a><div class=pills>{''.join(pills)}</div></li>"
    )


def _card(entry: Entry) -> str:
    anchors = ""
    if entry.anchor == "figure9":
        anchors = "".join(f"<a id=figure{number}></a>" for number in range(10, 15))
    blocks = "".join(_block(entry, block) for block in entry.blocks)
    return (
        f"<section class=card id='{entry.anchor}'>{anchors}<h2>{escaped(entry.heading)}"
        f"<span class=title>{escaped(entry.title)}</span></h2>{blocks}</section>"
    )


def _block(entry: Entry, block: Block) -> str:
    paper = block.scale == "paper"
    css = "block" if paper else "block scaled"
    anchor = "" if paper else f" id='{entry.block_anchor(block)}'"
    what = f"<span class=what>{escaped(block.what)}</span>"
    name = "<span class='badge paper'>the paper's scale</span>"
    if not paper:
        name = f"<span class='badge scaled'>{block.scale} scale</span>"
    notes = "".join(f"<li>{escaped(note)}</li>" for note in block.notes)
    pictures = "".join(picture(p.svg, p.caption, entry.heading) for p in block.pictures)
    folded = len(block.tables) > 1
    return "\n".join(
        part
        for part in (
            f"<div class='{css}'{anchor}><h3>{name} {what} {_pills(block.counts)}</h3>",
            *(() if folded else map(_table, block.tables)),
            f"<ul class=notes>{notes}</ul>" if notes else "",
            f"<div class=figures>{pictures}</div>" if pictures else "",
            *(map(_folded_table, block.tables) if folded else ()),
            _run_it(block),
            *map(_details, block.tables if not folded else ()),
            "</div>",
        )
        if part
    )


def _table(table: TableReport) -> str:
    shown = grid(table)
    markup = _markup(shown)
    if len(shown.lines) <= LONG:
        return markup
    return f"<details><summary>The table: {len(shown.lines)} lines</summary>{markup}</details>"


def _folded_table(table: TableReport) -> str:
    """One table of a set, in the place that the set's picture leaves it."""
    best = max((c.printed for c in table.cells if c.printed is not None), default=None)
    printed = "" if best is None else f" printed best {best:.4f}"
    anchor = table.anchor
    return (
        f"<details id='{anchor}'><summary><b>{escaped(table.heading)}</b> "
        f"{escaped(_difference(table))}{printed} {_pills(paper_entries.counts(table.cells))}"
        f"</summary>{_markup(grid(table))}{_details(table)}</details>"
    )


def _difference(table: TableReport) -> str:
    """What tells a table of a set from the others: its weight decays."""
    decays = dict.fromkeys(words.plain(cell.row.weight_decay) for cell in table.cells)
    return f"weight decay {' and '.join(decays)}"


def _markup(shown: Grid) -> str:
    head = "".join(f"<th>{escaped(name)}</th>" for name in shown.header)
    rows = []
    for first, *items in shown.lines:
        cells = "".join(map(_cell, items))
        rows.append(f"<tr><th>{escaped(first.text)}</th>{cells}</tr>")
    inside = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return framed(inside, "grid")


def _cell(item: Item) -> str:
    badges = "".join(_badge(status) for status in item.statuses if status != "measured")
    text = escaped(item.text)
    if item.kind == "setting":
        raised = _POWER.sub(r"<sup>\1</sup>", text)
        return f"<td class=setting>{raised}</td>"
    if item.text and item.text != words.NOTHING:
        mean, _, deviation = text.partition(" ± ")
        text = f"{mean}<small>± {deviation}</small>" if deviation and "/" not in text else text
        note = f"<small>{escaped(item.note)}</small>" if item.note else ""
        return f"<td class={item.kind}>{text}{note}{badges}</td>"
    return f"<td class='{item.kind} nothing'>{badges or text}</td>"


def _run_it(block: Block) -> str:
    """The commands of the whole block, in sight where something is missing."""
    if not block.commands:
        return ""
    lines = escaped("\n".join(block.commands))
    missing = block.counts.get("measured", 0) < len(block.cells)
    word = "To run it" if missing else "To run it again"
    return f"<div class=run><span>{word}</span><pre>{lines}</pre></div>"


def _details(table: TableReport) -> str:
    cells = commands(table, lambda cell: f" {_badge(cell.status)}")
    return _tuning(table) + provenance(table) + cells


def _tuning(table: TableReport) -> str:
    sheet = words.tuning_sheet(table)
    if sheet is None:
        return ""
    return (
        "<details><summary>Tuning: every point of the grid</summary><p class=hint>Mean ± standard "
        f"deviation (n); the best is marked.</p>{plain_table(sheet, mark='*')}</details>"
    )


def _pills(found: Mapping[str, int]) -> str:
    return "".join(_badge(status, number) for status, number in found.items())


def _badge(status: str, number: int | None = None) -> str:
    count = "" if number is None else f"{number} "
    return f"<span class='badge {status.replace(' ', '-')}'>{count}{status}</span>"
