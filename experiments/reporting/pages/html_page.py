"""The report as one self-contained page: no file beside it, no script, legible on a phone."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable

from largebatch.experiments.claims import words
from largebatch.experiments.program.text_table import NOTHING, Sheet
from largebatch.experiments.reporting.figures import run_curves
from largebatch.experiments.reporting.model import result_sheets
from largebatch.experiments.reporting.model import words as sheets
from largebatch.experiments.reporting.model.cells import Cell, Report, TableReport
from largebatch.experiments.reporting.pages.style import STYLE
from largebatch.experiments.reporting.pages.text import EXPLAIN_OVERRIDDEN, opening

PAPER = "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes"
PICTURES = (
    (run_curves.accuracy_curves, "Test metric against epoch"),
    (run_curves.loss_curves, "Loss against epoch"),
    (run_curves.tuning_curves, "Test metric against learning rate"),
)


def as_html(report: Report) -> str:
    body = [
        "<header><h1>Measured beside printed</h1>",
        f"<p class=lead>The tables of <em>{PAPER}</em>, run again by largebatch. "
        f"{escaped(opening(report))}</p>",
        _index(report),
        "</header><main>",
        claims_card(report),
        *(_table_card(table) for table in report.tables),
        overridden_card(report),
        left_out_card(report),
        "</main>",
    ]
    return page(body, STYLE)


def page(body: Iterable[str], style: str) -> str:
    """The parts that are not empty, as a whole page."""
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>largebatch: measured beside printed</title><style>{style}</style></head>\n<body>"
        + "\n".join(part for part in body if part)
        + "</body></html>\n"
    )


def _index(report: Report) -> str:
    entries = ["<li><a href='#claims'>Claims and verdicts</a></li>"] if report.claims else []
    for table in report.tables:
        badges = "".join(_dot(cell) for cell in table.cells)
        entries.append(f"<li><a href='#{table.anchor}'>{escaped(table.title)}</a>{badges}</li>")
    if report.overridden:
        count = len(report.overridden)
        entries.append(f"<li><a href='#overridden'>Overridden runs</a> ({count})</li>")
    if report.left_out:
        count = len(report.left_out)
        entries.append(f"<li><a href='#left-out'>Left out</a> ({count})</li>")
    return f"<nav><ul>{''.join(entries)}</ul></nav>"


def claims_card(report: Report) -> str:
    """What the runs say of the paper's claims; figures and commands folded below the verdicts."""
    if not report.claims:
        return ""
    parts = [
        "<section class=card id=claims><h2>Claims and verdicts</h2>",
        f"<p class=hint>{escaped(words.counts_line(report.claims))}</p>",
    ]
    for by, mine in words.groups(report.claims):
        parts += [f"<h3>{escaped(words.title(by))}</h3>", _verdicts(words.summary_sheet(mine))]
    details = []
    for one in report.claims:
        told = "".join(f"<p class=hint>{escaped(text)}</p>" for text in words.remarks(one))
        figures = plain_table(words.detail_sheet(one), css="prose") if one.verdicts else ""
        details.append(f"<h3>{escaped(one.claim.sentence)}</h3>{figures}{told}")
    parts += [
        f"<details><summary>The figures behind each verdict</summary>{''.join(details)}</details>",
        "<details><summary>How a verdict is made</summary>",
        *(f"<p>{escaped(text)}</p>" for text in words.LEGEND),
        "</details></section>",
    ]
    return "\n".join(parts)


def _verdicts(sheet: Sheet) -> str:
    head = "".join(f"<th>{escaped(name)}</th>" for name in sheet.header)
    rows = []
    for sentence, place, *verdicts in sheet.rows:
        cells = _cells([f"<small>{escaped(place)}</small>", *map(_verdict, verdicts)])
        rows.append(f"<tr><th>{escaped(sentence)}</th>{cells}</tr>")
    return framed(f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>", "prose verdicts")


def _verdict(word: str) -> str:
    if word == NOTHING:
        return NOTHING
    return f"<span class='badge {word.replace(' ', '-')}'>{word}</span>"


def _table_card(table: TableReport) -> str:
    kind = "card" if table.scale == "paper" else "card scaled"
    badge = f"<span class='badge scaled'>{table.scale} scale</span>"
    mark = "" if table.scale == "paper" else badge
    notes = "".join(f"<li>{escaped(note)}</li>" for note in result_sheets.notes(table))
    return "\n".join(
        [
            f"<section class='{kind}' id='{table.anchor}'><h2>{escaped(table.title)} {mark}</h2>",
            _wide(table),
            _narrow(table),
            f"<ul class=notes>{notes}</ul>" if notes else "",
            _pictures(table),
            _tuning(table),
            provenance(table),
            commands(table),
            "</section>",
        ]
    )


def _wide(table: TableReport) -> str:
    """The paper's layout."""
    sheet = result_sheets.columns(table)
    lines = [[escaped(name) for name in sheet.header]]
    for name, *cells in sheet.rows:
        made = {"status": _badge, "measured": _measured}.get(name)
        shown = [made(cell) for cell in table.cells] if made else [escaped(cell) for cell in cells]
        lines.append([escaped(name), *shown])
    if table.layout.down:
        lines = [list(line) for line in zip(*lines)]
        lines[0][0] = escaped(table.layout.corner)
    head, *rows = lines
    body = "".join(
        f"<tr{' class=measured' if name == 'measured' else ''}><th>{name}</th>{_cells(cells)}</tr>"
        for name, *cells in rows
    )
    head = "".join(f"<th>{cell}</th>" for cell in head)
    return framed(f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>", "wide")


def _narrow(table: TableReport) -> str:
    """The same for a phone: a line an optimizer."""
    printed = table.scale == "paper"
    rows = []
    for cell in (one for own in table.cells for one in (own, *own.as_run)):
        at = f"<small>{escaped(sheets.values(cell.best.values))}</small>" if cell.best else ""
        made = [(_measured(cell) if cell.summary else _badge(cell)) + at]
        if printed:
            made = [sheets.printed(cell), *made, sheets.difference(cell)]
        name = f"{cell.row.label}, as run" if cell.row.follows_code else cell.row.label
        rows.append(f"<tr><th>{escaped(name)}</th>{_cells(made)}</tr>")
    names = ["paper", "measured", "diff."] if printed else ["measured"]
    head = "".join(f"<th>{name}</th>" for name in ("", *names))
    return framed(f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>", "narrow")


def _pictures(table: TableReport) -> str:
    drawn = ((caption, draw(table)) for draw, caption in PICTURES)
    figures = [picture(svg, caption, table.title) for caption, svg in drawn if svg is not None]
    return f"<div class=figures>{''.join(figures)}</div>" if figures else ""


def picture(svg: str, caption: str, title: str) -> str:
    """An SVG file's text inside the page."""
    data = base64.b64encode(svg.encode()).decode()
    return (
        f"<figure><img alt='{escaped(f'{caption}: {title}')}' "
        f"src='data:image/svg+xml;base64,{data}'>"
        f"<figcaption>{escaped(caption)}</figcaption></figure>"
    )


def _tuning(table: TableReport) -> str:
    sheet = sheets.tuning_sheet(table)
    if sheet is None:
        return ""
    return (
        "<h3>Tuning</h3><p class=hint>Mean ± standard deviation (n); the best is marked.</p>"
        + plain_table(sheet, mark="*")
    )


def provenance(table: TableReport) -> str:
    origins = "".join(f"<li>{escaped(line)}</li>" for line in sheets.origin_lines(table))
    measured = f"<p>Measured with:</p><ul>{origins}</ul>" if origins else ""
    return (
        "<details><summary>What the paper does not say, and where the values are from</summary>"
        f"{plain_table(sheets.provenance_sheet(table), css='prose settings')}{measured}</details>"
    )


def commands(table: TableReport, mark: Callable[[Cell], str] = lambda cell: "") -> str:
    """`mark`: HTML after a row's name."""
    items = []
    for cell in table.all_cells:
        lines = escaped("\n".join(sheets.commands(cell, table.layout.seeds)))
        name = f"{escaped(cell.row.name)}{mark(cell)}"
        items.append(f"<dt>{name}</dt><dd><pre>{lines}</pre></dd>")
    return (
        "<details><summary>The commands that regenerate each cell</summary>"
        f"<dl>{''.join(items)}</dl></details>"
    )


def overridden_card(report: Report) -> str:
    if not report.overridden:
        return ""
    sheet = sheets.overridden_sheet(report.overridden)
    return (
        "<section class='card apart' id=overridden><h2>Overridden runs "
        f"<span class='badge overridden'>overridden</span></h2><p>{EXPLAIN_OVERRIDDEN}</p>"
        f"{plain_table(sheet)}</section>"
    )


def left_out_card(report: Report) -> str:
    if not report.left_out:
        return ""
    return (
        f"<section class='card apart' id=left-out><h2>Left out: {len(report.left_out)}</h2>"
        "<p>Files under the folder of runs that cannot be used, and why.</p>"
        f"{plain_table(sheets.left_out_sheet(report), css='prose')}</section>"
    )


def plain_table(sheet: Sheet, css: str = "", mark: str = "") -> str:
    head = "".join(f"<th>{escaped(cell)}</th>" for cell in sheet.header)
    rows = []
    for first, *rest in sheet.rows:
        made = []
        for cell in rest:
            best = bool(mark) and cell.endswith(mark)
            text = _stacked(cell[: -len(mark)].strip() if best else cell)
            made.append(f"<strong>{text}</strong>" if best else text)
        rows.append(f"<tr><th>{escaped(first)}</th>{_cells(made)}</tr>")
    return framed(f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>", css)


def framed(inside: str, css: str) -> str:
    return f"<div class='frame {css}'><table>{inside}</table></div>"


def _cells(made: Iterable[str]) -> str:
    return "".join(f"<td{' class=nothing' if c == NOTHING else ''}>{c}</td>" for c in made)


def _measured(cell: Cell) -> str:
    """The mean, and below it, smaller, the deviation."""
    return _stacked(sheets.spread(cell.summary, cell.row.metric)) if cell.summary else NOTHING


def _stacked(text: str) -> str:
    """'0.99 ± 0.01 (5)' with all but the mean smaller, below it."""
    mean, _, deviation = text.partition(" ± ")
    return f"{escaped(mean)}<small>± {escaped(deviation)}</small>" if deviation else escaped(text)


def _badge(cell: Cell) -> str:
    note = sheets.status_note(cell)
    return (
        f"<span class='badge {cell.status.replace(' ', '-')}' title='{escaped(note)}'>"
        f"{cell.status}</span>"
    )


def _dot(cell: Cell) -> str:
    title = f"{cell.row.label}: {cell.status}"
    return f"<i class='dot {cell.status.replace(' ', '-')}' title='{escaped(title)}'></i>"


def escaped(text: str) -> str:
    return html.escape(text, quote=True)
