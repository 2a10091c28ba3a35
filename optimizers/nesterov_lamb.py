"""N-LAMB and NN-LAMB: Algorithms 3 and 4, Nesterov's momentum in LAMB's moments (appendix D)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from largebatch.optimizers.base import Scalars
from largebatch.optimizers.exclusions import Exclusions
from largebatch.optimizers.lamb import LAMB, bias_correction, lamb_ratio
from largebatch.optimizers.momentum_schedule import checked_schedule, momentum_at
from largebatch.optimizers.norms import Bounds
from largebatch.optimizers.schedules import LearningRate


def nesterov_moment(
    moment: tf.Tensor,
    value: tf.Tensor,
    beta: tf.Tensor | float,
    beta_next: tf.Tensor | float,
    correction: tf.Tensor,
) -> tf.Tensor:
    """(β^{t+1} moment_t + (1 − β^t) value_t) / (1 − Π_{i≤t} β^i), where β^t is a schedule's value.

    Algorithms 3 and 4, with value = g (first moment) or g² (second moment);
    correction = 1 / (1 − Π_{i≤t} β^i).
    """
    return (beta_next * moment + (1 - beta) * value) * correction


@tf.keras.utils.register_keras_serializable(package="largebatch")
class NLAMB(LAMB):
    """LAMB with Nesterov's momentum in the first moment (Algorithm 3).

        m_t = β₁ m_{t−1} + (1 − β₁) g_t
        m̂  = β₁^{t+1} m_t / (1 − Π_{i≤t} β₁^i) + (1 − β₁^t) g_t / (1 − Π_{i≤t} β₁^i)
        v_t = β₂ v_{t−1} + (1 − β₂) g_t²,   v̂ = v_t / (1 − β₂ᵗ)
        r_t = m̂ / (√v̂ + ε), and LAMB's last line

    β₁^t is the momentum schedule's value at update t (1 is the first), not a power.

    How the printed formulas are read:
    - m_t takes the constant β₁, as printed (and as in Dozat 2016 and Keras' and PyTorch's Nadam).
    - Both products run to t, as printed. Dozat's own divides m_t by 1 − Π_{i≤t+1}; the difference
      is a common factor close to 1 after the first steps, which the trust ratio takes out of r.
    - v̂ is printed "β₂^{t+1} v_t / (1 − β₂ᵗ)". Appendix D says that the second moment is unchanged,
      so it is Adam's v_t / (1 − β₂ᵗ); the factor (a power of 0.999 would take v̂ to 0 over a run)
      is left out.
    - r is printed without the square root: see LAMB.

    Args:
        momentum_schedule: "dozat", β₁^t = β₁ (1 − ½ · 0.96^{t/250}), or "constant", β₁^t = β₁.
            Default "dozat": appendix D takes the settings that Dozat found best.
        The others: as in LAMB, with appendix D's defaults.

    State: the running product Π β₁^i, a scalar.
    """

    scalar_names = ("momentum_product",)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.975,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
        momentum_schedule: str = "dozat",
        norm: str = "l2",
        phi_bounds: Bounds = None,
        exclude_from_weight_decay: Exclusions = None,
        exclude_from_layer_adaptation: Exclusions = None,
        jit_compile: bool = True,
        name: str = "NLAMB",
        **kwargs: Any,
    ):
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            weight_decay=weight_decay,
            norm=norm,
            phi_bounds=phi_bounds,
            exclude_from_weight_decay=exclude_from_weight_decay,
            exclude_from_layer_adaptation=exclude_from_layer_adaptation,
            jit_compile=jit_compile,
            name=name,
            **kwargs,
        )
        self.momentum_schedule = checked_schedule(momentum_schedule)

    def step_coefficients(self, step: tf.Tensor, scalars: Scalars) -> tuple[Scalars, Scalars]:
        beta = momentum_at(self.momentum_schedule, self.beta_1, step)
        product = scalars["momentum_product"] * beta
        return {
            "beta_1": beta,
            "beta_1_next": momentum_at(self.momentum_schedule, self.beta_1, step + 1),
            "correction_1": 1 / (1 - product),
            "correction_2": bias_correction(self.beta_2, step),
        }, {"momentum_product": product}

    def ratio(
        self, gradient: tf.Tensor, m: tf.Tensor, v: tf.Tensor, coefficients: Scalars
    ) -> tf.Tensor:
        m_hat = nesterov_moment(
            m,
            gradient,
            coefficients["beta_1"],
            coefficients["beta_1_next"],
            coefficients["correction_1"],
        )
        return lamb_ratio(m_hat, self.second_moment(v, gradient, coefficients), self.epsilon)

    def second_moment(self, v: tf.Tensor, gradient: tf.Tensor, coefficients: Scalars) -> tf.Tensor:
        """v̂ = v_t / (1 − β₂ᵗ), Adam's."""
        return v * coefficients["correction_2"]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["bias_correction"]  # The box has no such choice.
        return {**config, "momentum_schedule": self.momentum_schedule}


@tf.keras.utils.register_keras_serializable(package="largebatch")
class NNLAMB(NLAMB):
    """LAMB with Nesterov's momentum in both moments (Algorithm 4): NLAMB but

        v̂ = β₂^{t+1} v_t / (1 − Π_{i≤t} β₂^i) + (1 − β₂^t) g_t² / (1 − Π_{i≤t} β₂^i)

    The algorithm's input has a schedule for β₁ only, so β₂^t is the constant β₂ here and the
    product its t-th power. The momentum schedule and all arguments: as in NLAMB.
    """

    def __init__(self, learning_rate: LearningRate = 0.001, name: str = "NNLAMB", **kwargs: Any):
        super().__init__(learning_rate, name=name, **kwargs)

    def second_moment(self, v: tf.Tensor, gradient: tf.Tensor, coefficients: Scalars) -> tf.Tensor:
        return nesterov_moment(
            v, tf.square(gradient), self.beta_2, self.beta_2, coefficients["correction_2"]
        )
