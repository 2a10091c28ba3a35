"""One colour an optimizer: told apart without full colour vision, on white and on a dark page."""

from __future__ import annotations

import itertools
import re

import pytest

from largebatch.experiments.plots import style
from largebatch.experiments.reporting.figures import pictures
from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.rows.choices import OPTIMIZER_SETTINGS

# Machado, Oliveira and Fernandes 2009, severity 1, of linear RGB.
VISION = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
}
PAGES = ("#FFFFFF", "#161B22")


def linear(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def luminance(colour):
    return sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear(colour)))


def contrast(one, other):
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def oklab(colour, vision):
    seen = [max(0.0, sum(a * b for a, b in zip(row, linear(colour)))) for row in VISION[vision]]
    cones = [
        sum(a * b for a, b in zip(row, seen)) ** (1 / 3)
        for row in (
            (0.41222, 0.53633, 0.05145),
            (0.21190, 0.68070, 0.10740),
            (0.08830, 0.28172, 0.62998),
        )
    ]
    return [
        sum(a * b for a, b in zip(row, cones))
        for row in (
            (0.21045, 0.79362, -0.00407),
            (1.97800, -2.42859, 0.45059),
            (0.02590, 0.78277, -0.80868),
        )
    ]


def distance(one, other, vision):
    pairs = zip(oklab(one, vision), oklab(other, vision))
    return sum((a - b) ** 2 for a, b in pairs) ** 0.5


@pytest.mark.parametrize("vision", VISION)
def test_no_two_optimizers_look_alike(vision):
    for one, other in itertools.combinations(style.COLOURS.values(), 2):
        assert distance(one, other, vision) > 0.07, (one, other)


def test_every_colour_is_seen_on_a_white_and_on_a_dark_page():
    for colour in (*style.COLOURS.values(), style.OTHER_COLOUR, *style.shades(7)):
        assert all(contrast(colour, page) > 2 for page in PAGES), colour


def test_ordered_colours_become_lighter_and_end_before_they_are_pale():
    found = [luminance(colour) for colour in style.shades(9)]
    assert found == sorted(found) and found[-1] < 0.5
    assert style.shades(1) == style.shades(7)[:1] and len(set(style.shades(7))) == 7


def test_every_optimizer_of_the_rows_has_a_colour_of_its_own():
    for name in OPTIMIZER_SETTINGS:
        assert style.colour_of(name) != style.OTHER_COLOUR
    assert style.colour_of("bert_adamw") == style.colour_of("adamw")
    assert style.colour_of("unheard of") == style.OTHER_COLOUR


def test_an_optimizer_has_one_colour_in_every_picture(make_run, tmp_path):
    for name in ("lamb", "momentum"):
        for rate in ("0.01", "0.1"):
            make_run(f"table7/{name}", settings={"learning_rate": rate}, accuracy=0.99)
    for batch in (512, 1024, 2048):
        for name in ("lamb", "momentum"):
            make_run(f"batch_sizes/{name}-{batch}", scale="laptop",
                     metrics={"top1": 0.97, "loss": 0.1})  # fmt: skip
    seen = {}
    for table in gather(str(tmp_path), ["table7", "batch_sizes"]).tables:
        for picture in pictures.of_table(table):
            for colour, name in re.findall(r'stroke="(#\w+)"[^>]*><title>([^:,]+)', picture.svg):
                seen.setdefault(name.lower(), set()).add(colour)
    assert seen["lamb"] == {style.COLOURS["lamb"]}
    assert seen["momentum"] == {style.COLOURS["momentum"]}
