"""An optimizer whose update is a pure function: the Keras class around the algorithm boxes.

A subclass declares its slots and writes three pure functions: `step_coefficients` (scalars that all
variables share), `moments` (a variable's new slots) and `change` (what is taken off its weights).
This class does the rest: slots in float32 whatever the weights are, skipping steps with non-finite
gradients, distribution strategies, and the compilation of a variable's update by XLA on any device.

A step is skipped by a `where` inside the update and not by a `tf.cond` around it. The `where` is
part of the pass that writes slots and weights anyway; around a conditional XLA copies all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from largebatch.optimizers import keras_internals
from largebatch.optimizers.decay import SelectsVariables
from largebatch.optimizers.reduction import folds
from largebatch.optimizers.schedules import LearningRate
from largebatch.optimizers.skip_nonfinite import RefusesNonFinite, check_real, unknown_variable
from largebatch.optimizers.small_variables import groups_of, is_small, update_together

# {name: float32 scalar}.
Scalars = dict[str, tf.Tensor]


class Statistics(NamedTuple):
    """What a layer-wise rule did to one variable: three float32 scalars."""

    weight_norm: tf.Tensor
    update_norm: tf.Tensor
    trust_ratio: tf.Tensor


class _State(NamedTuple):
    """What belongs to one variable."""

    variables: tuple[tf.Variable, ...]  # its slots, and its statistics where there are any
    decayed: bool
    adapted: bool


class RuleOptimizer(SelectsVariables, RefusesNonFinite, tf.keras.optimizers.Optimizer):
    """Base class; see the module's docstring for what a subclass writes."""

    #: Names of the slots that have their variable's shape, zero at the start.
    slot_names: tuple[str, ...] = ()
    squares_gradients = True
    #: Names of scalar state shared by all variables, one at the start.
    scalar_names: tuple[str, ...] = ()
    # True while the update of several variables is traced, stacked along a first axis.
    _in_stack = False

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
        """The tuple of one variable's new slots, from the old; all tensors in the slots' dtype.

        It is also called for several variables at once, stacked along a first axis. So all of it
        has to be elementwise, except for `norm_of`, which knows about the axis.
        """
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
        """(x_t − x_{t+1} of one variable, Statistics or None), from the *new* slots.

        As `moments`, also called for several variables at once.
        """
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
        dtype = _wide(variable.dtype)
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
        self._update([variable], [gradient], [state], tf.constant(True), coefficients)

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
        columns = [*self._slots, *([self._statistics] if self._statistics else [])]
        return _State(
            tuple(column[index] for column in columns), self._decayed[index], self._adapted[index]
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
        def update_here(_, variables, gradients, states):
            variables, states = tf.nest.map_structure(_of_this_replica, (variables, states))
            update(variables, gradients, states, finite, coefficients)

        for group in self._groups(grads_and_vars):
            gradients, variables = zip(*group)
            states = [self._state_of(variable) for variable in variables]
            arguments = (list(variables), list(gradients), states)
            distribution.extended.update(variables[0], update_here, args=arguments, group=False)
        for name, variable in zip(self.scalar_names, self._scalars):
            variable.assign(tf.where(finite, scalars[name], variable))
        if self.use_ema:
            variables = [variable for _, variable in grads_and_vars]
            tf.cond(finite, lambda: self._average(variables), lambda: tf.constant(0))
        self.iterations.assign_add(tf.cast(finite, self.iterations.dtype))

    def _groups(self, grads_and_vars):
        """Lists of (gradient, variable) that are updated together; most hold one."""

        def kind(pair):
            _, variable = pair
            if not (folds(self.jit_compile) and is_small(variable)):
                return None
            state = self._state_of(variable)
            return tuple(variable.shape), variable.dtype, state.decayed, state.adapted

        return groups_of(grads_and_vars, kind)

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

    def _update(self, variables, gradients, states, finite, coefficients):
        """Update variables of one shape and kind on one device, if `finite`."""
        written = [(variable, *state.variables) for variable, state in zip(variables, states)]
        old = [[part.read_value() for part in parts] for parts in written]
        flags = {"decayed": states[0].decayed, "adapted": states[0].adapted}
        gradients = [tf.cast(gradient, _wide(variables[0].dtype)) for gradient in gradients]

        def values(finite, gradient, weight, *state):
            return self._values(finite, gradient, weight, state, coefficients, flags)

        def of_stack(*parts):
            self._in_stack = True
            try:
                return values(tf.constant(True), *parts)
            finally:
                self._in_stack = False

        if len(variables) == 1:
            new = [values(finite, gradients[0], *old[0])]
        else:
            new = update_together(of_stack, finite, gradients, old)
        for part, value in zip(tf.nest.flatten(written), tf.nest.flatten(new)):
            part.assign(value, read_value=False)

    def _values(self, finite, gradient, weight, state, coefficients, flags):
        """[the new weight, *the new state] of one variable: `state` if not `finite`."""
        dtype = _wide(weight.dtype)
        coefficients = {name: tf.cast(value, dtype) for name, value in coefficients.items()}
        wide = tf.cast(weight, dtype)
        slots, statistics = state[: len(self.slot_names)], state[len(self.slot_names) :]
        new = self.moments(gradient, wide, slots, coefficients, **flags)
        # Chosen here and not at the end: the change reuses the written slots and saves a temporary.
        new = [tf.where(finite, after, before) for after, before in zip(new, slots)]
        change, norms_and_ratio = self.change(gradient, wide, new, coefficients, **flags)
        change = tf.where(finite, change, tf.zeros_like(change))
        for before in statistics:
            row = tf.stack([tf.cast(value, tf.float32) for value in norms_and_ratio], axis=-1)
            new.append(tf.where(finite, tf.reshape(row, before.shape), before))
        return [tf.cast(wide - change, weight.dtype), *new]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["weight_decay"]  # Keras' own, never used; a subclass that has one adds it.
        config["learning_rate"] = self._serialize_hyperparameter(self._learning_rate)
        return config


def _wide(dtype):
    """The type of a variable's slots, in which its update is computed."""
    return tf.float64 if dtype == tf.float64 else tf.float32


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
