"""Are all values of a list of tensors finite, or their squares?"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import tensorflow as tf

from largebatch.optimizers.reduction import folds, grouped, reduce_folded, sum_of


def all_finite(tensors: Iterable[tf.Tensor], jit_compile: bool, squared: bool = False) -> tf.Tensor:
    """A boolean scalar: no value of any of `tensors` is NaN or infinite.

    `squared`: nor is its square, in float32 at least, as second moments are: of a gradient of
    1.9e19 and more it is infinite, and such a moment would never recover.
    """
    tensors = [_wide(tensor) if squared else tensor for tensor in tensors]
    if folds(jit_compile):
        return _all_finite_folded(tensors, squared)
    flags = []
    for tensor in tensors:
        with tf.device(tensor.device):  # A replica's gradients stay where they are.
            value = tf.square(tensor) if squared else tensor
            flags.append(tf.reduce_all(tf.math.is_finite(value)))
    return tf.reduce_all(flags)


@tf.function(jit_compile=True, autograph=False)
def _all_finite_folded(tensors, squared):
    nought = _nought_of_square if squared else _nought
    # 0 · x is 0 or NaN, and so is its sum; as floats, because XLA does not share the work on small
    # output, such as booleans, among the cores. Tensors of one shape are summed first: a reduction
    # for each of them takes long to compile.
    alike = grouped(tensors, lambda tensor: (tuple(tensor.shape), tensor.dtype))

    def noughts(*group):
        return functools.reduce(tf.add, map(nought, group))

    zeros = [reduce_folded(group, noughts, tf.add, sum_of) for group in alike]
    total = tf.add_n([tf.cast(zero, tf.float32) for zero in zeros])
    # XLA would repeat this sum of scalars in every loop that uses the answer, were it not for the
    # root, which it considers too expensive to recompute.
    return tf.equal(tf.sqrt(total), 0.0)


def _nought(tensor):
    return tensor * 0


def _nought_of_square(tensor):
    return tensor * tensor * 0


def _wide(tensor):
    narrow = tensor.dtype in (tf.float16, tf.bfloat16)
    return tf.cast(tensor, tf.float32) if narrow else tensor
