"""BERT's AdamW (Devlin et al. 2018): Adam without bias correction, decoupled decay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from largebatch.optimizers.base import RuleOptimizer, Scalars, Statistics
from largebatch.optimizers.exclusions import Exclusions, checked
from largebatch.optimizers.hyperparameters import fraction, not_negative
from largebatch.optimizers.lamb import lamb_moments, lamb_ratio
from largebatch.optimizers.schedules import LearningRate


@tf.keras.utils.register_keras_serializable(package="largebatch")
class BertAdamW(RuleOptimizer):
    """The optimizer that BERT was trained with.

        m_t = β₁ m_{t−1} + (1 − β₁) g_t,   v_t = β₂ v_{t−1} + (1 − β₂) g_t²
        x_{t+1} = x_t − η_t (m_t / (√v_t + ε) + λ x_t)

    No bias correction; ε outside the root. Neither Keras nor tensorflow-addons has it.
    By default LayerNorm and bias are left out of decay (preset "bert").
    """

    slot_names = ("m", "v")
    default_exclusions = "bert"

    def __init__(
        self,
        learning_rate: LearningRate = 0.0001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        weight_decay: float = 0.01,
        exclude_from_weight_decay: Exclusions = None,
        jit_compile: bool = True,
        name: str = "BertAdamW",
        **kwargs: Any,
    ):
        super().__init__(learning_rate, name, jit_compile, **kwargs)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = not_negative("epsilon", epsilon)
        self.weight_decay = not_negative("weight_decay", weight_decay)
        self.exclude_from_weight_decay = checked(
            "exclude_from_weight_decay", exclude_from_weight_decay
        )

    def step_coefficients(self, step: tf.Tensor, scalars: Scalars) -> tuple[Scalars, Scalars]:
        return {}, scalars

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
        update = lamb_ratio(m, v, self.epsilon)
        if decayed:
            update += self.weight_decay * weight
        return coefficients["learning_rate"] * update, None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "weight_decay": self.weight_decay,
            "exclude_from_weight_decay": self.exclude_from_weight_decay,
        }
