"""Every optimizer skips and counts a step whose gradient has a NaN or an infinity.

After aggregation and clipping, all gradients of a step are checked together. If one value is not
finite (or its square is not, in an optimizer that keeps second moments or takes norms), weights,
slots and `iterations` stay as they are and `refused_steps` grows by one; the training loop reads
it and decides. The check is made once for all replicas, so mirrored variables stay equal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from largebatch.optimizers.finite import all_finite
from largebatch.optimizers.keras_internals import merge_call


class RefusesNonFinite:
    """Mixin for `tf.keras.optimizers.Optimizer`, placed before it among the bases.

    Also makes sparse gradients dense before they are clipped (duplicate indices summed), so that a
    sparse step equals the dense one exactly, and compiles on a CPU if `jit_compile` says so (Keras
    turns that off where there is no GPU).
    """

    _variables: list[tf.Variable]  # Keras' own
    #: Whether squares of gradients enter the slots or the norms: they have to be finite, too.
    squares_gradients = False

    def _begin(self, jit_compile: bool) -> None:
        """To be called once the base's constructor has run."""
        self.jit_compile = bool(jit_compile)
        with tf.init_scope():
            self.refused_steps = tf.Variable(
                0, name="refused_steps", dtype=tf.int64, trainable=False
            )
        self._variables.append(self.refused_steps)

    def _serialize_hyperparameter(self, hyperparameter):
        """As Keras, but a plain float: the shortest one that float32 rounds to the same value."""
        value = super()._serialize_hyperparameter(hyperparameter)
        return float(str(value)) if isinstance(value, (np.floating, np.ndarray)) else value

    @tf.autograph.experimental.do_not_convert
    def _clip_gradients(self, grads):
        grads = [dense(gradient) for gradient in grads]
        clipped = super()._clip_gradients(grads)
        if self.clipvalue:
            # It would make a bound of an infinity, and the step would not be refused.
            clipped = [tf.where(tf.math.is_finite(g), c, g) for g, c in zip(grads, clipped)]
        return clipped

    def _apply_weight_decay(self, variables):
        """Nothing. Keras' decay runs before the refusal, and outside a layer's update."""

    @tf.autograph.experimental.do_not_convert
    def _internal_apply_gradients(self, grads_and_vars):
        return merge_call(self._apply_or_refuse, list(grads_and_vars))

    def _apply_or_refuse(self, distribution, grads_and_vars):
        """Runs in cross-replica context (or in the only replica's, where nothing is merged)."""
        finite = all_finite(
            [
                copy
                for gradient, _ in grads_and_vars
                for copy in distribution.experimental_local_results(gradient)
            ],
            self.jit_compile,
            self.squares_gradients,
        )
        self._apply_where(finite, distribution, grads_and_vars)
        self.refused_steps.assign_add(tf.cast(tf.logical_not(finite), tf.int64))
        return self.iterations

    def _apply_where(self, finite, distribution, grads_and_vars):
        """Update the variables, the slots and `iterations` if `finite`, else touch none of them."""

        def apply():
            self._distributed_apply_gradients_fn(distribution, grads_and_vars)
            return tf.constant(0)

        # The condition stands in the cross-replica context: none may stand around a merge_call.
        tf.cond(finite, apply, lambda: tf.constant(0))


def dense(gradient: tf.Tensor | tf.IndexedSlices | None) -> tf.Tensor | None:
    """IndexedSlices to a tensor, rows with the same index summed."""
    return tf.convert_to_tensor(gradient) if gradient is not None else None


def unknown_variable(variable: tf.Variable) -> str:
    """What is wrong with a variable that the optimizer was not built with."""
    return (
        f"The optimizer cannot recognize variable {variable.name}: it has no slots. Call "
        "`optimizer.build(variables)` with all trainable variables before the first step"
    )


def check_real(variables: Sequence[tf.Variable]) -> None:
    """ValueError for a complex variable, whose imaginary part the casts would drop."""
    for variable in variables:
        if variable.dtype.is_complex:
            raise ValueError(
                f"{variable.name} is {variable.dtype.name}; want real weights: keep the real and "
                "the imaginary part as two variables"
            )
