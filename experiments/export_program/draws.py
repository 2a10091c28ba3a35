"""TensorFlow's random numbers in NumPy, bit for bit: what a portable run draws on the host.

An exported folder has this file as `draws.py`, beside `runner.py`. It knows nothing of the suite.

  - the order of the images: `stateless_shuffle`, which XLA does not have;
  - the initial weights: Keras' initializers under `set_random_seed(seed)`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

SHUFFLE_STREAM = 1 << 48  # of largebatch.data.streams.updates
_MULTIPLY = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_BUMP = (0x9E3779B9, 0xBB67AE85)
_SCRAMBLE = (0x3EC8F720, 0x02461E29)  # the key of TensorFlow's seeds
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order of a set of `count` examples in an epoch, int32 [count]."""
    words = Stream(seed, SHUFFLE_STREAM + epoch).words(count - 1)
    left = np.arange(count, 1, -1, dtype=np.uint32)  # examples from place i on
    chosen = (np.arange(count - 1) + words % left).tolist()
    order = list(range(count))
    for place, other in enumerate(chosen):
        order[place], order[other] = order[other], order[place]
    return np.array(order, np.int32)


def initial_seeds(seed: int, count: int) -> list[int]:
    """The seeds that Keras gives to its initializers, in the order in which they are first used."""
    generator = random.Random(seed)
    return [generator.randint(1, 10**9) for _ in range(count)]


def uniform(shape: Sequence[int], seed: int, low: float, high: float) -> np.ndarray:
    """`tf.random.stateless_uniform(shape, [seed, 0], low, high)`, float32."""
    drawn = unit_floats(Stream(seed).words(int(np.prod(shape, dtype=np.int64))))
    low, high = np.float32(low), np.float32(high)
    return (drawn * (high - low) + low).reshape(shape)


def unit_floats(words: np.ndarray) -> np.ndarray:
    """float32 in [0, 1) of the 23 lowest bits of each word."""
    return ((words & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)).view(np.float32) - np.float32(1)


def initial_value(recipe: dict, seeds: list[int]) -> np.ndarray:
    """A variable at the start of a run, by the manifest's recipe."""
    shape, dtype = recipe["shape"], recipe["dtype"]
    if "constant" in recipe:
        return np.full(shape, recipe["constant"], dtype)
    low, high = recipe["uniform"]
    return uniform(shape, seeds[recipe["draw"]], low, high)


class Stream:
    """Philox 4x32-10 (Salmon et al. 2011) of a stateless seed [first, second] of 64 bits each."""

    def __init__(self, first: int, second: int = 0):
        words = [part & 0xFFFFFFFF for seed in (first, second) for part in (seed, seed >> 32)]
        mixed = _rounds(_SCRAMBLE, [np.array([word], np.uint64) for word in words])[0]
        self._key = (int(mixed[0]), int(mixed[1]))
        self._upper = (mixed[2].astype(np.uint64), mixed[3].astype(np.uint64))

    def groups(self, places: np.ndarray) -> np.ndarray:
        """uint32 [n, 4]: the groups of four words at these places, uint64 [n], from 0."""
        upper = [np.full(len(places), word) for word in self._upper]
        return _rounds(self._key, [places & _LOW, places >> _HALF, *upper])

    def words(self, count: int) -> np.ndarray:
        """uint32 [count]: the first words, as tf.random.stateless_uniform has them."""
        return self.groups(np.arange(-(-count // 4), dtype=np.uint64)).reshape(-1)[:count]


def _rounds(key: tuple[int, int], words: Sequence[np.ndarray]) -> np.ndarray:
    """uint32 [n, 4] of n counters, each of four words, lowest first; `words` are uint64 [n]."""
    low, high = key
    first, second, third, fourth = words
    for _ in range(10):
        left, right = _MULTIPLY[0] * first, _MULTIPLY[1] * third
        first = (right >> _HALF) ^ second ^ np.uint64(low)
        third = (left >> _HALF) ^ fourth ^ np.uint64(high)
        second, fourth = right & _LOW, left & _LOW
        low, high = (low + _BUMP[0]) & 0xFFFFFFFF, (high + _BUMP[1]) & 0xFFFFFFFF
    return np.stack([first, second, third, fourth], axis=1).astype(np.uint32)
