"""Initial weights from their seeds, by NumPy alone: what Keras' initializers draw on a CPU.

A network's weights are megabytes; the seeds that they are drawn from are bytes. This is
TensorFlow's Philox generator (Salmon et al. 2011, 10 rounds) with two distributions of float32, so
that a machine without TensorFlow starts a run from the same weights: uniform ones bit for bit,
normal ones to the last place of a logarithm. The recipe of an array is made of JSON types:

    {"kind": "uniform", "seed": s, "shape": [...], "low": a, "high": b}
    {"kind": "truncated_normal", "seed": s, "shape": [...], "mean": m, "std": d}
    {"kind": "constant", "shape": [...], "value": v, "dtype": "float32"}
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

_MULTIPLY = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_BUMP = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
# A normal number is drawn again until it lies within 2 deviations: so many numbers are reserved.
_RESERVED = 256
_CUT = np.float32(2.0)


def made(recipe: Mapping) -> np.ndarray:
    """The array of a recipe; ValueError for a kind that is not known."""
    kind, shape = recipe["kind"], tuple(recipe["shape"])
    if kind == "constant":
        return np.full(shape, recipe["value"], recipe["dtype"])
    count = math.prod(shape)
    key, counter = _scrambled(recipe["seed"])
    if kind == "uniform":
        drawn = _uniform(key, counter, count)
        low, high = np.float32(recipe["low"]), np.float32(recipe["high"])
        return (drawn * (high - low) + low).reshape(shape)
    if kind == "truncated_normal":
        drawn = _truncated_normal(key, counter, count)
        return (drawn * np.float32(recipe["std"]) + np.float32(recipe["mean"])).reshape(shape)
    raise ValueError(f"a recipe of weights has the kind {kind!r}, unknown here")


def _philox(key: tuple[int, int], words: list[np.ndarray]) -> np.ndarray:
    """uint32 [n, 4] of n counters, each of four words, lowest first; `words` are uint64 [n]."""
    low, high = key
    first, second, third, fourth = words
    for _ in range(10):
        left, right = _MULTIPLY[0] * first, _MULTIPLY[1] * third
        first = (right >> np.uint64(32)) ^ second ^ np.uint64(low)
        third = (left >> np.uint64(32)) ^ fourth ^ np.uint64(high)
        second, fourth = right & _LOW, left & _LOW
        low, high = (low + _BUMP[0]) & 0xFFFFFFFF, (high + _BUMP[1]) & 0xFFFFFFFF
    return np.stack([first, second, third, fourth], axis=1).astype(np.uint32)


def _scrambled(seed: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """(key, upper half of the counter) of the stateless seed (seed, 0); the lower half is 0."""
    seed &= (1 << 64) - 1
    words = [np.array([word], np.uint64) for word in (seed & 0xFFFFFFFF, seed >> 32, 0, 0)]
    mixed = [int(word) for word in _philox((0x3EC8F720, 0x02461E29), words)[0]]
    return (mixed[0], mixed[1]), (mixed[2], mixed[3])


def _drawn(key, counter, places: np.ndarray) -> np.ndarray:
    """uint32 [n, 4]: the generator's numbers at the places, uint64 [n], after its start."""
    upper = [np.full(len(places), word, np.uint64) for word in counter]
    return _philox(key, [places & _LOW, places >> np.uint64(32), *upper])


def _floats(words: np.ndarray) -> np.ndarray:
    """float32 in [0, 1) of the 23 lowest bits."""
    return ((words & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)).view(np.float32) - np.float32(1)


def _uniform(key, counter, count: int) -> np.ndarray:
    places = np.arange(-(-count // 4), dtype=np.uint64)
    return _floats(_drawn(key, counter, places).reshape(-1)[:count])


def _truncated_normal(key, counter, count: int) -> np.ndarray:
    """Four numbers a group, each the next of the group's normal numbers that is not cut off."""
    groups = -(-count // 4)
    kept = np.zeros((groups, 4), np.float32)
    have = np.zeros(groups, np.int64)
    left, step = np.arange(groups), 0  # the groups that lack numbers; draws made of each
    while len(left):
        places = left.astype(np.uint64) * np.uint64(_RESERVED) + np.uint64(step)
        words = _drawn(key, counter, places)
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
    radius = np.maximum(_floats(pair[:, 0]), np.float32(1e-7))
    angle = np.float32(2 * math.pi) * _floats(pair[:, 1])
    radius = np.sqrt(np.float32(-2) * np.log(radius))
    return np.sin(angle) * radius, np.cos(angle) * radius
