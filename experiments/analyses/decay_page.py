"""docs/decay_and_l2.md: the evidence for AdamW's form of decay and for the size of Adam's L2."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean as mean
from typing import Any, NamedTuple

from largebatch.experiments.program.text_table import Sheet, piped
from largebatch.experiments.tables import registry

COMMAND = "python -m largebatch.experiments.decay_and_l2 --output=docs/decay_and_l2.md"
MEASURE = (
    "python -m largebatch.experiments.decay_and_l2 --measure=results/decay_and_l2/measured.json"
)

UPDATES = 7038
# The paper's tables without L2, lambda 1e-5 to 1e-2: (table, lambda).
WITHOUT_L2 = {
    "constant": (("table17", 1e-5), ("table18", 1e-4), ("table19", 1e-3), ("table20", 1e-2)),
    "goyal": (("table25", 1e-5), ("table24", 1e-4), ("table23", 1e-3), ("table23", 1e-2)),
}
SCHEDULES = {"constant": "constant rate", "goyal": "Goyal et al.'s scheme"}
# Adam's table, AdamW's with L2 0.01 and with so little decay that L2 is what differs.
PAIRS = (("table11", "table13", 1e-5), ("table11", "table14", 1e-4), ("table12", "table22", 1e-5))
PRINTED_LEVELS = (0.65, 0.6, 0.55, 0.5, 0.45, 0.4)
MEASURED_LEVELS = (0.96, 0.94, 0.92, 0.9, 0.85, 0.8)
PRINTED_L2 = 0.01  # "default (0.01)" of Tables 13 to 16, 21 and 22
# Defaults of the L2 flag in the author's scripts, see the page.
CANDIDATES = (1e-2, 1e-3, 1e-4)


class Law(NamedTuple):
    """What the measurements say of L2, and what follows for the printed tables."""

    exponent: float  # the rate at which a curve falls goes with L2 to the power of minus this
    shift: float  # of the printed curves, a geometric mean
    implied: float  # Adam's L2
    lowest: float  # the same, by the smallest exponent between two sizes of L2,
    highest: float  # and by the largest
    nearest: float  # of CANDIDATES


def as_markdown(record: Mapping[str, Any]) -> str:
    """The page; `record` is what `decay_and_l2 --measure` wrote."""
    return "\n\n".join([*_opening(record), *_decay(record), *_l2(record)]) + "\n"


def printed(table: str, decay: float | None = None) -> list[tuple[float, float]]:
    """[(learning rate, top-1)] of a tuning table of the paper, by rate; of one lambda."""
    rows = registry.module(table).ROWS.values()
    return sorted(
        (row.learning_rate, row.paper["top1"])
        for row in rows
        if decay is None or row.weight_decay == decay
    )


def measured(record: Mapping[str, Any], **settings: Any) -> list[tuple[float, float]]:
    """[(learning rate, mean accuracy)] of the runs with these settings, by rate."""
    return sorted(
        (run["learning_rate"], mean(run["accuracies"]))
        for run in record["runs"]
        if all(run[key] == value for key, value in settings.items())
    )


def falling_rate(curve: Sequence[tuple[float, float]], level: float) -> float | None:
    """The rate, beyond that of its best point, at which a curve falls through `level`; between two
    points on a straight line over log(rate). None where it does not."""
    best = max(range(len(curve)), key=lambda place: curve[place][1])
    for (low, above), (high, below) in zip(curve[best:], curve[best + 1 :]):
        if above >= level > below:
            return low * (high / low) ** ((above - level) / (above - below))
    return None


def shift(less: Sequence, more: Sequence, levels: Sequence[float]) -> float:
    """By what factor the curve `less` falls at higher rates than `more`: the geometric mean over
    the levels that both fall through."""
    pairs = [(falling_rate(less, level), falling_rate(more, level)) for level in levels]
    logs = [math.log(a / b) for a, b in pairs if a and b]
    return math.exp(mean(logs))


def law(record: Mapping[str, Any]) -> Law:
    sizes = _l2_sizes(record)
    exponents = [
        math.log(_measured_shift(record, less, more)) / math.log(more / less)
        for less, more in zip(sizes, sizes[1:])
    ]
    exponent = mean(exponents)
    shifts = [shift(printed(a), printed(b, decay), PRINTED_LEVELS) for a, b, decay in PAIRS]
    found = math.exp(mean([math.log(value) for value in shifts]))
    implied, lowest, highest = (
        PRINTED_L2 / found ** (1 / power) for power in (exponent, min(exponents), max(exponents))
    )
    nearest = min(CANDIDATES, key=lambda size: abs(math.log(size / implied)))
    return Law(exponent, found, implied, lowest, highest, nearest)


def _l2_sizes(record: Mapping[str, Any]) -> list[float]:
    return sorted({run["l2_regularization"] for run in record["runs"]} - {0.0})


def _measured_shift(record: Mapping[str, Any], less: float, more: float) -> float:
    at_less, at_more = (
        measured(record, optimizer="adam", l2_regularization=size) for size in (less, more)
    )
    return shift(at_less, at_more, MEASURED_LEVELS)


def _opening(record: Mapping[str, Any]) -> list[str]:
    return [
        "# Decay and L2 in the tables of AdamW and Adam",
        f"Made by `{COMMAND}` from the printed tables and from `results/decay_and_l2`; a test "
        "keeps it current.",
        "Two settings of Tables 9 to 25 are not in the paper: the form of AdamW's weight decay, "
        "and how much L2 regularization Adam had. This page infers both from the printed numbers, "
        "with small experiments that show the mechanism.",
        f"The experiments (`{MEASURE}`) train perceptrons on scikit-learn's digits: 64 pixels, "
        f"32 units with batch norm, 10 classes; {record['steps']:,} updates of 18 images, as many "
        f"updates as Tables 9 to 25 have; {record['seeds']} seeds. They say nothing of ResNet-50's "
        "accuracy.",
    ]


def _decay(record: Mapping[str, Any]) -> list[str]:
    last = {}
    for form in ("rate", "plain"):
        settings = {"schedule": "goyal", "decay_form": form, "weight_decay": 1e-2}
        ((_, last[form]),) = measured(record, optimizer="adamw", **settings)
    return [
        "## AdamW's decay",
        "**The numbers of Tables 13 to 25 require `decay_form=plain`: w ← w − λw, whatever the "
        "rate.** The rows of these tables have it. `rate`, w ← w − ηλw, cannot give the printed "
        "numbers.",
        f"At η = 0.0001 and λ = 0.01, {UPDATES:,} updates with `rate` shrink a weight that gets no "
        f"gradient by {1 - (1 - 1e-6) ** UPDATES:.1%}; with `plain` they leave "
        f"{(1 - 1e-2) ** UPDATES:.0e} of it. The paper prints, at this rate and without L2 (chance "
        "is 0.001):",
        _printed_decays(1e-4),
        "The product ηλ is at most 0.000001, and yet the accuracy falls to chance. Under the "
        "scheme, which divides the rate by 1000 in the end, it does so already at λ = 0.001, for "
        "rates up to η = 0.004: the updates shrink, and the decay does not.",
        "The perceptrons do the same (mean accuracy, lowest and highest seed in brackets; chance "
        "is 0.1; η = 0.001):",
        _measured_decays(record),
        f"At λ = 0.01 under the scheme `rate` reaches {last['rate']:.3f} and `plain` "
        f"{last['plain']:.3f}.",
        "`plain` is the form of tf.contrib's and tensorflow-addons' AdamW, and of the first "
        "author's CIFAR-10 code (github.com/fastalgo/davidnet-cifar, folder adamw). That the "
        "ImageNet tables have it is inferred from their numbers; their code is not public.",
    ]


def _printed_decays(rate: float) -> str:
    rows = []
    for schedule, tables in WITHOUT_L2.items():
        cells = [
            f"{dict(printed(table, decay))[rate]:.4f} (Table {table.removeprefix('table')})"
            for table, decay in tables
        ]
        rows.append([SCHEDULES[schedule], *cells])
    heads = [f"λ = {decay:g}" for _, decay in WITHOUT_L2["constant"]]
    return piped(Sheet(["printed", *heads], rows))


def _measured_decays(record: Mapping[str, Any]) -> str:
    runs = [run for run in record["runs"] if run["optimizer"] == "adamw"]
    decays = sorted({run["weight_decay"] for run in runs})
    rows = []
    for schedule, name in SCHEDULES.items():
        for form in ("rate", "plain"):
            cells = [f"{name}, `{form}`"]
            for decay in decays:
                # Without decay the forms are one.
                found = [
                    run["accuracies"]
                    for run in runs
                    if (run["schedule"], run["weight_decay"]) == (schedule, decay)
                    and (run["decay_form"] == form or not decay)
                ]
                mine = found[0]
                cells.append(f"{mean(mine):.3f} ({min(mine):.3f}–{max(mine):.3f})")
            rows.append(cells)
    return piped(Sheet(["measured", *(f"λ = {decay:g}" for decay in decays)], rows))


def _l2(record: Mapping[str, Any]) -> list[str]:
    found, runs = law(record), record["runs"]
    rates = sorted({run["learning_rate"] for run in runs if run["optimizer"] == "adam"})
    return [
        "## Adam's L2",
        f"**Tables 11 and 12 fit an L2 regularization of {found.nearest:g} best.** The paper gives "
        "none. The rows of Adam have it, and so do those of AdaGrad, Tables 9 and 10, for which "
        "there is no such evidence. As in the authors' code, it leaves out batch norm's variables.",
        "That there was some: nearly the same runs without L2 (AdamW, λ = 0.00001) keep their "
        "accuracy at rates where Adam's falls.",
        _with_and_without(),
        f"How much: with more L2 the accuracy falls at lower rates. With L2 {PRINTED_L2:g}, as "
        "printed for AdamW with little decay, it falls below each of these values at a rate that "
        "is lower than Adam's by this factor:",
        _printed_shifts(),
        f"The perceptrons (Adam at a constant rate, {len(rates)} rates from {rates[0]:g} to "
        f"{rates[-1]:g}) show how much a factor in L2 lowers the rate at which the accuracy falls:",
        _measured_shifts(record),
        f"So the rate is proportional to L2 to the power −{found.exponent:.2f}. (Theory says about "
        "−1/2 for weights before batch norm: at rate η and L2 λ₂, ‖w‖³ settles in proportion to "
        "η / λ₂, and so the angle of an update, η / ‖w‖, in proportion to (η² λ₂)^(1/3).) The "
        f"printed factor of {found.shift:.0f} then means an L2 of {found.implied:.0e}, or from "
        f"{found.lowest:.0e} to {found.highest:.0e} with the exponents of single lines of the "
        "table: a rough estimate, which rules out 0.001 and 0.01. The candidates are the flag's "
        "defaults in the first author's scripts, 0.001 (github.com/fastalgo/imagenet_resnet50_lamb)"
        f" and 0.0001 (github.com/fastalgo/tpu-1), and the printed 0.01; {found.nearest:g} is the "
        "nearest:",
        piped(
            Sheet(
                ["Adam's L2", "factor expected", "factor printed"],
                [
                    [f"{size:g}", f"{(PRINTED_L2 / size) ** found.exponent:.1f}",
                     f"{found.shift:.1f}"]
                    for size in CANDIDATES
                ],
            )
        ),
        "Table 22 does not fit. At λ = 0.0001 it agrees with Table 12: at rates from 0.0006 to "
        f"0.008 its accuracies differ by {_upper_half():.4f} on average. At λ = 0.00001 it falls "
        "as far below Table 12 as Tables 13 and 14 below Table 11. So its first half seems to have "
        "had Table 12's L2, and not 0.01. The rows keep what is printed.",
    ]  # fmt: skip


def _with_and_without() -> str:
    rows = []
    for adam, without in (("table11", "table17"), ("table12", "table25")):
        others = dict(printed(without))
        rows += [
            [f"{rate:g}", f"{value:.4f} (Table {adam[5:]})", f"{others[rate]:.4f} (Table "
             f"{without[5:]})"]
            for rate, value in printed(adam)
            if rate in (0.001, 0.01, 0.04) and rate in others
        ]  # fmt: skip
    return piped(Sheet(["learning rate", "Adam", "AdamW, L2 disabled"], rows))


def _printed_shifts() -> str:
    rows = []
    for adam, adamw, decay in PAIRS:
        curves = printed(adam), printed(adamw, decay)
        cells = [f"Table {adam[5:]} and Table {adamw[5:]}, λ = {decay:g}"]
        for level in PRINTED_LEVELS:
            rates = [falling_rate(curve, level) for curve in curves]
            cells.append(f"{rates[0] / rates[1]:.0f}" if all(rates) else "–")
        rows.append([*cells, f"{shift(*curves, PRINTED_LEVELS):.1f}"])
    heads = [f"at {level:g}" for level in PRINTED_LEVELS]
    return piped(Sheet(["printed", *heads, "mean"], rows))


def _measured_shifts(record: Mapping[str, Any]) -> str:
    sizes = _l2_sizes(record)
    rows = []
    for less in sizes:
        for more in sizes:
            if more > less:
                factor = f"{more / less:g}"
                rows.append([f"{less:g} to {more:g}", factor,
                             f"{_measured_shift(record, less, more):.1f}"])  # fmt: skip
    return piped(Sheet(["L2", "factor in L2", "factor in the rate"], rows))


def _upper_half() -> float:
    adam = dict(printed("table12"))
    pairs = [(value, adam[rate]) for rate, value in printed("table22", 1e-4) if rate >= 0.0006]
    return mean([abs(a - b) for a, b in pairs])
