"""Where a value stands on an axis of a picture: linear, logarithmic, of accuracies, of names."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

LINEAR, LOG, ACCURACY = "linear", "log", "accuracy"
_ACCURACIES = (0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)  # of the best value


@dataclasses.dataclass(frozen=True)
class Axis:
    """One axis of a chart.

    A LOG axis is linear where its values span little: it has labels enough then. An ACCURACY axis
    is linear or, where the errors `top` - value span much, their logarithm: so that 0.993 and 0.994
    can be told apart. `names` stand at 0, 1, ...; `ticks` are {value: its
    label}, in place of round numbers.
    """

    title: str = ""
    kind: str = LINEAR
    top: float = 1.0
    names: Sequence[str] = ()
    ticks: dict[float, str] | None = None
    low: float | None = None  # where the axis begins and ends; None: at the values
    high: float | None = None


class Scale(NamedTuple):
    """`place` maps a value to its share of the axis, 0 to 1; values beyond are put at its ends."""

    place: Callable[[float], float]
    ticks: list[tuple[float, str]]  # (share, label)
    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def fit(axis: Axis, values: Sequence[float]) -> Scale:
    """The scale on which all `values` are seen."""
    if axis.names:
        return _over(-0.6, len(axis.names) - 0.4, float, enumerate(axis.names))
    low = min(values, default=0.0) if axis.low is None else axis.low
    high = max(values, default=1.0) if axis.high is None else axis.high
    if axis.kind == LOG and low > 0 and (axis.ticks or high > 3 * low):
        span = math.log10(high / low) or 0.3
        low, high = low * 10 ** (-0.05 * span), high * 10 ** (0.05 * span)
        return _over(low, high, math.log10, (axis.ticks or _powers(low, high)).items())
    if axis.kind == ACCURACY:
        high = min(high, axis.top * (1 - 1e-5))
        worst, least = axis.top - low, axis.top - high
        if worst / least >= 3:
            low, high = max(0.0, axis.top - 1.3 * worst), axis.top - least / 1.25
            shown = {t * axis.top: f"{t * axis.top:g}" for t in _ACCURACIES}

            def of_error(value: float) -> float:
                return -math.log10(max(axis.top - value, 1e-5 * axis.top))

            return _over(low, high, of_error, shown.items())
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    low -= margin if axis.low is None else 0
    high += margin if axis.high is None else 0
    return _over(low, high, float, (axis.ticks or _round(low, high)).items())


def _over(low: float, high: float, forward: Callable[[float], float], ticks) -> Scale:
    begin, end = forward(low), forward(high)

    def place(value: float) -> float:
        return (forward(min(max(value, low), high)) - begin) / (end - begin)

    near = 1e-9 * abs(high - low)
    shown = [(place(t), label) for t, label in ticks if low - near <= t <= high + near]
    return Scale(place, shown, low, high)


def _round(low: float, high: float) -> dict[float, str]:
    """About five round numbers."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((s * power for s in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - rough))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return {number * step: f"{number * step:.12g}" for number in range(first, last + 1)}


def _powers(low: float, high: float) -> dict[float, str]:
    """Powers of ten and, where these are few, numbers between them."""
    decades = math.log10(high / low)
    digits = (1,) if decades > 3 else (1, 2, 5) if decades > 0.8 else (1, 1.5, 2, 3, 4, 5, 7)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    step = max(1, math.ceil(decades / 7))
    values = [digit * 10.0**power for power in powers if power % step == 0 for digit in digits]
    return {value: f"{value:g}" for value in values if low <= value <= high}
