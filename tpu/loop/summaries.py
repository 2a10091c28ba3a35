"""TensorBoard: hyper-parameters of the run, and what each layer's trust ratio does."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams_plugin

# (weight norm, update norm, trust ratio) of each layer, by its variable's path.
LayerStatistics = Mapping[str, tuple[float, float, float]]


def layer_statistics(optimizer: tf.keras.optimizers.Optimizer) -> dict[str, tuple] | None:
    """Returns the layer-wise optimizer's figures of its last step as floats; None for others."""
    read = getattr(optimizer, "layer_statistics", None)
    if read is None:
        return None
    return {
        path: tuple(float(value) for value in values) for path, values in read().items()
    } or None


def write_layers(writer: tf.summary.SummaryWriter, layers: LayerStatistics, step: int) -> None:
    names = ("weight_norm", "update_norm", "trust_ratio")
    with writer.as_default(step=step):
        for path, values in layers.items():
            for name, value in zip(names, values):
                tf.summary.scalar(f"{name}/{path}", value)


def write_graph(writer: tf.summary.SummaryWriter, graph: tf.Graph) -> None:
    """The graph of an evaluation batch, with the model's layers by their names."""
    with writer.as_default(step=0):
        tf.summary.graph(graph)


def write_hparams(writer: tf.summary.SummaryWriter, hparams: Mapping[str, object]) -> None:
    """Writes the run's settings for the hparams plugin; it takes numbers, strings and booleans."""
    plain = {
        name: value if isinstance(value, (bool, int, float, str)) else str(value)
        for name, value in hparams.items()
    }
    with writer.as_default(step=0):
        hparams_plugin.hparams(plain)
