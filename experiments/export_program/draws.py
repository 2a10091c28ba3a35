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
_MULTIPLY = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
_WEYL = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
_LOW = np.uint64(0xFFFFFFFF)
_SCRAMBLE_KEY = (0x3EC8F720, 0x02461E29)  # of TensorFlow's seeds


def permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order of a set of `count` examples in an epoch, int32 [count]."""
    words = _stateless_words(count - 1, seed, SHUFFLE_STREAM + epoch)
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
    words = _stateless_words(int(np.prod(shape, dtype=np.int64)), seed, 0)
    mantissa = (words & np.uint32(0x7FFFFF)) | np.uint32(127 << 23)
    unit = mantissa.view(np.float32) - np.float32(1)
    low, high = np.float32(low), np.float32(high)
    return (unit * (high - low) + low).reshape(shape)


def initial_value(recipe: dict, seeds: list[int]) -> np.ndarray:
    """A variable at the start of a run, by the manifest's recipe."""
    shape, dtype = recipe["shape"], recipe["dtype"]
    if "constant" in recipe:
        return np.full(shape, recipe["constant"], dtype)
    low, high = recipe["uniform"]
    return uniform(shape, seeds[recipe["draw"]], low, high)


def _stateless_words(count: int, first: int, second: int) -> np.ndarray:
    """The first `count` words, uint32, of the stream with the stateless seed [first, second]."""
    scrambled = _philox(_words(first) + _words(second), _SCRAMBLE_KEY, 1)[0]
    counter = (0, 0, int(scrambled[2]), int(scrambled[3]))
    blocks = _philox(counter, tuple(map(int, scrambled[:2])), -(-count // 4))
    return blocks.reshape(-1)[:count]


def _words(number: int) -> tuple[int, int]:
    number %= 1 << 64
    return number & 0xFFFFFFFF, number >> 32


def _philox(counter, key, blocks: int) -> np.ndarray:
    """Philox 4x32-10 (Salmon et al. 2011) of counter, counter + 1, ...: uint32 [blocks, 4].

    The lower half of the counter must not overflow.
    """
    low = np.arange(blocks, dtype=np.uint64) + np.uint64(counter[0] | counter[1] << 32)
    state = np.empty((4, blocks), np.uint64)
    state[0], state[1] = low & _LOW, low >> np.uint64(32)
    state[2], state[3] = counter[2], counter[3]
    key = np.array(key, np.uint64)
    for _ in range(10):
        first, second = state[0] * _MULTIPLY[0], state[2] * _MULTIPLY[1]
        state = np.stack(
            [
                (second >> np.uint64(32)) ^ state[1] ^ key[0],
                second & _LOW,
                (first >> np.uint64(32)) ^ state[3] ^ key[1],
                first & _LOW,
            ]
        )
        key = (key + _WEYL) & _LOW
    return state.T.astype(np.uint32)
