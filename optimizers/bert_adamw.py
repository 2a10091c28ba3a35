"""BERT's AdamW (Devlin et al. 2018): Adam without bias correction, decoupled decay."""

from __future__ import annotations

import tensorflow as tf

from largebatch.optimizers.base import RuleOptimizer
from largebatch.optimizers.exclusions import checked
from largebatch.optimizers.hyperparameters import fraction, not_negative
from largebatch.optimizers.lamb import lamb_moments, lamb_ratio


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
        learning_rate=0.0001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-6,
        weight_decay=0.01,
        exclude_from_weight_decay=None,
        jit_compile=True,
        name="BertAdamW",
        **kwargs,
    ):
        super().__init__(learning_rate, name, jit_compile, **kwargs)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = not_negative("epsilon", epsilon)
        self.weight_decay = not_negative("weight_decay", weight_decay)
        self.exclude_from_weight_decay = checked(
            "exclude_from_weight_decay", exclude_from_weight_decay
        )

    def step_coefficients(self, step, scalars):
        return {}, scalars

    def moments(self, gradient, weight, slots, coefficients, *, decayed, adapted):
        return lamb_moments(*slots, gradient, self.beta_1, self.beta_2)

    def change(self, gradient, weight, slots, coefficients, *, decayed, adapted):
        update = lamb_ratio(*slots, self.epsilon)
        if decayed:
            update += self.weight_decay * weight
        return coefficients["learning_rate"] * update, None

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "weight_decay": self.weight_decay,
            "exclude_from_weight_decay": self.exclude_from_weight_decay,
        }
