"""DavidNet, the 9-layer residual network of DAWNBench's CIFAR-10 entry (the paper's Table 6)."""

from __future__ import annotations

import functools

import tensorflow as tf

from largebatch.models.grouped_norm import GroupedBatchNormalization

LOGIT_SCALE = 0.125


def davidnet(
    input_shape: tuple, num_classes: int, width: int = 64, norm_batch: int | None = None
) -> tf.keras.Model:
    """Image float32 [B, H, W, C] -> logits float32 [B, num_classes].

    With c = width, a layer being 3 x 3 convolution without bias -> batch norm -> ReLU:

      prep:    layer(c)                                          [B, H, W, c]
      layer1:  layer(2c), 2 x 2 max-pool, x + layer(layer(x))    [B, H/2, W/2, 2c]
      layer2:  layer(4c), 2 x 2 max-pool                         [B, H/4, W/4, 4c]
      layer3:  layer(8c), 2 x 2 max-pool, x + layer(layer(x))    [B, H/8, W/8, 8c]
      head:    max over the rest (4 x 4 for CIFAR-10), linear without bias, x 0.125

    CIFAR-10 at width 64: 6,573,120 trained parameters. As in the TensorFlow entry that the paper
    names: batch norm with epsilon 1e-5 and momentum 0.9, kernels uniform in +-1/sqrt(fan in)
    (PyTorch's default). Under mixed_bfloat16 batch norm's statistics and parameters and the logits
    are float32.

    Args:
      norm_batch: the number of images that share batch norm's statistics, see
        `GroupedBatchNormalization`; None: all of a micro-batch.

    Raises:
      ValueError: a width below 1, or an image smaller than 8 x 8.
    """
    if width < 1:
        raise ValueError(f"width is {width}, wanted at least 1 channel")
    if min(input_shape[:2]) < 8:
        raise ValueError(f"an image of shape {tuple(input_shape)} is below 8 x 8 pixels")
    width = int(width)
    image = tf.keras.Input(tuple(input_shape), name="image")
    norm = functools.partial(
        GroupedBatchNormalization, batch=norm_batch, epsilon=1e-5, momentum=0.9
    )
    x = _layer(image, norm, width, "prep")
    x = _block(x, norm, 2 * width, "layer1", residual=True)
    x = _block(x, norm, 4 * width, "layer2", residual=False)
    x = _block(x, norm, 8 * width, "layer3", residual=True)
    x = tf.keras.layers.GlobalMaxPool2D(name="head/pool")(x)
    x = tf.keras.layers.Dense(
        num_classes,
        use_bias=False,
        kernel_initializer=_initializer(),
        dtype="float32",
        name="head/linear",
    )(x)
    logits = tf.keras.layers.Rescaling(LOGIT_SCALE, dtype="float32", name="logits")(x)
    return tf.keras.Model(image, logits, name="davidnet")


def _block(x, norm, channels: int, name: str, residual: bool):
    x = _layer(x, norm, channels, name)
    x = tf.keras.layers.MaxPool2D(name=f"{name}/pool")(x)
    if residual:
        shortcut = x
        x = _layer(x, norm, channels, f"{name}/residual1")
        x = _layer(x, norm, channels, f"{name}/residual2")
        x = tf.keras.layers.Add(name=f"{name}/add")([shortcut, x])
    return x


def _layer(x, norm, channels: int, name: str):
    x = tf.keras.layers.Conv2D(
        channels,
        3,
        padding="same",
        use_bias=False,
        kernel_initializer=_initializer(),
        name=f"{name}/conv",
    )(x)
    x = norm(name=f"{name}/norm")(x)
    return tf.keras.layers.ReLU(name=f"{name}/relu")(x)


def _initializer():
    """Uniform in +-1/sqrt(fan in): VarianceScaling's limit is sqrt(3 scale / fan in)."""
    return tf.keras.initializers.VarianceScaling(1 / 3, mode="fan_in", distribution="uniform")
