"""Reduce all elements of a tensor to one, quickly where XLA compiles for a CPU.

There XLA makes a scalar loop of a reduction, at some 0.6 ns an element on one core, while it
vectorises elementwise loops and shares them among the cores. So the tensor is first folded: one of
its axes is cut into up to 16 equal parts, which are combined elementwise; the reduction proper is
left a sixteenth. That takes a quarter of the time. Elsewhere (TPU, GPU, or no XLA) the plain
reduction is the fast one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import tensorflow as tf

#: Elements that a plain reduction does without being noticed.
SMALL = 8192
_MOST_PARTS = 16
# A part's least length along the last axis; less makes short inner loops.
_SHORTEST = 32


def reduce_folded(
    tensor: tf.Tensor,
    elementwise: Callable[[tf.Tensor], tf.Tensor],
    combine: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    reduce: Callable[[tf.Tensor], tf.Tensor],
) -> tf.Tensor:
    """reduce(elementwise(tensor)) over all elements, a scalar; `combine` reduces two tensors.

    (tf.add, tf.reduce_sum), (tf.maximum, tf.reduce_max). The shape must be static. Sums are taken
    in another order than by `reduce`.
    """
    axis, parts = _cut(tensor.shape.as_list())
    if parts == 1 or tensor.shape.num_elements() < SMALL:
        return reduce(elementwise(tensor))
    # `elementwise` on the parts and not on the whole, which XLA would write to memory first.
    mapped = [elementwise(part) for part in tf.split(tensor, parts, axis)]
    return reduce(functools.reduce(combine, mapped))


def _cut(shape):
    """(axis, number of parts): of the last two axes the one that gives more parts.

    Not of a reshaped tensor: XLA computes the index of every element of one anew.
    """
    cuts = [(0, 1)]
    for axis, shortest in ((len(shape) - 1, _SHORTEST), (len(shape) - 2, 1)):
        if axis >= 0:
            cuts += [
                (axis, parts)
                for parts in range(2, _MOST_PARTS + 1)
                if shape[axis] % parts == 0 and shape[axis] >= parts * shortest
            ]
    return max(cuts, key=lambda cut: cut[1])


def folds(jit_compile: bool) -> bool:
    """Whether folding pays: XLA compiles, and for CPUs only."""
    accelerators = tf.config.list_logical_devices("TPU") + tf.config.list_logical_devices("GPU")
    return jit_compile and not accelerators
