"""tensorflow-addons' LAMB: the reference this suite is checked against, and one that a run can use.

The only module that imports tensorflow-addons, which ended with TensorFlow 2.15: on the modern
stack this module raises ImportError, in one line.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from largebatch.optimizers.catalogue import WITHOUT_ADDONS
from largebatch.optimizers.decay import SelectsVariables
from largebatch.optimizers.exclusions import Exclusions, checked, path_of
from largebatch.optimizers.finite import all_finite
from largebatch.optimizers.schedules import LearningRate
from largebatch.optimizers.skip_nonfinite import check_real, dense, unknown_variable

with warnings.catch_warnings():
    # It warns of its end of life, and of any TensorFlow but the one it was built for.
    warnings.simplefilter("ignore")
    logging.getLogger("tensorflow_addons").setLevel(logging.ERROR)
    try:
        import tensorflow_addons as tfa
    except ImportError as error:
        raise ImportError(WITHOUT_ADDONS) from error


@tf.keras.utils.register_keras_serializable(package="largebatch")
class AddonsLAMB(SelectsVariables, tfa.optimizers.LAMB):
    """tensorflow-addons' LAMB behind this suite's interface; its mathematics is untouched.

    It is a legacy Keras optimizer. Added: the refusal of non-finite gradients,
    `skip_gradients_aggregation`, presets and checks of the exclusions, and the parameter table.
    Where it differs from LAMB here: epsilon=0 is replaced by 1e-7 there (refused here), norms and
    moments are in the weights' dtype, φ is the identity, and there is no other norm. (Its own
    class takes an empty list of layers left out of adaptation as "the same as for decay", and
    matches patterns against names that end in `:0`; this one goes by this suite's rules.)
    """

    adapts_layers = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        weight_decay: float = 0.01,
        exclude_from_weight_decay: Exclusions = None,
        exclude_from_layer_adaptation: Exclusions = None,
        name: str = "AddonsLAMB",
        **kwargs: Any,
    ):
        if epsilon == 0:
            raise ValueError("tensorflow-addons' LAMB replaces epsilon=0; use LAMB for that")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, weight_decay, name=name, **kwargs)
        self.exclude_from_weight_decay = checked(
            "exclude_from_weight_decay", exclude_from_weight_decay
        )
        self.exclude_from_layer_adaptation = checked(
            "exclude_from_layer_adaptation", exclude_from_layer_adaptation
        )
        with tf.init_scope():
            self.refused_steps = tf.Variable(
                0, name="refused_steps", dtype=tf.int64, trainable=False
            )
        # A legacy optimizer tracks no attributes, and a checkpoint would miss it.
        self._track_trackable(self.refused_steps, "refused_steps")

    @property
    def jit_compile(self) -> bool:
        """Always False: a legacy optimizer compiles nothing by itself."""
        return False

    def build(self, var_list: Sequence[tf.Variable]) -> None:
        """Create the slots; raises ValueError for a pattern that matches no variable."""
        self._create_all_weights(var_list)

    def _create_all_weights(self, var_list):
        check_real(var_list)
        if not hasattr(self, "_rows"):
            self._rows = {row.path: row for row in self.parameter_table(var_list)}
        super()._create_all_weights(var_list)

    def _row(self, variable):
        path = re.sub(r"/replica_\d+$", "", path_of(variable))
        if path not in self._rows:
            raise KeyError(unknown_variable(variable))
        return self._rows[path]

    def _do_use_weight_decay(self, variable):
        return self._row(variable).decayed

    def _do_layer_adaptation(self, variable):
        return self._row(variable).adapted

    @tf.autograph.experimental.do_not_convert
    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[tf.Tensor, tf.Variable]],
        name: str | None = None,
        skip_gradients_aggregation: bool = False,
        experimental_aggregate_gradients: bool = True,
    ) -> tf.Operation:
        """As Keras' new optimizers' `apply_gradients`; sparse gradients are made dense first."""
        pairs = [(dense(gradient), variable) for gradient, variable in grads_and_vars]
        with tf.init_scope():
            self.build([variable for _, variable in pairs])
        return super().apply_gradients(
            pairs,
            name=name,
            experimental_aggregate_gradients=(
                experimental_aggregate_gradients and not skip_gradients_aggregation
            ),
        )

    def _transform_gradients(self, grads_and_vars):
        pairs = list(grads_and_vars)
        clipped = super()._transform_gradients(pairs)
        if self.clipvalue is None:
            return clipped
        # It would make a bound of an infinity, and the step would not be refused.
        return [
            (tf.where(tf.math.is_finite(before), after, before), variable)
            for (before, _), (after, variable) in zip(pairs, clipped)
        ]

    def _distributed_apply(self, distribution, grads_and_vars, apply_state, name):
        grads_and_vars = list(grads_and_vars)
        finite = all_finite(
            [
                copy
                for gradient, _ in grads_and_vars
                for copy in distribution.experimental_local_results(gradient)
            ],
            jit_compile=False,
            squared=True,
        )

        def apply():
            super(AddonsLAMB, self)._distributed_apply(
                distribution, grads_and_vars, name=name, apply_state=apply_state
            )
            return tf.constant(0)

        tf.cond(finite, apply, lambda: tf.constant(0))
        # An operation, as the legacy class returns: Keras' loss scaling puts it into a condition.
        return self.refused_steps.assign_add(
            tf.cast(tf.logical_not(finite), tf.int64), read_value=False
        )
