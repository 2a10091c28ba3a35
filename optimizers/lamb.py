"""LAMB: Algorithm 2 of the paper, with appendix E (no bias correction) and F (other norms)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from largebatch.optimizers import norms
from largebatch.optimizers.base import Scalars, Statistics
from largebatch.optimizers.exclusions import Exclusions
from largebatch.optimizers.hyperparameters import fraction, not_negative
from largebatch.optimizers.layerwise import LayerwiseOptimizer
from largebatch.optimizers.norms import Bounds
from largebatch.optimizers.schedules import LearningRate


def bias_correction(beta: float, step: tf.Tensor) -> tf.Tensor:
    """1 / (1 − βᵗ): a scalar factor for a moment, which saves a division for each element.

    Computed by expm1, since 1 − 0.999 in float32 keeps only four digits.
    """
    return -1 / tf.math.expm1(step * math.log(beta)) if beta else tf.ones_like(step)


def lamb_moments(
    m: tf.Tensor, v: tf.Tensor, gradient: tf.Tensor, beta_1: float, beta_2: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """m_t = β₁ m_{t−1} + (1 − β₁) g_t and v_t = β₂ v_{t−1} + (1 − β₂) g_t²."""
    return beta_1 * m + (1 - beta_1) * gradient, beta_2 * v + (1 - beta_2) * tf.square(gradient)


def lamb_ratio(m_hat: tf.Tensor, v_hat: tf.Tensor, epsilon: float) -> tf.Tensor:
    """r_t = m̂_t / (√v̂_t + ε)."""
    return m_hat / (tf.sqrt(v_hat) + epsilon)


@tf.keras.utils.register_keras_serializable(package="largebatch")
class LAMB(LayerwiseOptimizer):
    """Layer-wise adaptive moments for batch training (Algorithm 2).

        m_t = β₁ m_{t−1} + (1 − β₁) g_t          m̂_t = m_t / (1 − β₁ᵗ)
        v_t = β₂ v_{t−1} + (1 − β₂) g_t²         v̂_t = v_t / (1 − β₂ᵗ)
        r_t = m̂_t / (√v̂_t + ε)
        x_{t+1} = x_t − η_t · φ(‖x_t‖) / ‖r_t + λ x_t‖ · (r_t + λ x_t)      for each layer

    Reading of the printed box: it prints r_t = m_t / (v_t + ε), without a square root, while
    section 3.2 speaks of "the square root of the second moment used in Adam" and the lecture's
    slides print √(v̂ + ε). The public implementations use √v̂ + ε with ε = 1e-6, and so does this
    one. Deviation: where φ(‖x‖) or ‖r + λx‖ is 0 the trust ratio is 1.

    A variable that is excluded from decay has λ = 0; one that is excluded from layer adaptation has
    trust ratio 1. By default (None) layer normalisation, batch norm's scale and offset, and biases
    are excluded from both; the two lists are independent. `exclusions` has patterns and presets.

    Args:
        learning_rate: η, a float or a LearningRateSchedule of `iterations` (0 at the first update).
        beta_1, beta_2, epsilon: as above.
        weight_decay: λ, inside the layer's update.
        bias_correction: False leaves m̂ = m and v̂ = v (appendix E).
        norm: "l2", "l1" or "linf", of the weights and of the update alike (appendix F).
        phi_bounds: (γ_l, γ_u) of φ(z) = min(max(z, γ_l), γ_u), z the weights' norm; None: φ(z) = z.
        exclude_from_weight_decay, exclude_from_layer_adaptation: None, a preset's name, [], or a
            list of regular expressions on a variable's path.
        jit_compile: compile the update with XLA on every device.
        clipnorm, clipvalue, global_clipnorm, use_ema, ...: Keras' own.
    """

    slot_names = ("m", "v")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        weight_decay: float = 0.01,
        bias_correction: bool = True,
        norm: str = "l2",
        phi_bounds: Bounds = None,
        exclude_from_weight_decay: Exclusions = None,
        exclude_from_layer_adaptation: Exclusions = None,
        jit_compile: bool = True,
        name: str = "LAMB",
        **kwargs: Any,
    ):
        super().__init__(learning_rate, name, jit_compile, **kwargs)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = not_negative("epsilon", epsilon)
        self.weight_decay = not_negative("weight_decay", weight_decay)
        self.bias_correction = bias_correction
        self.norm = norms.checked_norm(norm)
        self.phi_bounds = norms.checked_bounds(phi_bounds)
        self._set_exclusions(exclude_from_weight_decay, exclude_from_layer_adaptation)

    def step_coefficients(self, step: tf.Tensor, scalars: Scalars) -> tuple[Scalars, Scalars]:
        if not self.bias_correction:
            one = tf.ones_like(step)
            return {"correction_1": one, "correction_2": one}, scalars
        return {
            "correction_1": bias_correction(self.beta_1, step),
            "correction_2": bias_correction(self.beta_2, step),
        }, scalars

    def moments(
        self,
        gradient: tf.Tensor,
        weight: tf.Tensor,
        slots: Sequence[tf.Tensor],
        coefficients: Scalars,
        *,
        decayed: bool,
        adapted: bool,
    ) -> tuple[tf.Tensor, ...]:
        m, v = slots
        return lamb_moments(m, v, gradient, self.beta_1, self.beta_2)

    def ratio(
        self, gradient: tf.Tensor, m: tf.Tensor, v: tf.Tensor, coefficients: Scalars
    ) -> tf.Tensor:
        """r_t; N-LAMB and NN-LAMB have another."""
        return lamb_ratio(
            m * coefficients["correction_1"], v * coefficients["correction_2"], self.epsilon
        )

    def change(
        self,
        gradient: tf.Tensor,
        weight: tf.Tensor,
        slots: Sequence[tf.Tensor],
        coefficients: Scalars,
        *,
        decayed: bool,
        adapted: bool,
    ) -> tuple[tf.Tensor, Statistics | None]:
        """η φ(‖x‖)/‖r + λx‖ (r + λx), the last line of Algorithms 2, 3 and 4."""

        def update(gradient, weight, m, v):
            r = self.ratio(gradient, m, v, coefficients)
            return r + self.weight_decay * weight if decayed else r

        # Computed twice, for the norm and for the weights: under XLA cheaper than keeping it.
        update_norm = self.norm_of(gradient, weight, *slots, of=update)
        statistics = self.statistics(weight, update_norm, adapted)
        rate = coefficients["learning_rate"] * statistics.trust_ratio
        return rate * update(gradient, weight, *slots), statistics

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "bias_correction": self.bias_correction,
        }
