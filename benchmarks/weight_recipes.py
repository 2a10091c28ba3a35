"""Finds the recipes of a model's initial weights (`seeded_weights`), on the machine that has Keras.

Keras' initializers draw through one class, `RandomGenerator`, which knows its seed. While a model
is built its draws are noted; each of the model's variables is then found among them by its bytes,
so nothing needs to be known of layers and of their order.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

# What a draw's arguments are called here and in Keras.
_KINDS = {
    "uniform": ("random_uniform", {"low": "minval", "high": "maxval"}),
    "truncated_normal": ("truncated_normal", {"mean": "mean", "std": "stddev"}),
}


class Draws:
    """What was drawn while `noted` was active."""

    def __init__(self):
        self._recipes: dict[str, dict[str, Any]] = {}

    def note(self, drawn: np.ndarray, recipe: dict[str, Any]) -> None:
        self._recipes[_digest(drawn)] = recipe

    def recipes(self, arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
        """name -> recipe of each array; ValueError names one neither drawn nor constant."""
        found = {}
        for name, array in arrays.items():
            recipe = _constant(array) or self._recipes.get(_digest(array))
            if recipe is None:
                raise ValueError(f"{name} {array.shape} was not drawn by an initializer of Keras")
            found[name] = recipe
        return found


@contextlib.contextmanager
def noted() -> Iterator[Draws]:
    """Notes what Keras' initializers draw, eagerly, within the context."""
    from keras.src.backend import RandomGenerator

    draws, before = Draws(), {}

    def noting(kind, method, arguments):
        def draw(generator, shape, *values, **named):
            drawn = method(generator, shape, *values, **named)
            given = {**dict(zip(arguments.values(), values)), **named}
            seed = generator.make_seed_for_stateless_op()
            # A draw of another kind of generator, or one that a seed alone does not tell.
            if isinstance(seed, list) and not given.get("nonce") and hasattr(drawn, "numpy"):
                recipe = {ours: float(given[theirs]) for ours, theirs in arguments.items()}
                recipe |= {"kind": kind, "seed": int(seed[0]), "shape": list(drawn.shape)}
                draws.note(drawn.numpy(), recipe)
            return drawn

        return draw

    for kind, (name, arguments) in _KINDS.items():
        before[name] = getattr(RandomGenerator, name)
        setattr(RandomGenerator, name, noting(kind, before[name], arguments))
    try:
        yield draws
    finally:
        for name, method in before.items():
            setattr(RandomGenerator, name, method)


def _constant(array: np.ndarray) -> dict[str, Any] | None:
    value = array.flat[0] if array.size else 0
    if not (array == value).all():
        return None
    kind = {"kind": "constant", "shape": list(array.shape), "dtype": array.dtype.name}
    return {**kind, "value": value.item() if hasattr(value, "item") else value}


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(
        np.ascontiguousarray(array).tobytes() + str(array.shape).encode()
    ).hexdigest()
