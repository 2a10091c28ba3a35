"""Reduce all elements of a tensor to one, quickly where XLA compiles for a CPU.

There XLA makes a scalar loop of a reduction, at some 0.6 ns an element on one core, while it
vectorises elementwise loops and shares them among the cores. So the tensor is first folded: one of
its axes is cut into up to 8 equal parts, which are combined elementwise; what is left is an eighth,
and is summed by products with ones. Elsewhere (TPU, GPU, or no XLA) the plain reduction is the fast
one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence

import tensorflow as tf

#: Elements that a plain reduction does without being noticed.
SMALL = 8192
_MOST_PARTS = 8
_ENOUGH_PARTS = 4
# Values that one loop reads for an element of its output: more make long code, and no faster.
_MOST_LOADS = 64
# A part's least length along the last axis; less makes short inner loops.
_SHORTEST = 32


def reduce_folded(
    tensors: Sequence[tf.Tensor],
    elementwise: Callable[..., tf.Tensor],
    combine: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    reduce: Callable[[tf.Tensor], tf.Tensor],
) -> tf.Tensor:
    """reduce(elementwise(*tensors)) over all elements, a scalar; `combine` reduces two tensors.

    (tf.add, sum_of), (tf.maximum, tf.reduce_max). The tensors are of one shape, which must be
    static. Sums are taken in another order than by `reduce`.
    """
    (shape,) = {tuple(tensor.shape) for tensor in tensors}
    axis, parts = _cut(shape, min(_MOST_PARTS, max(_MOST_LOADS // len(tensors), 1)))
    if parts == 1 or tensors[0].shape.num_elements() < SMALL:
        return reduce(elementwise(*tensors))
    # `elementwise` on the parts and not on the whole, which XLA would write to memory first.
    cut = zip(*(tf.split(tensor, parts, axis) for tensor in tensors))
    return reduce(functools.reduce(combine, [elementwise(*pieces) for pieces in cut]))


def _cut(shape: Sequence[int], most: int = _MOST_PARTS) -> tuple[int, int]:
    """(axis, number of parts, `most` at most): the first axis that gives enough of them.

    The first, since its parts are whole stretches of memory. Not of a reshaped tensor: XLA computes
    the index of every element of one anew.
    """
    best = (0, 1)
    for axis, length in enumerate(shape):
        longest = length if axis < len(shape) - 1 else length // _SHORTEST
        fitting = [n for n in range(1, min(most, longest) + 1) if length % n == 0]
        best = max(best, (axis, max(fitting, default=1)), key=lambda cut: cut[1])
        if best[1] >= _ENOUGH_PARTS:
            break
    return best


def sum_of(tensor: tf.Tensor) -> tf.Tensor:
    """The sum of all elements by products with ones.

    XLA on a CPU calls a library for a product of matrices, where it writes six nested loops for a
    sum. (With two rows of ones: of a vector it writes loops again.)
    """
    rows = tf.reshape(tensor, [-1, tensor.shape[-1] if tensor.shape.rank else 1])
    height, width = rows.shape
    sums = tf.ones([2, height], rows.dtype) @ rows @ tf.ones([width, 2], rows.dtype)
    return sums[0, 0]


def grouped(items: Iterable, key: Callable) -> list[list]:
    """`items` as lists of those with one key(item), in the order of their first."""
    groups: dict = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def folds(jit_compile: bool) -> bool:
    """Whether folding pays: XLA compiles, and for CPUs only."""
    accelerators = tf.config.list_logical_devices("TPU") + tf.config.list_logical_devices("GPU")
    return jit_compile and not accelerators
