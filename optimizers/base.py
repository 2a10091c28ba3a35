"""An optimizer whose update is a pure function: the Keras class around the algorithm boxes.

A subclass declares its slots and writes three pure functions: `step_coefficients` (scalars that all
variables share), `moments` (a variable's new slots) and `change` (what is taken off its weights).
This class does the rest: slots in float32 whatever the weights are, the refusal of non-finite
gradients, strategies, and the compilation of one variable's update by XLA on every device.

The refusal is a `where` inside the update and not a `tf.cond` around it: it rides on the pass that
writes the slots and the weights anyway, while XLA on a CPU copies all of them around a conditional.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from largebatch.optimizers import keras_internals, norms
from largebatch.optimizers.decay import SelectsVariables
from largebatch.optimizers.exclusions import checked, numbered
from largebatch.optimizers.reduction import folds
from largebatch.optimizers.schedules import LearningRate
from largebatch.optimizers.skip_nonfinite import (
    RefusesNonFinite,
    check_real,
    unknown_variable,
)

# {name: float32 scalar}.
Scalars = dict[str, tf.Tensor]


class Statistics(NamedTuple):
    """What a layer-wise rule did to one variable: three float32 scalars."""

    weight_norm: tf.Tensor
    update_norm: tf.Tensor
    trust_ratio: tf.Tensor


class _State(NamedTuple):
    """What belongs to one variable."""

    slots: tuple[tf.Variable, ...]
    statistics: tf.Variable | None
    decayed: bool
    adapted: bool


class RuleOptimizer(SelectsVariables, RefusesNonFinite, tf.keras.optimizers.Optimizer):
    """Base class; see the module's docstring for what a subclass writes."""

    #: Names of the slots that have their variable's shape, zero at the start.
    slot_names: tuple[str, ...] = ()
    squares_gradients = True
    #: Names of scalar state shared by all variables, one at the start.
    scalar_names: tuple[str, ...] = ()

    def __init__(
        self, learning_rate: LearningRate, name: str, jit_compile: bool = True, **kwargs: Any
    ):
        super().__init__(name=name, weight_decay=None, jit_compile=jit_compile, **kwargs)
        self._begin(jit_compile)
        self._learning_rate = self._build_learning_rate(learning_rate)

    # What a subclass writes.

    def step_coefficients(self, step: tf.Tensor, scalars: Scalars) -> tuple[Scalars, Scalars]:
        """Scalars of update number `step` (1 is the first, float32), and the new `scalars`.

        Returns (dict of float32 scalars, dict of the new values of `scalar_names`).
        """
        raise NotImplementedError

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
        """The tuple of one variable's new slots, from the old; all tensors in the slots' dtype."""
        raise NotImplementedError

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
        """(x_t − x_{t+1} of one variable, Statistics or None), from the *new* slots."""
        raise NotImplementedError

    # What this class does with it.

    @tf.autograph.experimental.do_not_convert
    def build(self, var_list: Sequence[tf.Variable]) -> None:
        """Create the slots; raises ValueError for a pattern that matches no variable."""
        check_real(var_list)
        super().build(var_list)
        if getattr(self, "_built", False):
            return
        table = self.parameter_table(var_list)
        self._paths = [row.path for row in table]
        self._decayed = [row.decayed for row in table]
        self._adapted = [row.adapted for row in table]
        self._scalars = [
            self.add_variable([], tf.float32, "ones", name=name) for name in self.scalar_names
        ]
        self._slots = [
            [self._add_slot(variable, name, variable.shape, tf.zeros) for variable in var_list]
            for name in self.slot_names
        ]
        self._statistics = (
            [self._add_slot(variable, "statistics", [3], tf.zeros) for variable in var_list]
            if self.adapts_layers
            else []
        )
        self._built = True

    def _add_slot(self, variable, name, shape, initializer):
        dtype = tf.float64 if variable.dtype == tf.float64 else tf.float32
        with tf.distribute.get_strategy().extended.colocate_vars_with(variable):
            slot = tf.Variable(
                initializer(shape, tf.float32 if name == "statistics" else dtype),
                name=f"{name}/{keras_internals.shared_name(variable)}",
                trainable=False,
            )
        self._variables.append(slot)
        return slot

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
        """Update `variable` unconditionally (Keras' interface for one variable)."""
        coefficients, _ = self._coefficients()
        state = self._state_of(variable)
        self._update(variable, gradient, state, tf.constant(True), coefficients)

    def _coefficients(self):
        scalars = {
            name: variable.read_value() for name, variable in zip(self.scalar_names, self._scalars)
        }
        step = tf.cast(self.iterations, tf.float32) + 1.0
        coefficients, scalars = self.step_coefficients(step, scalars)
        coefficients["learning_rate"] = tf.cast(self.learning_rate, tf.float32)
        return coefficients, scalars

    def _state_of(self, variable) -> _State:
        index = self._index_of(variable)
        statistics = self._statistics[index] if self._statistics else None
        return _State(
            tuple(slots[index] for slots in self._slots),
            statistics,
            self._decayed[index],
            self._adapted[index],
        )

    def _index_of(self, variable):
        key = self._var_key(variable)
        if key not in self._index_dict:
            raise KeyError(unknown_variable(variable))
        return self._index_dict[key]

    def _apply_where(self, finite, distribution, grads_and_vars):
        coefficients, scalars = self._coefficients()
        update = self._compiled_update if self.jit_compile else self._update

        @tf.autograph.experimental.do_not_convert
        def update_one(variable, gradient, state):
            state = tf.nest.map_structure(_of_this_replica, state)
            update(variable, gradient, state, finite, coefficients)

        for gradient, variable in grads_and_vars:
            arguments = (gradient, self._state_of(variable))
            distribution.extended.update(variable, update_one, args=arguments, group=False)
        for name, variable in zip(self.scalar_names, self._scalars):
            variable.assign(tf.where(finite, scalars[name], variable))
        if self.use_ema:
            variables = [variable for _, variable in grads_and_vars]
            tf.cond(finite, lambda: self._average(variables), lambda: tf.constant(0))
        self.iterations.assign_add(tf.cast(finite, self.iterations.dtype))

    def _average(self, variables):
        """Keras' moving average of the weights (`use_ema`), after an applied step."""
        self._update_model_variables_moving_average(variables)
        if self.ema_overwrite_frequency:

            def overwrite():
                self._overwrite_model_variables_with_average_value(variables)
                return tf.constant(0)

            due = tf.equal((self.iterations + 1) % self.ema_overwrite_frequency, 0)
            tf.cond(due, overwrite, lambda: tf.constant(0))
        return tf.constant(0)

    @tf.function(jit_compile=True, autograph=False)
    def _compiled_update(self, *args):
        # Variables and slots come as arguments, so all variables of one shape share one program.
        self._update(*args)

    def _update(self, variable, gradient, state, finite, coefficients):
        """Update one variable on one device, if `finite`."""
        dtype = tf.float64 if variable.dtype == tf.float64 else tf.float32
        coefficients = {name: tf.cast(value, dtype) for name, value in coefficients.items()}
        flags = {"decayed": state.decayed, "adapted": state.adapted}
        gradient = tf.cast(gradient, dtype)
        weight = tf.cast(variable.read_value(), dtype)
        old = [slot.read_value() for slot in state.slots]
        new = self.moments(gradient, weight, old, coefficients, **flags)
        # Refused here and not at the end, so that the change reads what is written: one array less.
        new = [tf.where(finite, after, before) for after, before in zip(new, old)]
        change, norms_and_ratio = self.change(gradient, weight, new, coefficients, **flags)
        change = tf.where(finite, change, tf.zeros_like(change))
        variable.assign(tf.cast(weight - change, variable.dtype), read_value=False)
        for slot, value in zip(state.slots, new):
            slot.assign(value, read_value=False)
        if state.statistics is not None:
            row = tf.stack([tf.cast(value, tf.float32) for value in norms_and_ratio])
            kept = tf.where(finite, row, state.statistics.read_value())
            state.statistics.assign(kept, read_value=False)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["weight_decay"]  # Keras' own, never used; a subclass that has one adds it.
        config["learning_rate"] = self._serialize_hyperparameter(self._learning_rate)
        return config


def _of_this_replica(value):
    """The part of a mirrored variable that lies on the device whose update is being built.

    `extended.update` passes mirrored variables on whole, and a tf.function takes those of one
    shape for the same.
    """
    if tf.distribute.in_cross_replica_context() and isinstance(
        value, tf.distribute.DistributedValues
    ):
        return keras_internals.of_this_replica(value)
    return value


class LayerwiseOptimizer(RuleOptimizer):
    """A rule with layer adaptation: `norm`, `phi_bounds`, two exclusion lists, statistics."""

    adapts_layers = True
    weight_decay = 0.0
    norm = "l2"
    phi_bounds: norms.Bounds = None

    def _set_exclusions(self, from_weight_decay, from_layer_adaptation):
        self.exclude_from_weight_decay = checked("exclude_from_weight_decay", from_weight_decay)
        self.exclude_from_layer_adaptation = checked(
            "exclude_from_layer_adaptation", from_layer_adaptation
        )

    def norm_of(self, tensor: tf.Tensor) -> tf.Tensor:
        """The chosen norm of one layer, a scalar."""
        return norms.norm(tensor, self.norm, folds(self.jit_compile))

    def statistics(
        self, weight: tf.Tensor, update_norm: tf.Tensor, adapted: bool, coefficient: float = 1.0
    ) -> Statistics:
        """‖x‖, the update's norm, and κ φ(‖x‖)/‖update‖ (1 for a variable that is not adapted)."""
        weight_norm = self.norm_of(weight)
        ratio = tf.ones_like(weight_norm)
        if adapted:
            ratio = norms.trust_ratio(weight_norm, update_norm, self.phi_bounds, coefficient)
        return Statistics(weight_norm, update_norm, ratio)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "weight_decay": self.weight_decay,
            "norm": self.norm,
            "phi_bounds": self.phi_bounds,
            "exclude_from_weight_decay": self.exclude_from_weight_decay,
            "exclude_from_layer_adaptation": self.exclude_from_layer_adaptation,
        }

    def layer_statistics(self) -> dict:
        """{path: (weight norm, update norm, trust ratio)} of the last applied step, scalars.

        Zeros before the first. Inside a tf.function the scalars are tensors, outside too. Of
        variables that share a path the second and later have its number after it: "w#2".
        """
        return {
            path: tuple(tf.unstack(tf.convert_to_tensor(statistics)))
            for path, statistics in zip(numbered(self._paths), self._statistics)
        }
