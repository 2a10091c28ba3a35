"""Nadam (Dozat 2016), which Keras implements incorrectly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from largebatch.optimizers.base import RuleOptimizer, Scalars, Statistics
from largebatch.optimizers.hyperparameters import fraction, not_negative
from largebatch.optimizers.lamb import bias_correction, lamb_moments, lamb_ratio
from largebatch.optimizers.momentum_schedule import checked_schedule, momentum_at
from largebatch.optimizers.schedules import LearningRate


@tf.keras.utils.register_keras_serializable(package="largebatch")
class Nadam(RuleOptimizer):
    """Adam with Nesterov's momentum.

        m_t = β₁ m_{t−1} + (1 − β₁) g_t,   v_t = β₂ v_{t−1} + (1 − β₂) g_t²
        m̂  = β₁^{t+1} m_t / (1 − Π_{i≤t+1} β₁^i) + (1 − β₁^t) g_t / (1 − Π_{i≤t} β₁^i)
        x_{t+1} = x_t − η_t m̂ / (√(v_t / (1 − β₂ᵗ)) + ε)

    Why not Keras' own (TF 2.15): its schedule decays as 0.96^t where Dozat's is 0.96^{t/250}; and
    its running product is guarded by a Python counter that is frozen when a tf.function is traced,
    so in a graph with several variables the product is multiplied once per variable, not per step.
    Dozat prints v̂ with a further factor β₂; Keras and PyTorch leave it out, and so does this.
    """

    slot_names = ("m", "v")
    scalar_names = ("momentum_product",)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.975,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        momentum_schedule: str = "dozat",
        jit_compile: bool = True,
        name: str = "Nadam",
        **kwargs: Any,
    ):
        super().__init__(learning_rate, name, jit_compile, **kwargs)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = not_negative("epsilon", epsilon)
        self.momentum_schedule = checked_schedule(momentum_schedule)

    def step_coefficients(self, step: tf.Tensor, scalars: Scalars) -> tuple[Scalars, Scalars]:
        beta = momentum_at(self.momentum_schedule, self.beta_1, step)
        beta_next = momentum_at(self.momentum_schedule, self.beta_1, step + 1)
        product = scalars["momentum_product"] * beta
        return {
            "m_weight": beta_next / (1 - product * beta_next),
            "g_weight": (1 - beta) / (1 - product),
            "correction_2": bias_correction(self.beta_2, step),
        }, {"momentum_product": product}

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
        m, v = slots
        m_hat = coefficients["m_weight"] * m + coefficients["g_weight"] * gradient
        r = lamb_ratio(m_hat, v * coefficients["correction_2"], self.epsilon)
        return coefficients["learning_rate"] * r, None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "momentum_schedule": self.momentum_schedule,
        }
