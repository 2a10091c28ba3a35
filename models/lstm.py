"""The LSTM that reads an image row by row (the slides' toy application, MNIST)."""

from __future__ import annotations

import tensorflow as tf

from largebatch.models.keras_internals import rename


def lstm_classifier(input_shape: tuple, num_classes: int, width: int = 128) -> tf.keras.Model:
    """Image float32 or bfloat16 [B, H, W, C] -> logits float32 [B, num_classes].

    With c = width, of You et al. 2019 ("Large-Batch Training for LSTM and Beyond"), where a digit
    is 28 steps of 28 pixels:

      rows       the image's rows, top to bottom                 [B, H, W C]
      transform  linear with bias: 28 -> 128 there               [B, H, c]
      lstm       one layer, its last output                      [B, c]
      logits     linear

    The gates' matrix is [c + c, 4c]: kernel and recurrent kernel, each a variable (and a layer of
    its own to LARS and LAMB). 136,586 parameters for MNIST. Initialised as Keras does: Glorot-
    uniform, recurrent kernel orthogonal, the forget gate's bias 1. Under mixed_bfloat16 the
    recurrence is float32: 28 steps in 8 bits lose what they carry.

    Raises:
      ValueError: a width below 1.
    """
    if width < 1:
        raise ValueError(f"width is {width}, wanted at least 1 unit")
    height, columns, channels = input_shape
    layers = tf.keras.layers
    image = tf.keras.Input(tuple(input_shape), name="image")
    x = layers.Reshape((height, columns * channels), name="rows")(image)
    x = layers.Dense(int(width), name="transform")(x)
    lstm = layers.LSTM(int(width), dtype="float32", name="lstm")
    rename(lstm.cell, "cell")
    x = lstm(x)
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return tf.keras.Model(image, logits, name="lstm")
