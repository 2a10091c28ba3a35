"""Initial weights from their seeds, by NumPy alone: what Keras' initializers draw on a CPU.

A network's weights are megabytes; the seeds that they are drawn from are bytes. Beside the uniform
numbers of `export_program.draws`, a machine without TensorFlow starts a run from the same normal
ones, to the last place of a logarithm. The recipe of an array is made of JSON types:

    {"kind": "truncated_normal", "seed": s, "shape": [...], "mean": m, "std": d}
    {"kind": "constant", "shape": [...], "value": v, "dtype": "float32"}
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from largebatch.experiments.export_program.draws import Stream, unit_floats

# A normal number is drawn again until it lies within 2 deviations: so many numbers are reserved.
_RESERVED = 256
_CUT = np.float32(2.0)


def made(recipe: Mapping) -> np.ndarray:
    """The array of a recipe; ValueError for a kind that is not known."""
    kind, shape = recipe["kind"], tuple(recipe["shape"])
    if kind == "constant":
        return np.full(shape, recipe["value"], recipe["dtype"])
    if kind == "truncated_normal":
        drawn = _truncated_normal(Stream(recipe["seed"]), math.prod(shape))
        return (drawn * np.float32(recipe["std"]) + np.float32(recipe["mean"])).reshape(shape)
    raise ValueError(f"a recipe of weights has the kind {kind!r}, unknown here")


def recipe_of(array: np.ndarray, seeds: Sequence[int]) -> dict | None:
    """The recipe of an array that Keras drew from one of the seeds; None where it is no such.

    Found are constants and normal numbers of mean 0 that are cut off at two deviations, BERT's
    (.02) and others; what is found makes the array to rounding.
    """
    shape = list(array.shape)
    value = array.flat[0] if array.size else np.zeros([], array.dtype)
    if (array == value).all():
        recipe = {"kind": "constant", "shape": shape, "dtype": array.dtype.name}
        return {**recipe, "value": value.item()}
    flat = array.reshape(-1)
    for seed in seeds:
        recipe = {"kind": "truncated_normal", "seed": int(seed), "mean": 0.0, "std": 1.0}
        few = made({**recipe, "shape": [min(flat.size, 8)]})
        recipe["std"] = float(np.float32(round(float(flat[0] / few[0]), 6)))
        near = {"rtol": 0, "atol": 1e-5 * recipe["std"]}
        if recipe["std"] > 0 and np.allclose(few * recipe["std"], flat[:8], **near):
            recipe["shape"] = shape
            if np.allclose(made(recipe), array, **near):
                return recipe
    return None


def _truncated_normal(stream: Stream, count: int) -> np.ndarray:
    """Four numbers a group, each the next of the group's normal numbers that is not cut off."""
    groups = -(-count // 4)
    kept = np.zeros((groups, 4), np.float32)
    have = np.zeros(groups, np.int64)
    left, step = np.arange(groups), 0  # the groups that lack numbers; draws made of each
    while len(left):
        places = left.astype(np.uint64) * np.uint64(_RESERVED) + np.uint64(step)
        words = stream.groups(places)
        for pair in (words[:, :2], words[:, 2:]):
            for value in _box_muller(pair):
                taken = (np.abs(value) < _CUT) & (have[left] < 4)
                rows = left[taken]
                kept[rows, have[rows]] = value[taken]
                have[rows] += 1
        left, step = left[have[left] < 4], step + 1
    return kept.reshape(-1)[:count]


def _box_muller(pair: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two normal numbers of two words each, float32 [n]."""
    radius = np.maximum(unit_floats(pair[:, 0]), np.float32(1e-7))
    angle = np.float32(2 * math.pi) * unit_floats(pair[:, 1])
    radius = np.sqrt(np.float32(-2) * np.log(radius))
    return np.sin(angle) * radius, np.cos(angle) * radius
