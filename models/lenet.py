"""LeNet-5 for 28 x 28 or 32 x 32 images (the paper's Table 7)."""

from __future__ import annotations

import tensorflow as tf

# convolution channels, padding of the second convolution, hidden units of the dense layers
VARIANTS = {
    "lecun": ((6, 16), "valid", (120, 84)),
    "caffe": ((20, 50), "valid", (500,)),
}


def lenet5(
    input_shape: tuple, num_classes: int, width: float = 1.0, variant: str = "lecun"
) -> tf.keras.Model:
    """Image float32 [B, H, W, C] -> logits float32 [B, num_classes].

    The paper says only "LeNet". The default has the sizes of LeCun et al. 1998 (6 and 16 channels
    of 5 x 5, then 120 and 84 units; the first convolution pads a 28 x 28 image as the original's
    32 x 32 frame did) with today's parts: max-pooling and ReLU in place of trained subsampling and
    tanh, all 16 maps connected to all 6, a softmax in place of radial basis functions. 61,706
    parameters for MNIST. `variant="caffe"` has the sizes of the LeNet that ships with Caffe (20 and
    50 channels without padding, 500 units): 431,080 parameters, 2.5 times slower. Kernels are
    Glorot-uniform, biases zero; no dropout.

    Args:
      width: multiplies the channels and hidden units (at least 1 of each).

    Raises:
      ValueError: an unknown variant, a width that is not positive, an image below 16 x 16 pixels.
    """
    if variant not in VARIANTS:
        raise ValueError(f"unknown LeNet variant {variant!r} (known: {', '.join(VARIANTS)})")
    if not width > 0:
        raise ValueError(f"width is {width}, wanted a positive factor")
    if min(input_shape[:2]) < 16:
        raise ValueError(f"an image of shape {tuple(input_shape)} is below 16 x 16 pixels")
    (first, second), second_padding, hidden = VARIANTS[variant]
    layers = tf.keras.layers
    # A 32 x 32 image already has the frame that padding makes around 28 x 28.
    first_padding = "same" if variant == "lecun" and input_shape[0] < 32 else "valid"

    def scaled(size: int) -> int:
        return max(1, round(size * width))

    image = tf.keras.Input(tuple(input_shape), name="image")
    x = layers.Conv2D(
        scaled(first), 5, padding=first_padding, activation="relu", name="conv1/conv"
    )(image)
    x = layers.MaxPool2D(name="conv1/pool")(x)
    x = layers.Conv2D(
        scaled(second), 5, padding=second_padding, activation="relu", name="conv2/conv"
    )(x)
    x = layers.MaxPool2D(name="conv2/pool")(x)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(hidden, start=1):
        x = layers.Dense(scaled(units), activation="relu", name=f"dense{number}")(x)
    # float32 also under mixed_bfloat16: a softmax over 8 bits of mantissa loses accuracy.
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return tf.keras.Model(image, logits, name="lenet5")
