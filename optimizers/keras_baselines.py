"""The baselines that Keras computes right: SGD, Adagrad, Adam, AdamW.

The update itself is Keras'. Added here: the refusal of non-finite gradients, compilation on a CPU,
and two separate penalties, which Tables 13 to 25 tune apart:

    l2_regularization λ₂:  g ← g + λ₂ w, before the moments (the gradient of ½ λ₂ ‖w‖²)
    weight_decay λ:        w ← w − η λ w, beside the update (Loshchilov & Hutter; not scaled by it),
                           or, with AdamW's decay_form="plain", w ← w − λ w

`exclude_from_weight_decay` (patterns on the path) leaves variables out of both; None leaves out
none here. Keras' own decay is not used: it runs before the gradients have been looked at, so a
refused step would still decay the weights, and it matches no paths.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from largebatch.optimizers.decay import SelectsVariables
from largebatch.optimizers.exclusions import Exclusions, checked
from largebatch.optimizers.hyperparameters import not_negative
from largebatch.optimizers.schedules import LearningRate
from largebatch.optimizers.skip_nonfinite import RefusesNonFinite, check_real

DECAY_FORMS = ("rate", "plain")


class _Penalised(SelectsVariables, RefusesNonFinite):
    """Mixin before one of Keras' optimizers: the two penalties, decided per variable at build."""

    default_exclusions = "nothing"
    decay_form = "rate"

    def _penalise(
        self, weight_decay, l2_regularization, exclude_from_weight_decay, jit_compile
    ) -> None:
        self._begin(jit_compile)
        self.weight_decay = not_negative("weight_decay", weight_decay)
        self.l2_regularization = not_negative("l2_regularization", l2_regularization)
        self.exclude_from_weight_decay = checked(
            "exclude_from_weight_decay", exclude_from_weight_decay
        )

    @tf.autograph.experimental.do_not_convert
    def build(self, var_list):
        """As Keras'; raises ValueError for a pattern that matches no variable."""
        check_real(var_list)
        if not getattr(self, "_built", False):
            self._decayed = [row.decayed for row in self.parameter_table(var_list)]
        super().build(var_list)

    def update_step(self, gradient, variable):
        if self._decayed[self._index_dict[self._var_key(variable)]]:
            if self.l2_regularization:
                gradient += tf.cast(self.l2_regularization, variable.dtype) * variable
            if self.weight_decay:
                decay = tf.cast(self.weight_decay, variable.dtype)
                if self.decay_form == "rate":
                    decay *= tf.cast(self.learning_rate, variable.dtype)
                variable.assign_sub(decay * variable)
        super().update_step(gradient, variable)

    def get_config(self):
        return {
            **super().get_config(),
            "l2_regularization": self.l2_regularization,
            "exclude_from_weight_decay": self.exclude_from_weight_decay,
        }


@tf.keras.utils.register_keras_serializable(package="largebatch")
class SGD(_Penalised, tf.keras.optimizers.SGD):
    """Stochastic gradient descent: u ← μ u − η g, w ← w + u (Nesterov: w + μ u − η g)."""

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        l2_regularization: float = 0.0,
        exclude_from_weight_decay: Exclusions = None,
        jit_compile: bool = True,
        name: str = "SGD",
        **kwargs: Any,
    ):
        super().__init__(learning_rate, momentum, nesterov, name=name, **kwargs)
        self._penalise(weight_decay, l2_regularization, exclude_from_weight_decay, jit_compile)


@tf.keras.utils.register_keras_serializable(package="largebatch")
class Momentum(SGD):
    """SGD with momentum 0.9."""

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.9,
        name: str = "Momentum",
        **kwargs: Any,
    ):
        super().__init__(learning_rate, momentum=momentum, name=name, **kwargs)


@tf.keras.utils.register_keras_serializable(package="largebatch")
class Adagrad(_Penalised, tf.keras.optimizers.Adagrad):
    """a ← a + g², w ← w − η g / √(a + ε), a₀ = 0.1 (as TensorFlow's always was; Duchi's is 0)."""

    squares_gradients = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float = 0.0,
        l2_regularization: float = 0.0,
        exclude_from_weight_decay: Exclusions = None,
        jit_compile: bool = True,
        name: str = "Adagrad",
        **kwargs: Any,
    ):
        super().__init__(learning_rate, initial_accumulator_value, epsilon, name=name, **kwargs)
        self._penalise(weight_decay, l2_regularization, exclude_from_weight_decay, jit_compile)


@tf.keras.utils.register_keras_serializable(package="largebatch")
class Adam(_Penalised, tf.keras.optimizers.Adam):
    """w ← w − η √(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v + ε): Kingma & Ba's form with "epsilon hat"."""

    squares_gradients = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float = 0.0,
        l2_regularization: float = 0.0,
        exclude_from_weight_decay: Exclusions = None,
        jit_compile: bool = True,
        name: str = "Adam",
        **kwargs: Any,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name=name, **kwargs)
        self._penalise(weight_decay, l2_regularization, exclude_from_weight_decay, jit_compile)


@tf.keras.utils.register_keras_serializable(package="largebatch")
class AdamW(Adam):
    """Adam with decoupled weight decay, then Adam's update.

        decay_form="rate":   w ← w − η λ w
        decay_form="plain":  w ← w − λ w

    The first is Loshchilov & Hutter's with the schedule's multiplier: the decay follows the rate.
    The second does not know the rate: tf.contrib's and tensorflow-addons' AdamW, whose users are
    told to schedule λ themselves, and the LAMB paper's first author's on CIFAR-10
    (github.com/fastalgo/davidnet-cifar, folder adamw). The same λ means very different things: over
    7,038 updates λ = 0.01 and η = 1e-4 shrink a weight that gets no gradient by 0.7 %, or to 2e-31
    of itself. Tables 13 to 25 of the paper need the second: see docs/decay_and_l2.md.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.01,
        decay_form: str = "rate",
        name: str = "AdamW",
        **kwargs: Any,
    ):
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **kwargs)
        if decay_form not in DECAY_FORMS:
            raise ValueError(
                f"decay_form must be one of {', '.join(DECAY_FORMS)}, found {decay_form!r}"
            )
        self.decay_form = decay_form

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "decay_form": self.decay_form}
