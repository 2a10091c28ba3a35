"""The private names of Keras that models use, each with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf


def flat_layers(model: tf.keras.layers.Layer) -> Iterator[tf.keras.layers.Layer]:
    """A layer and all below it, in the order of construction; `submodules` has another order."""
    return model._flatten_layers()


def rename(layer: tf.keras.layers.Layer, name: str) -> None:
    """Renames a layer that another one made: Keras would number those of a process."""
    layer._name = name


def draw_masks_from(layer: tf.keras.layers.Dropout, generator: Any) -> None:
    """Gives a dropout layer another generator than its own, which has state.

    Past Keras' tracking of attributes: what a checkpoint holds stays as it is without this.
    """
    object.__setattr__(layer, "_random_generator", generator)


def call_by(layer: tf.keras.layers.Layer, call: Callable) -> None:
    """Gives one layer another `call`, which `__call__` looks up; past the tracking, too."""
    object.__setattr__(layer, "call", call)
