"""Reduce all elements of a tensor to one, quickly where XLA compiles for a CPU.

There XLA makes a scalar loop of a reduction, at some 0.6 ns an element on one core, while it
vectorises elementwise loops and shares them among the cores. So the tensor is first folded: seen as
[rows, columns], its columns are cut into 16 equal parts, which are combined elementwise; the
reduction proper is left a sixteenth. That takes a quarter of the time. Elsewhere (TPU, GPU, or no
XLA) the plain reduction is the fast one.
"""

from __future__ import annotations

import functools

import tensorflow as tf

_PARTS = (16, 8, 4, 2)
# Fewer columns than this make short inner loops.
_COLUMNS = 512
# What a plain reduction does without being noticed.
_SMALL = 8192


def reduce_folded(tensor, elementwise, combine, reduce):
    """reduce(elementwise(tensor)) over all elements, a scalar; `combine` reduces two tensors.

    (tf.add, tf.reduce_sum), (tf.maximum, tf.reduce_max). The shape must be static. Sums are taken
    in another order than by `reduce`.
    """
    shape = tensor.shape.as_list()
    columns = 1
    while shape and columns < _COLUMNS:
        columns *= shape.pop()
    parts = next((parts for parts in _PARTS if columns % parts == 0), 1)
    if parts == 1 or tensor.shape.num_elements() < _SMALL:
        return reduce(elementwise(tensor))
    folded = tf.split(tf.reshape(tensor, [-1, columns]), parts, axis=1)
    # `elementwise` on the parts and not on the whole, which XLA would write to memory first.
    folded = functools.reduce(combine, [elementwise(part) for part in folded])
    return reduce(tf.reshape(folded, [-1]))


def folds(jit_compile: bool) -> bool:
    """Whether folding pays: XLA compiles, and for CPUs only."""
    accelerators = tf.config.list_logical_devices("TPU") + tf.config.list_logical_devices("GPU")
    return jit_compile and not accelerators
