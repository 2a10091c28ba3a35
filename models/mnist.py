"""The network for MNIST that the LAMB paper's first author ran (Table 7)."""

from __future__ import annotations

import tensorflow as tf

from largebatch.models.seeded_model import SeededModel, seeded_model

CHANNELS = (32, 64)
UNITS = 1024
SMALLEST = 8


def mnist_convnet(
    input_shape: tuple, num_classes: int, width: float = 1.0, dropout: float = 0.4
) -> SeededModel:
    """Image float32 or bfloat16 [B, H, W, C] -> logits float32 [B, num_classes].

      conv1   5 x 5 (32), ReLU, 2 x 2 max-pool      [B, 14, 14, 32] of 28 pixels
      conv2   5 x 5 (64), ReLU, 2 x 2 max-pool      [B, 7, 7, 64]
      dense1  1024 units, ReLU, dropout
      logits  linear

    3,274,634 parameters for MNIST: 53 times LeNet-5's. The paper says "LeNet"; the scripts behind
    its Table 7 (github.com/fastalgo/mnist_tpu, commit 9d6ba7d) train the network of TensorFlow's
    MNIST tutorial, which this is. Convolutions and pooling are padded to keep, or to halve, a
    side. Every layer with weights has a bias; kernels start Glorot-uniform, biases at zero.

    The model is called with the images or with {"image", "dropout_seed"}, see `SeededModel`.

    Args:
      width: multiplies the channels and hidden units (at least 1 of each).
      dropout: rate after dense1.

    Raises:
      ValueError: a width that is not positive, a rate outside [0, 1), an image below 8 x 8 pixels.
    """
    if not width > 0:
        raise ValueError(f"width is {width}, wanted a positive factor")
    if not 0 <= dropout < 1:
        raise ValueError(f"the dropout rate is {dropout}, wanted at least 0 and below 1")
    if min(input_shape[:2]) < SMALLEST:
        raise ValueError(
            f"an image of shape {tuple(input_shape)} is below {SMALLEST} x {SMALLEST} pixels"
        )
    layers = tf.keras.layers

    def scaled(size: int) -> int:
        return max(1, round(size * width))

    image = tf.keras.Input(tuple(input_shape), name="image")
    x = image
    for number, channels in enumerate(CHANNELS, start=1):
        x = layers.Conv2D(
            scaled(channels), 5, padding="same", activation="relu", name=f"conv{number}/conv"
        )(x)
        x = layers.MaxPool2D(padding="same", name=f"conv{number}/pool")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(scaled(UNITS), activation="relu", name="dense1/linear")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dense1/dropout")(x)
    # float32 also under mixed_bfloat16: a softmax over 8 bits of mantissa loses accuracy.
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return seeded_model(image, logits, "mnist_convnet")
