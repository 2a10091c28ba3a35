"""AlexNet and AlexNet-BN, the networks of the slides' LARS experiments (You et al. 2017)."""

from __future__ import annotations

import functools
from collections.abc import Callable

import tensorflow as tf

from largebatch.models.grouped_norm import GroupedBatchNormalization
from largebatch.models.seeded_model import SeededModel, seeded_model

WIDTH = 96
# Images of this size and more meet the 11 x 11 / 4 convolution, smaller ones the 5 x 5.
LARGE, SMALLEST = 64, 16

# What the networks of You et al. take are pixels, of 0 to 255 less their mean, or of 0 to 1 less
# it (AlexNet-BN); an image that is normalised by ImageNet's deviation is smaller by this.
PIXEL_DEVIATION = 255 * 0.226
UNIT_DEVIATION = 0.226

# Layer -> the deviation that its kernel starts with, its fan-in in the full network, its bias.
STARTS = {
    "conv1": (0.01, 11 * 11 * 3, 0.01),
    "conv2": (0.01, 5 * 5 * 48, 0.01),
    "conv3": (0.01, 3 * 3 * 256, 0.01),
    "conv4": (0.01, 3 * 3 * 192, 0.01),
    "conv5": (0.01, 3 * 3 * 192, 0.01),
    "fc6": (0.005, 6 * 6 * 256, 0.1),
    "fc7": (0.005, 4096, 0.1),
    "fc8": (0.01, 4096, 0.01),
}


def alexnet(
    input_shape: tuple, num_classes: int, width: int = WIDTH, dropout: float = 0.5
) -> SeededModel:
    """Image float32 or bfloat16 [B, H, W, C] -> logits float32 [B, num_classes].

    Caffe's AlexNet, "61 million" parameters and "1.5 billion" operations an image on the slides:
    60,965,224 for ImageNet. With w = width, every layer but the last ending in a ReLU:

      conv1  11 x 11 / 4 (w), response norm, 3 x 3 / 2 max-pool     [B, 27, 27, w] of 227 pixels
      conv2  5 x 5 (8w/3), two groups, response norm, max-pool      [B, 13, 13, 8w/3]
      conv3  3 x 3 (4w)
      conv4  3 x 3 (4w), two groups
      conv5  3 x 3 (8w/3), two groups, max-pool                     [B, 6, 6, 8w/3]
      fc6    128w/3 units, dropout
      fc7    128w/3 units, dropout
      fc8    linear

    Response norm over 5 channels: x / (1 + 1e-4/5 sum of squares)^0.75, in float32. Images that the
    first convolution does not cover evenly are padded: 224 pixels to 227. Images below 64 pixels (a
    laptop's: CIFAR-10, MNIST) meet a 5 x 5 convolution without stride in its place.

    Kernels start normal and biases constant, above 0, so that the slides' table of ||w|| is met:
    0.098, 0.16, 0.196 and 0.16 (biases of conv1, 2, 3, 5), 8.15 (kernel of conv4: so it has two
    groups), 6.4, 6.4 and 0.316 (biases of fc6 to 8). Caffe's own file starts the biases of the
    convolutions and of fc8 at 0 or 0.1 instead. A narrower network or a smaller image has fewer
    inputs a unit; deviations grow to keep the variance of its outputs.

    It takes normalised images, as all models here do, and scales them up to the pixels that Caffe's
    takes. The model is called with the images or with {"image", "dropout_seed"}, see `SeededModel`.

    Args:
      width: channels of the first convolution, a multiple of 6.
      dropout: rate after fc6 and fc7.

    Raises:
      ValueError: a width that is not a positive multiple of 6, a rate outside [0, 1), an image
        below 16 x 16 pixels.
    """
    return _network("alexnet", input_shape, num_classes, width, dropout, None)


def alexnet_bn(
    input_shape: tuple,
    num_classes: int,
    width: int = WIDTH,
    dropout: float = 0.5,
    norm_group: int = 1,
    norm_batch: int | None = None,
) -> SeededModel:
    """AlexNet with batch norm in place of response norm; otherwise `alexnet`, dropout included.

    Which "AlexNet-BN" is not said on the slides. This is the one that Ginsburg, an author of You et
    al. 2017, published with his solvers for batches of 8K to 32K: batch norm without scale and
    offset, momentum 0.9, epsilon 1e-4, of what enters conv2, conv3, conv4 and conv5 (after the ReLU
    and the pool), and pixels of 0 to 1. It has as many trained parameters as AlexNet. Another file
    of his has norm, scale and offset before each convolution's ReLU.

    Args:
      norm_group: the number of replicas that share batch norm's statistics, see
        `GroupedBatchNormalization`; it changes no variable.
      norm_batch: the number of images that do, in place of it; None: all of a micro-batch.
    """
    norm = functools.partial(
        GroupedBatchNormalization,
        norm_group,
        norm_batch,
        momentum=0.9,
        epsilon=1e-4,
        center=False,
        scale=False,
    )
    return _network("alexnet_bn", input_shape, num_classes, width, dropout, norm)


def _network(
    name: str,
    input_shape: tuple,
    num_classes: int,
    width: int,
    dropout: float,
    batch_norm: Callable | None,
) -> SeededModel:
    """AlexNet; with `batch_norm`, which makes such a layer of a name, AlexNet-BN."""
    if width < 1 or width % 6:
        raise ValueError(f"width is {width}, wanted a multiple of 6 channels")
    if not 0 <= dropout < 1:
        raise ValueError(f"the dropout rate is {dropout}, wanted at least 0 and below 1")
    if min(input_shape[:2]) < SMALLEST:
        raise ValueError(
            f"an image of shape {tuple(input_shape)} is below {SMALLEST} x {SMALLEST} pixels"
        )
    width = int(width)
    layers = tf.keras.layers

    def pool(x, layer):
        if batch_norm is None and layer != "conv5":
            x = ResponseNorm(name=f"{layer}/norm")(x)
        return layers.MaxPool2D(3, 2, name=f"{layer}/pool")(x)

    def convolution(x, layer, channels, size, groups=1, stride=1, padding="same"):
        if batch_norm is not None and layer != "conv1":
            x = batch_norm(name=f"{layer}/norm")(x)  # of what enters the layer
        return GroupedConv2D(
            channels, size, stride, padding, groups=groups, activation="relu",
            **_starts(layer), name=f"{layer}/conv",
        )(x)  # fmt: skip

    image = tf.keras.Input(tuple(input_shape), name="image")
    scale = PIXEL_DEVIATION if batch_norm is None else UNIT_DEVIATION
    x = layers.Rescaling(scale, name="pixels")(image)
    if min(input_shape[:2]) >= LARGE:
        x = layers.ZeroPadding2D([_padding(side) for side in input_shape[:2]], name="conv1/pad")(x)
        x = convolution(x, "conv1", width, 11, stride=4, padding="valid")
    else:
        x = convolution(x, "conv1", width, 5)
    x = pool(x, "conv1")
    x = pool(convolution(x, "conv2", 8 * width // 3, 5, groups=2), "conv2")
    x = convolution(x, "conv3", 4 * width, 3)
    x = convolution(x, "conv4", 4 * width, 3, groups=2)
    x = pool(convolution(x, "conv5", 8 * width // 3, 3, groups=2), "conv5")
    x = layers.Flatten(name="flatten")(x)
    for layer in ("fc6", "fc7"):
        x = layers.Dense(128 * width // 3, "relu", **_starts(layer), name=f"{layer}/linear")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"{layer}/dropout")(x)
    logits = layers.Dense(num_classes, **_starts("fc8"), dtype="float32", name="fc8/linear")(x)
    return seeded_model(image, logits, name)


def _padding(side: int) -> tuple[int, int]:
    """What 11 x 11 / 4 needs to cover the side evenly, before and after it."""
    missing = (11 - side) % 4
    return missing // 2, missing - missing // 2


def _starts(layer: str) -> dict:
    """Initializers: the deviation of `STARTS` at its fan-in, and the same variance at others."""
    deviation, inputs, bias = STARTS[layer]
    return {
        "kernel_initializer": tf.keras.initializers.VarianceScaling(
            deviation**2 * inputs, mode="fan_in", distribution="untruncated_normal"
        ),
        "bias_initializer": tf.keras.initializers.Constant(bias),
    }


@tf.keras.utils.register_keras_serializable("largebatch")
class GroupedConv2D(tf.keras.layers.Conv2D):
    """Keras' convolution, that runs one convolution for each of its groups.

    One kernel, so a layer has one trust ratio. On a CPU a convolution in groups is only
    differentiated where oneDNN is in use.
    """

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        if self.groups == 1:
            return super().convolution_op(inputs, kernel)
        pieces = zip(tf.split(inputs, self.groups, -1), tf.split(kernel, self.groups, -1))
        return tf.concat([super(GroupedConv2D, self).convolution_op(x, k) for x, k in pieces], -1)


@tf.keras.utils.register_keras_serializable("largebatch")
class ResponseNorm(tf.keras.layers.Layer):
    """x / (1 + 1e-4/5 sum of squares over 5 neighbouring channels)^0.75, Caffe's default."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        # There is no kernel in 16 bits for a CPU, nor in 64.
        x = tf.cast(inputs, tf.float32)
        x = tf.nn.local_response_normalization(x, depth_radius=2, bias=1, alpha=1e-4 / 5, beta=0.75)
        return tf.cast(x, inputs.dtype)
