"""Initial weights for a portable run: a recipe that holds for every seed, or a file for each.

Keras draws each variable from a seed of its own, out of one list that the run's seed determines.
Where the distribution is uniform, NumPy draws the same bits, so that a few numbers in the manifest
stand for the weights of all seeds. A normal distribution passes through a logarithm, which no two
libraries round alike; its weights are written to files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from largebatch.experiments.export_program import draws
from largebatch.models.keras_internals import flat_layers


def snapshot(
    state: Mapping[str, tf.Variable], like: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """The values of variables; those of `like`'s names alone, where it is given."""
    return {n: variable.numpy() for n, variable in state.items() if like is None or n in like}


def recipes(
    model: tf.keras.Model, state: Mapping[str, np.ndarray], seed: int
) -> dict[str, dict[str, Any]]:
    """{name: recipe} of the variables whose value NumPy can make; the others are left out.

    `state` is that of a run of `model` with `seed`, at its start. Each recipe is checked against
    the value, bit for bit.
    """
    initializers = _initializers(model)
    seeds = draws.initial_seeds(seed, len(state))
    found = {}
    for name, value in state.items():
        recipe = {"shape": list(value.shape), "dtype": value.dtype.name}
        if value.size and (value == value.flat[0]).all():
            found[name] = {**recipe, "constant": value.flat[0].item()}
            continue
        limit = _uniform_limit(initializers.get(name), value.shape)
        if limit is None:
            continue
        recipe["uniform"] = [-limit, limit]
        for draw in range(len(seeds)):
            recipe["draw"] = draw
            if _matches(recipe, seeds, value):
                found[name] = recipe
                break
    return found


def _matches(recipe: dict, seeds: list[int], value: np.ndarray) -> bool:
    """Whether the recipe makes the value; a glance at its first elements comes first."""
    first = {**recipe, "shape": [min(value.size, 8)]}
    glance = draws.initial_value(first, seeds)
    return np.array_equal(glance, value.reshape(-1)[:8]) and np.array_equal(
        draws.initial_value(recipe, seeds), value
    )


def that_hold(recipes: Mapping[str, dict], state: Mapping[str, np.ndarray], seed: int) -> dict:
    """Those of the recipes that make the values of another seed, too."""
    seeds = draws.initial_seeds(seed, len(state))
    return {
        name: recipe for name, recipe in recipes.items() if _matches(recipe, seeds, state[name])
    }


def _initializers(model: tf.keras.Model) -> dict[str, Any]:
    """State's name of a variable -> the initializer that its layer has for it."""
    found = {}
    for layer in flat_layers(model):
        for kind in ("kernel", "recurrent_kernel", "embeddings"):
            variable = getattr(layer, kind, None)
            if isinstance(variable, tf.Variable):
                found[f"model/{variable.name.removesuffix(':0')}"] = getattr(
                    layer, f"{kind}_initializer", None
                )
    return found


def _uniform_limit(initializer, shape: tuple[int, ...]) -> float | None:
    """l of Keras' VarianceScaling that is uniform in [-l, l]; None for any other."""
    if not isinstance(initializer, tf.keras.initializers.VarianceScaling):
        return None
    settings = initializer.get_config()
    if settings.get("distribution", initializer.distribution) != "uniform":
        return None
    receptive = math.prod(shape[:-2])
    fan_in, fan_out = receptive * shape[-2], receptive * shape[-1]
    fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}
    scale = initializer.scale / max(1.0, fans[initializer.mode])
    return math.sqrt(3.0 * scale)
