"""Where values stand on an axis."""

from __future__ import annotations

import pytest

from largebatch.experiments.plots.axis import ACCURACY, LOG, Axis, fit


def labels(scale):
    return [label for _, label in scale.ticks]


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        (Axis(), [1, 5, 9]),
        (Axis(), [0.3]),
        (Axis(kind=LOG), [1e-4, 0.02, 7]),
        (Axis(kind=LOG), [6.5, 7.0]),
        (Axis(kind=ACCURACY), [0.5, 0.993, 0.994]),
        (Axis(kind=ACCURACY, top=100.0), [91.1, 91.2]),
        (Axis(names=("a", "b", "c")), [0, 1, 2]),
        (Axis(low=0, high=130), [20, 101.8]),
    ],
)
def test_values_keep_their_order_and_are_all_on_the_axis(axis, values):
    scale = fit(axis, values)
    places = [scale.place(value) for value in values]
    assert places == sorted(places) and 0 <= places[0] and places[-1] <= 1
    assert len(set(places)) == len(values) and all(map(scale.holds, values))
    shares = [share for share, _ in scale.ticks]
    assert len(shares) >= 2 and shares == sorted(shares) and 0 <= shares[0] and shares[-1] <= 1


def test_small_errors_are_told_apart_where_accuracies_span_much():
    scale = fit(Axis(kind=ACCURACY), [0.2, 0.993, 0.994])
    assert scale.place(0.994) - scale.place(0.993) > 0.02
    assert {"0.5", "0.9", "0.99"} <= set(labels(scale))


def test_a_percentage_has_its_errors_from_100():
    of_one, of_hundred = (
        fit(Axis(kind=ACCURACY, top=top), [0.2 * top, 0.99 * top]) for top in (1.0, 100.0)
    )
    assert of_one.place(0.9) == pytest.approx(of_hundred.place(90))
    assert "99" in labels(of_hundred)


def test_ticks_are_round_and_given_ones_are_kept():
    assert labels(fit(Axis(), [0, 10])) == ["0", "2", "4", "6", "8", "10"]
    assert labels(fit(Axis(kind=LOG), [1e-4, 1])) == ["0.0001", "0.001", "0.01", "0.1", "1"]
    sizes = {512: "512", 1024: "1K"}
    assert labels(fit(Axis(kind=LOG, ticks=sizes), [512, 1024])) == ["512", "1K"]
