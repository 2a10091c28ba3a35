"""LARS in its two forms: Algorithm 1 of the paper, and that of You et al. 2017."""

from __future__ import annotations

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

_TRUST_COEFFICIENTS = {"lamb_paper": 1.0, "you2017": 0.001}


@tf.keras.utils.register_keras_serializable(package="largebatch")
class LARS(LayerwiseOptimizer):
    """Layer-wise adaptive rate scaling.

    form="lamb_paper" (Algorithm 1): the moment first, then its norm, with κ = trust_coefficient:

        m_t     = β m_{t−1} + (1 − β)(g_t + λ x_t)
        x_{t+1} = x_t − η κ φ(‖x_t‖) / ‖m_t‖ · m_t

    form="you2017" (You et al. 2017; the lecture's slides print it without κ):

        ratio   = κ φ(‖w‖) / (‖g‖ + λ‖w‖)
        m_t     = β m_{t−1} + η · ratio · (g + λ w)
        w_{t+1} = w_t − m_t            nesterov: w_t − (β m_t + η · ratio · (g + λ w))

    Where φ or the denominator is 0, the factor κ φ / denominator is 1 (as in MLPerf's version).
    A variable excluded from decay has λ = 0. One excluded from layer adaptation has ratio 1 without
    κ: plain momentum SGD, with (1 − β) damping in the paper's form, without it in the 2017 form.
    By default (None) layer normalisation, batch norm's scale and offset, and biases are excluded
    from both.

    Args:
        learning_rate: η. momentum: β. weight_decay: λ.
        form: "lamb_paper" or "you2017".
        trust_coefficient: κ; None is 1 for the paper's form, 0.001 for that of 2017.
        nesterov: for form="you2017" only; the paper does not define it for its own.
        max_ratio: an upper bound of an adapted layer's ratio, κ included; None: no bound. The
            public PyTorch LARS of the first author's laboratory has 50.
        norm, phi_bounds, exclude_from_weight_decay, exclude_from_layer_adaptation, jit_compile, and
            Keras' own arguments: as in LAMB.

    In `layer_statistics` the update's norm is the denominator, ‖m‖ or ‖g‖ + λ‖w‖, and the trust
    ratio includes κ.
    """

    slot_names = ("momentum",)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        momentum: float = 0.9,
        weight_decay: float = 0.0001,
        form: str = "lamb_paper",
        trust_coefficient: float | None = None,
        nesterov: bool = False,
        max_ratio: float | None = None,
        norm: str = "l2",
        phi_bounds: Bounds = None,
        exclude_from_weight_decay: Exclusions = None,
        exclude_from_layer_adaptation: Exclusions = None,
        jit_compile: bool = True,
        name: str = "LARS",
        **kwargs: Any,
    ):
        super().__init__(learning_rate, name, jit_compile, **kwargs)
        if form not in _TRUST_COEFFICIENTS:
            raise ValueError(
                f"form must be one of {', '.join(_TRUST_COEFFICIENTS)}, found {form!r}"
            )
        if nesterov and form != "you2017":
            raise ValueError(f'nesterov=True needs form="you2017", found form={form!r}')
        self.momentum = fraction("momentum", momentum)
        self.weight_decay = not_negative("weight_decay", weight_decay)
        self.form = form
        if trust_coefficient is not None:
            not_negative("trust_coefficient", trust_coefficient)
        self.trust_coefficient = trust_coefficient
        self.nesterov = nesterov
        if max_ratio is not None and not max_ratio > 0:
            raise ValueError(f"max_ratio must be positive or None, found {max_ratio!r}")
        self.max_ratio = max_ratio
        self.norm = norms.checked_norm(norm)
        self.phi_bounds = norms.checked_bounds(phi_bounds)
        self._set_exclusions(exclude_from_weight_decay, exclude_from_layer_adaptation)

    @property
    def _kappa(self):
        if self.trust_coefficient is None:
            return _TRUST_COEFFICIENTS[self.form]
        return self.trust_coefficient

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
        (m,) = slots
        penalised = gradient + self.weight_decay * weight if decayed else gradient
        if self.form == "lamb_paper":
            return (self.momentum * m + (1 - self.momentum) * penalised,)
        ratio = self._statistics_2017(gradient, weight, decayed, adapted).trust_ratio
        return (self.momentum * m + coefficients["learning_rate"] * ratio * penalised,)

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
        (m,) = slots
        rate = coefficients["learning_rate"]
        if self.form == "lamb_paper":
            statistics = self.statistics(weight, self.norm_of(m), adapted, self._kappa)
            return rate * statistics.trust_ratio * m, statistics
        statistics = self._statistics_2017(gradient, weight, decayed, adapted)
        if not self.nesterov:
            return m, statistics
        penalised = gradient + self.weight_decay * weight if decayed else gradient
        return self.momentum * m + rate * statistics.trust_ratio * penalised, statistics

    def statistics(
        self, weight: tf.Tensor, update_norm: tf.Tensor, adapted: bool, coefficient: float = 1.0
    ) -> Statistics:
        found = super().statistics(weight, update_norm, adapted, coefficient)
        if self.max_ratio is None or not adapted:
            return found
        return found._replace(trust_ratio=tf.minimum(found.trust_ratio, self.max_ratio))

    def _statistics_2017(self, gradient, weight, decayed, adapted):
        denominator = self.norm_of(gradient)
        if decayed:
            denominator += self.weight_decay * self.norm_of(weight)
        return self.statistics(weight, denominator, adapted, self._kappa)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "form": self.form,
            "trust_coefficient": self.trust_coefficient,
            "nesterov": self.nesterov,
            "max_ratio": self.max_ratio,
        }
