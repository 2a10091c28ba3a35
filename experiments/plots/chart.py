"""A small picture as SVG: curves, points with their deviations, bars; a point's values on hover.

It takes the colours of the page around it, light or dark, and needs no library: a hundred pictures
are drawn in a second. `as_file` makes a file that stands alone. The same values give the same text.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from largebatch.experiments.plots.axis import LOG, Axis, Scale, fit

# As wide as a picture is shown on most pages: its text is then read at _SIZE, on a telephone at .85
# of that.
WIDTH, PLOT_HEIGHT = 420, 240
_SIZE = 12
_SHAPES = {
    "square": "M-4-4H4V4H-4Z",
    "triangle": "M0-5 5 4H-5Z",
    "down": "M0 5 5-4H-5Z",
    "diamond": "M0-5.5 5.5 0 0 5.5-5.5 0Z",
    "pentagon": "M0-5 5-1.4 3 4.4H-3L-5-1.4Z",
    "circle": "M-4.4 0A4.4 4.4 0 1 1 4.4 0A4.4 4.4 0 1 1-4.4 0Z",
    "cross": "M-4-4 4 4M-4 4 4-4",
    "ring": "M-8 0A8 8 0 1 1 8 0A8 8 0 1 1-8 0Z",
}
_FILE_STYLE = (
    "<style>svg{color:#1d2430;background:#fff;--card:#fff;font-family:sans-serif}"
    "@media(prefers-color-scheme:dark){svg{color:#dfe5ec;background:#161b22;--card:#161b22}}"
    "</style>"
)


class Point(NamedTuple):
    """`note` follows the values on hover; `spread` is a deviation, along the axis of values."""

    x: float
    y: float
    spread: float = 0.0
    note: str = ""


class Series(NamedTuple):
    """Points of one colour; `name` is in the legend, `hover` before a point's values."""

    name: str
    points: Sequence[Point]
    colour: str
    hover: str = ""
    line: bool = True
    dash: str = ""
    mark: str = ""  # of _SHAPES; '': points that only hover shows
    hollow: bool = False
    band: bool = False  # the deviation as a band, in place of bars
    width: float = 1.6
    stem: float | None = None  # where a bar of each point begins
    stem_width: float = 6.0


def draw(
    series: Iterable[Series],
    x: Axis,
    y: Axis,
    label: str,
    note: str = "",
    crosses: Sequence[tuple[float, str, str]] = (),
) -> str:
    """The text of an <svg> element.

    Args:
      series: What is drawn, later ones above earlier ones.
      x, y: The axes. Where y has names, the values and their deviations are along x.
      label: What the picture shows, for those who do not see it.
      note: What bars and marks mean, below the picture.
      crosses: [(place, colour, what is said on hover)] at the lower end of the axis of values: runs
        that diverged.
    """
    series = list(series)
    sideways = bool(y.names)
    xs = [p.x for s in series for p in s.points]
    ys = [p.y for s in series for p in s.points]
    for s in series:
        for p in s.points:
            (xs if sideways else ys).extend(_ends(p, x, y))
        if s.stem is not None:
            (xs if sideways else ys).append(s.stem)
    places = [place for place, *_ in crosses]
    across, up = fit(x, [*xs, *(() if sideways else places)]), fit(y, ys)
    legend, legend_height = _legend(series, bool(crosses))
    longest = max((_width(text) for _, text in up.ticks), default=0)
    left = max(46, round(longest) + (14 if sideways else 28))
    top, height = (
        legend_height + 8,
        max(PLOT_HEIGHT, 15 * len(y.names)) if sideways else PLOT_HEIGHT,
    )
    deeper = _SIZE * max((text.count("\n") for _, text in across.ticks), default=0)
    frame = _Frame(left, top, WIDTH - left - 14, height, across, up, sideways, deeper)
    notes = _wrapped(note)
    bottom = top + height + 38 + deeper + 14 * len(notes)
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {bottom}" width="{WIDTH}" height="{bottom}" '
        f'role="img" aria-label="{_text(label)}" font-size="{_SIZE}" fill="currentColor">',
        legend,
        *_axes(frame, x, y),
        *(part for s in series for part in _drawn(s, frame, x, y)),
        *(_crossed(cross, frame) for cross in crosses),
        *_lines(notes, 6, top + height + 48 + deeper, 14, ' opacity=".75"'),
        "</svg>",
    ]
    return "".join(parts)


def as_file(svg: str) -> str:
    """The same as the text of a file of its own."""
    head, _, rest = svg.partition(">")
    head = head.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{head}>{_FILE_STYLE}{rest}\n"


class _Frame(NamedTuple):
    left: float
    top: float
    width: float
    height: float
    across: Scale
    up: Scale
    sideways: bool
    deeper: float  # what labels of two lines take below

    def x(self, value: float) -> float:
        return round(self.left + self.width * self.across.place(value), 1)

    def y(self, value: float) -> float:
        share = self.up.place(value)
        return round(self.top + self.height * (share if self.sideways else 1 - share), 1)


def _ends(point: Point, x: Axis, y: Axis) -> tuple[float, float]:
    """Of its deviation; on a logarithmic axis down to a tenth of the value."""
    value, axis = (point.x, x) if y.names else (point.y, y)
    low = value - point.spread
    return max(low, value / 10) if axis.kind == LOG else low, value + point.spread


def _axes(frame: _Frame, x: Axis, y: Axis) -> Iterable[str]:
    left, top, width, height = frame[:4]
    bottom = top + height
    grid, texts = [], []
    last = -1e9
    for share, text in frame.across.ticks:
        place = round(left + width * share, 1)
        grid.append(f"M{place} {top}V{bottom}")
        lines = text.split("\n")
        half = max(map(_width, lines)) / 2
        if place - half < last + 3:
            continue  # its label would stand on its neighbour's
        last = place + half
        texts += _lines(lines, place, bottom + 15, _SIZE, ' text-anchor="middle"')
    for share, text in frame.up.ticks:
        place = round(top + height * (share if frame.sideways else 1 - share), 1)
        grid.append(f"M{left} {place}H{left + width}")
        texts.append(f'<text x="{left - 6}" y="{place + 4}" text-anchor="end">{_text(text)}</text>')
    yield f'<path d="{"".join(grid)}" stroke="currentColor" opacity=".13" fill="none"/>'
    edge = f"M{left} {top}V{bottom}H{left + width}"
    yield f'<path d="{edge}" stroke="currentColor" opacity=".5" fill="none"/>'
    yield from texts
    middle = left + width / 2
    lowest = bottom + 32 + frame.deeper
    yield f'<text x="{middle}" y="{lowest}" text-anchor="middle">{_text(x.title)}</text>'
    if not frame.sideways:
        middle = top + height / 2
        yield (
            f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">'
            f"{_text(y.title)}</text>"
        )


def _drawn(s: Series, frame: _Frame, x: Axis, y: Axis) -> Iterable[str]:
    points = [p for p in s.points if frame.across.holds(p.x) and frame.up.holds(p.y)]
    places = [(frame.x(p.x), frame.y(p.y)) for p in points]
    stroke = f'stroke="{s.colour}"'
    if s.band and any(p.spread for p in points):
        ends = [_ends(p, x, y) for p in points]
        upper = [f"{px} {frame.y(high)}" for (px, _), (_, high) in zip(places, ends)]
        lower = [f"{px} {frame.y(low)}" for (px, _), (low, _) in zip(places, ends)]
        path = "M" + "L".join([*upper, *reversed(lower)]) + "Z"
        yield f'<path d="{path}" fill="{s.colour}" opacity=".16"/>'
    elif not s.band:
        bars = "".join(_bar(*_ends(p, x, y), p, frame) for p in points if p.spread)
        yield f'<path d="{bars}" {stroke} stroke-width="1.4" fill="none"/>' if bars else ""
    if s.stem is not None:
        base = frame.x(s.stem) if frame.sideways else frame.y(s.stem)
        way = f"H{base}" if frame.sideways else f"V{base}"
        stems = "".join(f"M{px} {py}{way}" for px, py in places)
        yield f'<path d="{stems}" {stroke} stroke-width="{s.stem_width}" opacity=".4" fill="none"/>'
    if s.line and len(places) > 1:
        path = "M" + "L".join(f"{px} {py}" for px, py in places)
        dash = f' stroke-dasharray="{s.dash}"' if s.dash else ""
        yield f'<path d="{path}" {stroke} stroke-width="{s.width}"{dash} fill="none"/>'
    shown = s.mark or "circle"
    for p, (px, py) in zip(points, places):
        name, text = s.hover or s.name, _where(p, x, y) + (f"; {p.note}" if p.note else "")
        if name and not text.startswith(f"{name},"):
            text = f"{name}: {text}"
        yield _mark(shown, px, py, s, text)


def _mark(shape: str, px: float, py: float, s: Series, text: str = "") -> str:
    """`text` is said on hover; without one it is the legend's."""
    fill = "var(--card,#fff)" if s.hollow else s.colour
    look = f'fill="{fill}" stroke="{s.colour}" stroke-width="1.4"'
    if not s.mark:
        look = 'fill="transparent"'  # seen by the pointer alone
    elif shape in ("ring", "cross"):
        look = f'fill="none" stroke="{s.colour}" stroke-width="1.8"'
    path = f'd="{_SHAPES[shape]}" transform="translate({px} {py})" {look}'
    return (
        f'<path class="p" {path}><title>{_text(text)}</title></path>' if text else f"<path {path}/>"
    )


def _where(p: Point, x: Axis, y: Axis) -> str:
    """'epoch 3, test accuracy 0.9912 ± 0.0004'."""
    value, place, axis = (p.x, p.y, x) if y.names else (p.y, p.x, y)
    names = y.names or x.names
    at = names[round(place)].replace("\n", " ") if names else f"{x.title} {place:.6g}"
    spread = f" ± {p.spread:.2g}" if p.spread else ""
    return f"{at}, {axis.title} {value:.5g}{spread}"


def _bar(low: float, high: float, p: Point, frame: _Frame) -> str:
    """A deviation of one on both sides, with caps."""
    if frame.sideways:
        a, b, place = frame.x(low), frame.x(high), frame.y(p.y)
        return f"M{a} {place}H{b}M{a} {place - 4}v8M{b} {place - 4}v8"
    a, b, place = frame.y(low), frame.y(high), frame.x(p.x)
    return f"M{place} {a}V{b}M{place - 4} {a}h8M{place - 4} {b}h8"


def _crossed(cross: tuple[float, str, str], frame: _Frame) -> str:
    place, colour, text = cross
    if frame.sideways:
        px, py = frame.left + 8, frame.y(place)
    else:
        px, py = frame.x(place), round(frame.top + frame.height - 8, 1)
    return _mark("cross", px, py, Series("", (), colour, mark="cross"), text)


def _legend(series: Sequence[Series], crosses: bool) -> tuple[str, float]:
    """(its elements, its height): from left to right, in as many lines as it needs."""
    entries = [s for s in series if s.name]
    if crosses:
        entries.append(Series("diverged", (), "currentColor", line=False, mark="cross"))
    parts, px, py = [], 6.0, 14.0
    for s in entries:
        size = 38 + _width(s.name)
        if px + size > WIDTH and px > 6:
            px, py = 6.0, py + 16
        if s.line and s.mark not in ("ring", "cross"):
            dash = f' stroke-dasharray="{s.dash}"' if s.dash else ""
            stroke = f'stroke="{s.colour}" stroke-width="{s.width}"{dash}'
            parts.append(f'<path d="M{px:.0f} {py - 4}h22" {stroke}/>')
        if s.stem is not None:
            parts.append(
                f'<path d="M{px + 6:.0f} {py - 9}h10v9h-10z" fill="{s.colour}" opacity=".4"/>'
            )
        if s.mark:
            parts.append(_mark(s.mark, round(px + 11), py - 4, s))
        parts.append(f'<text x="{px + 28:.0f}" y="{py}">{_text(s.name)}</text>')
        px += size
    return "".join(parts), py + 6 if entries else 4


def _lines(texts: Iterable[str], x: float, y: float, step: float, more: str) -> list[str]:
    return [
        f'<text x="{x}" y="{y + step * number}"{more}>{_text(text)}</text>'
        for number, text in enumerate(texts)
    ]


def _wrapped(note: str) -> list[str]:
    """Lines that fit the picture's width."""
    lines = [""]
    for word in note.split():
        if _width(f"{lines[-1]} {word}") > WIDTH - 16:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [line for line in lines if line]


def _width(text: str) -> float:
    """About, in a sans-serif."""
    return sum(_SIZE * (1 if c in "mwMW" else 0.33 if c in "ijl.,:;'|" else 0.6) for c in text)


def _text(text: str) -> str:
    return html.escape(text, quote=True)
