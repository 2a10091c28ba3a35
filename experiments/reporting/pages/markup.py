"""Tables, badges and folded parts as HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence

from largebatch.experiments.program.text_table import NOTHING, Sheet
from largebatch.experiments.reporting.model.columns import Item
from largebatch.experiments.reporting.model.grids import Grid

_POWER = re.compile(r"\^([\d.]+)")


def escaped(text: str) -> str:
    return html.escape(text, quote=True)


def tagged(tag: str, inside: str) -> str:
    return f"<{tag}>{inside}</{tag}>"


def folded(summary: str, inside: str, more: str = "") -> str:
    """`summary` is HTML; `more`: of the element's attributes."""
    return f"<details{more}><summary>{summary}</summary>{inside}</details>"


def section(name: str, title: str, inside: str) -> str:
    """A card of the page; '' where there is nothing in it."""
    return f"<section class=card id={name}><h2>{escaped(title)}</h2>{inside}</section>" * bool(
        inside
    )


def labelled(column: str, inside: str) -> str:
    """A cell that names its column where there is no room for columns."""
    css = " class=nothing" if inside == NOTHING else ""
    return f"<td{css} data-of='{column}'>{inside}</td>"


def badge(status: str, text: str = "") -> str:
    return f"<span class='badge {status.replace(' ', '-')}'>{escaped(text or status)}</span>"


def pills(found: Mapping[str, int]) -> str:
    return "".join(badge(status, f"{number} {status}") for status, number in found.items())


def grid_table(shown: Grid, sort: bool) -> str:
    """`sort`: its lines are rows of the paper's, which a reader may put in another order."""
    lines = ["".join([tagged("th", escaped(first.text)), *map(_item, items)])
             for first, *items in shown.lines]  # fmt: skip
    rows = (tagged("tr", line) for line in lines)
    return framed(shown.header, rows, "grid sort" if sort else "grid")


def sheet_table(sheet: Sheet, css: str, mark: str = "") -> str:
    """What ends with `mark` is bold, without it."""
    lines = []
    for first, *rest in sheet.rows:
        made = []
        for cell in rest:
            best = bool(mark) and cell.endswith(mark)
            text = _stacked(cell[: -len(mark)].strip() if best else cell)
            text = tagged("strong", text) if best else text
            made.append(tagged("td", text) if cell != NOTHING else f"<td class=nothing>{cell}</td>")
        lines.append(tagged("tr", tagged("th", escaped(first)) + "".join(made)))
    return framed(sheet.header, lines, css)


def framed(header: Sequence[str], rows: Iterable[str], css: str) -> str:
    """A table of these rows, which are elements."""
    head = "".join(tagged("th", escaped(name)) for name in header)
    return (
        f"<div class='frame {css}'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _item(item: Item) -> str:
    badges = "".join(badge(status) for status in item.statuses if status != "measured")
    if item.kind == "setting":
        raised = _POWER.sub(r"<sup>\1</sup>", escaped(item.text))
        return f"<td class=setting>{raised}</td>"
    if item.text and item.text != NOTHING:
        text = _stacked(item.text) if "/" not in item.text else escaped(item.text)
        note = f"<small>{escaped(item.note)}</small>" if item.note else ""
        return f"<td class={item.kind}>{text}{note}{badges}</td>"
    return f"<td class='{item.kind} nothing'>{badges or item.text}</td>"


def _stacked(text: str) -> str:
    """'0.99 ± 0.01 (5)' with all but the mean smaller, below it."""
    mean, _, deviation = text.partition(" ± ")
    return f"{escaped(mean)}<small>± {escaped(deviation)}</small>" if deviation else escaped(text)
