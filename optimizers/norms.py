"""Norms of a layer, the scaling function φ, and the trust ratio (section 3 and appendix F)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Optional

import tensorflow as tf

from largebatch.optimizers.reduction import reduce_folded, sum_of

NORMS = ("l1", "l2", "linf")
# (γ_l, γ_u) of φ; None: φ(z) = z.
Bounds = Optional[Sequence[float]]


def norm(
    *tensors: tf.Tensor,
    kind: str = "l2",
    of: Callable[..., tf.Tensor] = tf.identity,
    folded: bool = False,
    of_each: bool = False,
) -> tf.Tensor:
    """The `kind` norm of of(*tensors) over all elements, a scalar of at least float32.

    Args:
        tensors: of one shape. of: an elementwise function of them.
        folded: by `reduction.reduce_folded`, which is the faster way under XLA on a CPU; `of` is
            then computed in the loop of the reduction, and not kept.
        of_each: along the first axis lie tensors of which each has its norm: [n, 1, ...].
    """
    if kind not in NORMS:
        raise ValueError(f"norm must be one of {', '.join(NORMS)}, found {kind!r}")
    elementwise = tf.square if kind == "l2" else tf.abs

    def value(*parts):
        result = of(*parts)
        wide = result.dtype in (tf.float32, tf.float64)
        return elementwise(result if wide else tf.cast(result, tf.float32))

    reduce = tf.reduce_max if kind == "linf" else tf.reduce_sum
    if of_each:
        axes = list(range(1, tensors[0].shape.rank))
        total = reduce(value(*tensors), axis=axes, keepdims=True)
    elif not folded:
        total = reduce(value(*tensors))
    elif kind == "linf":
        total = reduce_folded(tensors, value, tf.maximum, reduce)
    else:
        total = reduce_folded(tensors, value, tf.add, sum_of)
    return tf.sqrt(total) if kind == "l2" else total


def phi(z: tf.Tensor, bounds: Bounds = None) -> tf.Tensor:
    """φ(z) = min(max(z, γ_l), γ_u) with bounds = (γ_l, γ_u); φ(z) = z without (section 3)."""
    if bounds is None:
        return z
    lower, upper = bounds
    return tf.minimum(tf.maximum(z, lower), upper)


def trust_ratio(
    weight_norm: tf.Tensor, update_norm: tf.Tensor, bounds: Bounds = None, coefficient: float = 1.0
) -> tf.Tensor:
    """κ φ(‖x‖) / ‖update‖ (κ is LARS' coefficient), or 1 where φ(‖x‖) or the update's norm is 0.

    The paper's box does not say what a zero gives. Without bounds, or with γ_l = 0, a layer that
    starts at 0 would never move, and a zero update has no ratio; both get 1. Where γ_l > 0, φ(0) is
    γ_l as for any other layer.
    """
    scale = phi(weight_norm, bounds)
    positive = tf.logical_and(scale > 0, update_norm > 0)
    ratio = coefficient * scale / tf.where(positive, update_norm, tf.ones_like(update_norm))
    return tf.where(positive, ratio, tf.ones_like(ratio))


def checked_norm(kind: str) -> str:
    """`kind` if it names a norm."""
    if kind not in NORMS:
        raise ValueError(f"norm must be one of {', '.join(NORMS)}, found {kind!r}")
    return kind


def checked_bounds(bounds: Bounds) -> list[float] | None:
    """`phi_bounds` as a list [γ_l, γ_u] of floats, or None."""
    if bounds is None:
        return None
    values = [float(value) for value in bounds]
    if len(values) != 2 or not 0 <= values[0] <= values[1] or values[1] == 0:
        raise ValueError(
            f"phi_bounds must be (lower, upper) with 0 <= lower <= upper and 0 < upper, "
            f"found {bounds!r}"
        )
    return values
