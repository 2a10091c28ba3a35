"""The private names of TensorFlow and Keras that the optimizers use, each with the reason.

What a subclass of a Keras optimizer overrides or inherits (`_clip_gradients`, `_index_dict`, ...)
stays where the subclass is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def shared_name(variable: tf.Variable) -> str:
    """A variable's name on every replica, which Keras' slots carry; `name` has a replica's."""
    return variable._shared_name


def of_this_replica(value: Any) -> Any:
    """The part of a distributed value on the device whose update is being built; there is no public
    way to it from the cross-replica context."""
    return value._get()


def merge_call(function: Callable, *arguments: Any) -> Any:
    """Calls function(strategy, *arguments) across the replicas, as Keras' optimizers do: without a
    merge call under the strategies that need none, which no public name tells."""
    strategy = tf.distribute.get_strategy()
    return tf.__internal__.distribute.interim.maybe_merge_call(function, strategy, *arguments)


def rate_variable(optimizer: tf.keras.optimizers.Optimizer) -> tf.Variable:
    """Where Keras keeps the last value of a schedule: state that an exported update writes, and
    that `optimizer.variables` leaves out."""
    return optimizer._current_learning_rate
