"""Dropout whose masks are a function of each example's seed: no batch size changes them.

An example carries its seed with it, so its mask is the same however a global batch is cut into
replicas, micro-batches and groups. Integer arithmetic alone: a CPU, a GPU and a TPU, with XLA and
without, draw the same masks. Legend: B examples, U units of one example.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

_LEVELS = 1 << 16
_GOLDEN = 0x9E3779B9  # 2^32 / golden ratio: layers far apart


def dropout(inputs: tf.Tensor, rate: float, seeds: tf.Tensor, layer: int) -> tf.Tensor:
    """Zeroes each element with probability round(65536 rate) / 65536 and scales up the others.

    With mix a bijection of 32-bit words, s = (s_0, s_1) an example's seed, l the layer's number and
    all sums modulo 2^32,

        k_i     = mix(s_i + (l + 1) 0x9e3779b9)
        word(j) = mix(mix(j + k_0) xor k_1)

    is a word of random bits. Its high half decides on unit j, its low half on unit j + ceil(U / 2):
    a unit is dropped where that half is below 65536 rate.

    Args:
      inputs: [B, ...], B static.
      seeds: int32 [B, 2]; they should be random words themselves.
      layer: its number in the model, from 0.

    Raises:
      ValueError: a rate outside [0, 1), seeds of another shape.
    """
    dropped = round(rate * _LEVELS)
    if not 0 <= dropped < _LEVELS:
        raise ValueError(f"the dropout rate is {rate}, wanted at least 0 and below 1")
    examples, *rest = inputs.shape
    if seeds.shape.as_list() != [examples, 2]:
        raise ValueError(
            f"wanted a dropout_seed for each example, int32 [{examples}, 2]; found {seeds.shape}"
        )
    units = math.prod(rest)
    words = _words(seeds, layer, -(-units // 2))
    high = tf.bitwise.right_shift(words, tf.constant(16, tf.uint32))
    low = tf.bitwise.bitwise_and(words, tf.constant(_LEVELS - 1, tf.uint32))
    keep = tf.concat([high, low], 1)[:, :units] >= tf.constant(dropped, tf.uint32)
    keep = tf.reshape(keep, [examples, *rest])
    return inputs * (tf.cast(keep, inputs.dtype) * (_LEVELS / (_LEVELS - dropped)))


def _words(seeds, layer: int, count: int):
    """uint32 [B, count]."""
    # Unsigned throughout: TensorFlow keeps most of its int32 arithmetic off GPUs.
    keys = tf.bitcast(seeds, tf.uint32) + tf.constant((layer + 1) * _GOLDEN % 2**32, tf.uint32)
    keys = _mix(keys)
    places = tf.constant(np.arange(count, dtype=np.uint32))
    inner = _mix(places + keys[:, :1])
    return _mix(tf.bitwise.bitwise_xor(inner, keys[:, 1:]))


def _mix(x):
    """Chris Wellons' "lowbias32" with the constants of least known bias: each input bit changes
    each output bit with probability 1/2, to 0.1 %."""
    for shift, factor in ((16, 0x21F0AAAD), (15, 0xD35A2D97), (15, None)):
        shifted = tf.bitwise.right_shift(x, tf.constant(shift, tf.uint32))
        x = tf.bitwise.bitwise_xor(x, shifted)
        if factor is not None:
            x *= tf.constant(factor, tf.uint32)
    return x
