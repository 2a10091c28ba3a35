"""ResNet-50 v1.5 (the paper's ImageNet experiments: Tables 3, 5 and 9 to 25)."""

from __future__ import annotations

import functools

import tensorflow as tf

from largebatch.models.grouped_norm import GroupedBatchNormalization

BLOCKS = (3, 4, 6, 3)
EXPANSION = 4
NORM_MOMENTUM = 0.9
NORM_EPSILON = 1e-5
KERNEL_INITS = {
    # He et al. 2015, as Goyal et al.: normal, not truncated, by the outgoing connections.
    "fan_out": {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"},
    "fan_in": {"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal"},
}


def resnet50(
    input_shape: tuple,
    num_classes: int,
    width: int = 64,
    zero_last_scale: bool = True,
    norm_group: int = 1,
    norm_batch: int | None = None,
    kernel_init: str = "fan_out",
) -> tf.keras.Model:
    """Image float32 or bfloat16 [B, H, W, C] -> logits float32 [B, num_classes].

    With c = width; every convolution is without bias and followed by batch norm:

      stem:      7 x 7 / 2 convolution (c), ReLU, 3 x 3 / 2 max-pool  [B, H/4, W/4, c]
      stage i:   3, 4, 6, 3 blocks of 1 x 1 (c_i), ReLU, 3 x 3 (c_i), ReLU, 1 x 1 (4 c_i), + the
                 block's input, ReLU, with c_i = c 2^(i-1); the first block of stages 2 to 4 halves
                 the image                                      [B, H/32, W/32, 32c] at the end
      head:      mean over the image, linear

    25,557,032 trained parameters for ImageNet at width 64. v1.5: a block halves the image in its
    3 x 3 convolution, not in the 1 x 1 before it. tf-models-official's ResNet-50 is the same
    network (a test compares the two), Keras' is not: it is v1, and its convolutions have biases.
    It is written out here, as official's variables are named by a counter of the process
    (`conv2d_17`), while the trust ratios of each layer and what is left out need a lasting path.

    As Goyal et al. 2017: batch norm with momentum 0.9 and epsilon 1e-5, the scale of a block's last
    one begins at 0 (`zero_last_scale`: a block begins as the identity), kernels normal with
    variance 2 / (k k c_out), the linear layer's with deviation 0.01. Under mixed_bfloat16 batch
    norm's statistics and parameters and the logits are float32.

    Args:
      norm_group: the number of replicas that share batch norm's statistics, see
        `GroupedBatchNormalization`; it changes no variable.
      norm_batch: the number of images that do, in place of it; None: all of a micro-batch.
      kernel_init: "fan_out", as above, or "fan_in": truncated normal with variance
        1 / (k k c_in), TensorFlow's variance-scaling default, as in the TPU reference model that
        the LAMB paper's first author trained (github.com/fastalgo/imagenet_resnet50_lamb). It
        matters to LAMB and LARS, whose steps are in proportion to the weights' norm.

    Raises:
      ValueError: a width, a group or a batch below 1, an unknown kernel_init, or an image smaller
        than 32 x 32.
    """
    if kernel_init not in KERNEL_INITS:
        raise ValueError(f"kernel_init is {kernel_init!r}, wanted {' or '.join(KERNEL_INITS)}")
    if width < 1:
        raise ValueError(f"width is {width}, wanted at least 1 channel")
    if min(input_shape[:2]) < 32:
        raise ValueError(f"an image of shape {tuple(input_shape)} is below 32 x 32 pixels")
    width = int(width)
    layers = tf.keras.layers
    convolution = functools.partial(
        _convolution,
        norm=functools.partial(
            GroupedBatchNormalization,
            norm_group,
            norm_batch,
            epsilon=NORM_EPSILON,
            momentum=NORM_MOMENTUM,
        ),
        initializer=KERNEL_INITS[kernel_init],
    )
    image = tf.keras.Input(tuple(input_shape), name="image")
    x = convolution(image, width, 7, 2, "stem")
    x = layers.ReLU(name="stem/relu")(x)
    x = layers.MaxPool2D(3, 2, padding="same", name="stem/pool")(x)
    for stage, blocks in enumerate(BLOCKS, start=1):
        for block in range(1, blocks + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            channels = width * 2 ** (stage - 1)
            x = _block(x, convolution, channels, stride, block == 1, f"stage{stage}/block{block}",
                       "zeros" if zero_last_scale else "ones")  # fmt: skip
    x = layers.GlobalAveragePooling2D(name="head/pool")(x)
    logits = layers.Dense(
        num_classes,
        kernel_initializer=tf.keras.initializers.RandomNormal(stddev=0.01),
        dtype="float32",
        name="head/linear",
    )(x)
    return tf.keras.Model(image, logits, name="resnet50")


def _block(x, convolution, channels: int, stride: int, project: bool, name: str, last_scale: str):
    """A bottleneck block; `project`: its input gets a 1 x 1 convolution to fit the output."""
    layers = tf.keras.layers
    shortcut = x
    if project:
        shortcut = convolution(x, EXPANSION * channels, 1, stride, f"{name}/shortcut")
    x = layers.ReLU(name=f"{name}/relu1")(convolution(x, channels, 1, 1, f"{name}/1"))
    x = layers.ReLU(name=f"{name}/relu2")(convolution(x, channels, 3, stride, f"{name}/2"))
    x = convolution(x, EXPANSION * channels, 1, 1, f"{name}/3", last_scale)
    x = layers.Add(name=f"{name}/add")([shortcut, x])
    return layers.ReLU(name=f"{name}/relu3")(x)


def _convolution(
    x, channels: int, size: int, stride: int, name: str, scale: str = "ones", *, norm, initializer
):
    """A square convolution without bias, and batch norm."""
    x = tf.keras.layers.Conv2D(
        channels,
        size,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer=tf.keras.initializers.VarianceScaling(**initializer),
        name=f"{name}/conv",
    )(x)
    return norm(gamma_initializer=scale, name=f"{name}/norm")(x)
