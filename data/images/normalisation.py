"""Pixels to network input."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from largebatch.data.images.image_set import ImageSet


def normaliser(image_set: ImageSet) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function uint8 [B, H, W, C] -> float32 [B, H, W, C]: (pixel / 255 - mean) / std."""
    return pixel_normaliser(image_set.image_shape, image_set.mean, image_set.std)


def pixel_normaliser(
    image_shape: tuple, mean: Sequence[float], std: Sequence[float]
) -> Callable[[tf.Tensor], tf.Tensor]:
    """As `normaliser`, for images of any type with `mean` and `std` of each channel."""
    height, width, channels = image_shape
    means, deviations = np.asarray(mean, "float64"), np.asarray(std, "float64")
    # One number for each of a line's W x C values: TensorFlow broadcasts over a last axis of 3
    # channels 8 times slower.
    with tf.device("CPU:0"):
        scale = tf.tile(tf.constant(1 / (255 * deviations), tf.float32), [width])
        shift = tf.tile(tf.constant(-means / deviations, tf.float32), [width])

    def normalise(images: tf.Tensor) -> tf.Tensor:
        lines = tf.reshape(images, [-1, height, width * channels])
        return tf.reshape(tf.cast(lines, tf.float32) * scale + shift, [-1, height, width, channels])

    return normalise
