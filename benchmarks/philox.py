"""TensorFlow's stateless random numbers by NumPy alone: Philox's words, and permutations.

The generator is that of Salmon et al. 2011 with 4 words and 10 rounds; a stateless seed is two
words, which TensorFlow scrambles by the same generator. All results are TensorFlow's bit for bit.
"""

from __future__ import annotations

import numpy as np

_MULTIPLY = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_BUMP = (0x9E3779B9, 0xBB67AE85)
_SCRAMBLE = (0x3EC8F720, 0x02461E29)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


class Stream:
    """The numbers of a stateless seed (first, second), each any integer of 64 bits."""

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


def permutation(count: int, first: int, second: int) -> np.ndarray:
    """int64 [count]: tf.random.experimental.stateless_shuffle of 0, ..., count - 1."""
    draws = Stream(first, second).words(count)[: count - 1].astype(np.int64)
    partners = draws % np.arange(count, 1, -1) + np.arange(count - 1)
    order = list(range(count))
    for place, partner in enumerate(partners.tolist()):
        order[place], order[partner] = order[partner], order[place]
    return np.array(order)


def _rounds(key: tuple[int, int], words: list[np.ndarray]) -> np.ndarray:
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
