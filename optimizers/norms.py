"""Norms of a layer, the scaling function φ, and the trust ratio (sections 3 and appendix F)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import tensorflow as tf

from largebatch.optimizers.reduction import reduce_folded

NORMS = ("l1", "l2", "linf")
# (γ_l, γ_u) of φ; None: φ(z) = z.
Bounds = Optional[Sequence[float]]


def norm(tensor: tf.Tensor, kind: str = "l2", folded: bool = False) -> tf.Tensor:
    """The `kind` norm over all elements of `tensor`, a scalar of at least float32.

    `folded`: by `reduction.reduce_folded`, which is the faster way under XLA on a CPU.
    """
    if tensor.dtype not in (tf.float32, tf.float64):
        tensor = tf.cast(tensor, tf.float32)

    def total(elementwise, combine, reduce):
        if folded:
            return reduce_folded(tensor, elementwise, combine, reduce)
        return reduce(elementwise(tensor))

    if kind == "l2":
        return tf.sqrt(total(tf.square, tf.add, tf.reduce_sum))
    if kind == "l1":
        return total(tf.abs, tf.add, tf.reduce_sum)
    if kind == "linf":
        return total(tf.abs, tf.maximum, tf.reduce_max)
    raise ValueError(f"norm must be one of {', '.join(NORMS)}, found {kind!r}")


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
