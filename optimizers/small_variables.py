"""Small variables of one shape, updated together as one stack, to shorten the compilation.

XLA compiles the update of each variable separately. Two thirds of BERT's variables are biases,
scales and offsets, which hold a thousandth of its numbers and took half of the compilation. Under
XLA on a CPU those of one shape are therefore joined, updated as one, and cut apart again, by copies
of a few kilobytes, for which the compiler needs no loops.

Here the update is inside a `tf.cond` on whether the step is skipped. XLA fuses nothing across a
conditional; without it, it would recompute the whole stack in the loop of each piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from largebatch.optimizers.reduction import SMALL, grouped

#: Groups with fewer variables are updated one by one, which is faster to trace.
FEWEST = 8


def groups_of(items: Sequence, kind: Callable) -> list[list]:
    """`items` in lists: each holds one item, or all those to be updated together.

    kind(item) is what the items of a list have in common, or None for one that stays alone.
    """
    groups = []
    for group in grouped(items, kind):
        together = len(group) >= FEWEST and kind(group[0]) is not None
        groups += [group] if together else [[item] for item in group]
    return groups


def is_small(variable: tf.Variable) -> bool:
    """Whether a variable may be joined with others of its shape."""
    return variable.shape.rank > 0 and 0 < variable.shape.num_elements() < SMALL


def update_together(
    values: Callable[..., list[tf.Tensor]],
    finite: tf.Tensor,
    gradients: Sequence[tf.Tensor],
    old: Sequence[Sequence[tf.Tensor]],
) -> list[tuple[tf.Tensor, ...]]:
    """values(gradient, *old) of each variable if `finite`, else its old values.

    Args:
        values: function of a gradient and the old values to the new ones; of all variables at once,
            along a first axis that each argument and each result has.
        gradients, old: one gradient, and one list of values, for each variable.
    """
    count = len(gradients)
    # Joined and cut along their first axis, which are plain copies: for tf.stack, which adds an
    # axis, XLA makes a loop with a branch for each tensor.
    gradient = tf.concat(gradients, axis=0)
    joined = [tf.concat(column, axis=0) for column in zip(*old)]

    def new():
        stacks = values(*(_with_axis(part, count) for part in (gradient, *joined)))
        return [tf.reshape(stack, part.shape) for stack, part in zip(stacks, joined)]

    return list(zip(*(tf.split(part, count) for part in tf.cond(finite, new, lambda: joined))))


def _with_axis(joined, count):
    """[count * n, ...] as [count, n, ...]."""
    first, *rest = joined.shape
    return tf.reshape(joined, [count, first // count, *rest])
