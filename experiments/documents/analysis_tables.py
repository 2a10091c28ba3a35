"""The blocks of docs/analyses.md, from results/analyses; doc_tables puts them in."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from largebatch.experiments.analyses import distance, layer_density, layer_ratios, lipschitz
from largebatch.experiments.program.text_table import Sheet, piped


def _read(results: Path, name: str) -> dict[str, Any]:
    return json.loads((results / "analyses" / f"{name}.json").read_text(encoding="utf-8"))


def _sharpness(results: Path) -> str:
    """A line a batch size: f, the accuracy, and the sharpness at each size of the box."""
    found, more = (_read(results, name) for name in ("sharpness", "sharpness_more"))
    widths = sorted({point["epsilon"] for point in found["points"]})
    at = {(p["batch_size"], p["epsilon"]): p for p in found["points"]}
    longer = {(p["batch_size"], p["epsilon"]): p for p in more["points"]}
    lines = []
    for batch in sorted({batch for batch, _ in at}):
        one = at[batch, widths[0]]
        lines.append(
            [str(batch), f"{one['loss']:.5f}", f"{one['metrics']['accuracy']:.3f}",
             *(f"{of[batch, w]['sharpness']:.2f}" for w in widths for of in (at, longer))]
        )  # fmt: skip
    effort = f"{more['iterations']} x {more['starts']}"
    head = ["batch", "f", "test accuracy"]
    for width in widths:
        head += [f"sharpness in %, ε = {width:g}", f"the same, {effort}"]
    return (
        f"{piped(Sheet(head, lines))}\n\nKeskar et al.'s box, one seed, f over "
        f"{found['examples']:,} training examples. {found['iterations']} iterations from each of "
        f"{found['starts']} starts; {effort}: {more['iterations']} from each of {more['starts']}."
    )


def _layer_ratios(results: Path) -> str:
    """The spread of |w| / |g| over the kernels of a model, a line a model."""
    lines = []
    for name in ("layer_ratios_alexnet", "layer_ratios_mnist"):
        found = _read(results, name)
        ordered = sorted(layer_ratios.adapted(found["layers"]), key=lambda layer: layer["ratio"])
        least, most = ordered[0], ordered[-1]
        lines.append(
            [f"{found['model']}, batch {found['batch_size']:,}",
             *(f"{layer['ratio']:.1f} ({layer['path']})" for layer in (least, most)),
             f"{most['ratio'] / least['ratio']:.1f}"]
        )  # fmt: skip
    return piped(Sheet(["model", "smallest ratio", "largest", "largest / smallest"], lines))


def _slide_norms(results: Path) -> str:
    """Each layer of the lecture's table, and the variable of that layer with the nearest norm."""
    layers = _read(results, "layer_ratios_alexnet")["layers"]
    places = list(dict.fromkeys(layer["path"].partition("/")[0] for layer in layers))
    printed = layer_ratios.PRINTED
    lines = []
    for place, weight, ratio in zip(places, printed["weight_norm"], printed["ratio"]):
        mine = [layer for layer in layers if layer["path"].startswith(f"{place}/")]
        nearest = min(mine, key=lambda layer: abs(math.log(layer["weight_norm"] / weight)))
        lines.append(
            [place, f"{ratio:g}", f"{weight:g}", f"{nearest['weight_norm']:.3g}", nearest["path"]]
        )
    head = ["layer", "printed ratio", "printed norm", "nearest norm here", "whose"]
    return piped(Sheet(head, lines))


def _theorem_rates(results: Path) -> str:
    """Measured / bound at each T, and the power of T with which what is measured falls."""
    usual, noiseless = (_read(results, n) for n in ("theorem_rates", "theorem_rates_noiseless"))
    lengths = sorted({point["steps"] for point in usual["points"]})
    lines = [_shares(theorem, usual, lengths) for theorem in _theorems(usual)]
    [lars] = [theorem for theorem in _theorems(noiseless) if "LARS" in theorem]
    label, *shares = _shares(lars, noiseless, lengths)
    lines.append([f"{label}, without noise, φ = 1", *shares])
    head = ["measured / bound", *(f"T = {t:,}" for t in lengths), "falls with T to the power"]
    return piped(Sheet(head, lines))


def _theorems(found: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(point["theorem"] for point in found["points"]))


def _shares(theorem: str, found: dict[str, Any], lengths: Sequence[int]) -> list[str]:
    points = {p["steps"]: p for p in found["points"] if p["theorem"] == theorem}
    first, last = points[lengths[0]], points[lengths[-1]]
    power = math.log(last["measured"] / first["measured"]) / math.log(lengths[-1] / lengths[0])
    shares = (points[t]["measured"] / points[t]["bound"] for t in lengths)
    return [theorem, *(f"{share:.2g}" for share in shares), f"{power:.2f}"]


BLOCKS: dict[str, Callable[[Path], str]] = {
    "sharpness": _sharpness,
    "lipschitz": lambda results: piped(lipschitz.sheet(_read(results, "lipschitz")["runs"])),
    "layer-ratios": _layer_ratios,
    "slide-norms": _slide_norms,
    "distance": lambda results: piped(distance.sheet(_read(results, "distance")["runs"])),
    "theorem-rates": _theorem_rates,
    "layer-density": lambda results: layer_density.as_markdown(_read(results, "layer_density")),
}
