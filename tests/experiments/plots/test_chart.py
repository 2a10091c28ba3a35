"""Pictures as SVG: what is drawn, what is said on hover, and a file that stands alone."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree

from largebatch.experiments.plots import chart
from largebatch.experiments.plots.axis import LOG, Axis
from largebatch.experiments.plots.chart import Point, Series

CURVE = Series("LAMB", [Point(1, 0.9, 0.01, "n = 3"), Point(2, 0.95)], "#D55E00", mark="circle")


EPOCH, ACCURACY = Axis("epoch"), Axis("accuracy")


def draw(series=(CURVE,), x=EPOCH, y=ACCURACY, **more):
    return chart.draw(series, x, y, "accuracy of LAMB", **more)


def titles(svg):
    return re.findall("<title>(.*?)</title>", svg)


def test_each_point_tells_its_values_on_hover():
    assert titles(draw()) == [
        "LAMB: epoch 1, accuracy 0.9 ± 0.01; n = 3",
        "LAMB: epoch 2, accuracy 0.95",
    ]
    quiet = draw([CURVE._replace(mark="")])
    assert titles(quiet) == titles(draw()) and 'fill="transparent"' in quiet


def test_axes_legend_and_note_are_in_the_picture():
    svg = draw(note="Bars: ± 1 standard deviation over n = 3 seeds.")
    for text in ("epoch</text>", "accuracy</text>", "LAMB</text>", "n = 3 seeds.</text>"):
        assert text in svg
    assert 'aria-label="accuracy of LAMB"' in svg


def test_a_deviation_is_a_bar_or_a_band():
    [bar] = re.findall(r'<path d="(M[\d. ]+V[^"]+)" stroke="#D55E00"', draw())
    assert bar.count("V") == 1  # of the one point that has a deviation
    assert (
        "Z"
        in re.search(r'd="([^"]+)" fill="#D55E00" opacity', draw([CURVE._replace(band=True)]))[1]
    )


def test_on_a_logarithmic_axis_a_deviation_never_reaches_zero():
    wide = Series("a", [Point(1, 0.1, 0.5), Point(2, 9.0, 0.1)], "#0072B2")
    assert "nan" not in draw([wide], y=Axis("loss", LOG))


def test_named_places_stand_on_the_side_and_values_across():
    svg = draw(
        [CURVE._replace(points=[Point(0.9, 0), Point(0.8, 1)], line=False)],
        Axis("accuracy"), Axis(names=("Adam", "LAMB")),
        crosses=[(1, "#0072B2", "LAMB: diverged")],
    )  # fmt: skip
    assert titles(svg) == ["LAMB: Adam, accuracy 0.9", "LAMB, accuracy 0.8", "LAMB: diverged"]
    assert "Adam</text>" in svg and "diverged</text>" in svg


def test_a_file_of_its_own_is_well_formed_and_follows_the_readers_theme():
    text = chart.as_file(draw([CURVE._replace(name="<b>&", hover='"')]))
    root = xml.etree.ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and "prefers-color-scheme:dark" in text
    assert "<b>" not in text


def test_the_same_values_give_the_same_text_without_matplotlib():
    assert draw() == draw()
    script = (
        "import sys; from largebatch.experiments.plots import chart, style\n"
        "assert not {'matplotlib', 'numpy', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
