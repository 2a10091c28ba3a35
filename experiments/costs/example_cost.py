"""What one example costs a model: flops, and memory for the backward pass.

A multiplication with an addition counts as 2 flops; only convolutions and matrix products count.
Weights are counted exactly, for they are what an all-reduce moves.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows import defaults
from largebatch.experiments.rows.row import Row, Stage
from largebatch.models.bert_sizes import BertSize, bert_size
from largebatch.models.image_models import IMAGE_MODELS

TRAINING = 3  # forward, gradients by the activations, gradients by the weights
MAX_POSITIONS = 512
IMAGES = {"mnist": (28, 1, 10), "cifar10": (32, 3, 10)}  # side, channels, classes
# Numbers that a layer keeps for the backward pass, a token: 34 H of activations and 5 a L of
# attention (a heads, L length), after Korthikanti et al. 2022, "Reducing Activation Recomputation";
# theirs are bytes in 16 bits with 8-bit dropout masks, here all are of the width computed in.
KEPT_OF_HIDDEN, KEPT_OF_ATTENTION = 17, 2.5
# Logits of the masked positions, their softmax and its gradient, float32.
LOGIT_COPIES = 3
MASKED_SHARE = 0.15
# Numbers that an image of 224 x 224 keeps at the usual width.
# ResNet-50: the outputs of 53 convolutions (11.1 million), and about as many again after batch norm
# and ReLU, and sums. AlexNet: those of 5 convolutions and 3 dense layers (0.66 million), and ReLU,
# normalisation, pooling and dropout after them.
_IMAGE_NUMBERS = {"resnet50": 26_000_000, "alexnet": 2_300_000, "alexnet_bn": 2_300_000}


class Cost(NamedTuple):
    parameters: int
    tensors: int  # of gradients: each is a message of the all-reduce
    forward_flops: float  # an example
    kept_bytes: float = 0.0  # what an example keeps for the backward pass; 0: not known


# As the lecture counts them ('Comp/Commu Ratio and Large Batch').
ALEXNET = Cost(61_000_000, 16, 1.5e9)
RESNET50 = Cost(25_000_000, 161, 7.7e9)


# The lecture's flops; parameters as they are trained here.
IMAGENET = {
    "resnet50": RESNET50._replace(parameters=25_557_032),
    "alexnet": ALEXNET._replace(parameters=60_965_224),
    "alexnet_bn": ALEXNET._replace(parameters=60_965_224),
}


def cost(row: Row, stage: Stage) -> Cost:
    """The cost of one sequence or image of a stage; ValueError where it is not known."""
    width = 2 if row.precision == "bfloat16" else 4
    if row.task == "pretraining":
        return bert(row.model, row.vocabulary_size, stage.sequence_length, width)
    if row.dataset == "imagenet2012" and row.model in IMAGENET:
        return imagenet(row, width)
    if row.dataset not in IMAGES:
        raise UserError(
            f"{row.name}: the size of the images of dataset={row.dataset} is not known to the "
            f"scaling model; it knows {', '.join(IMAGES)}"
        )
    if row.model not in _SMALL:
        raise UserError(
            f"{row.name}: the cost of model={row.model} is not known to the scaling model"
        )
    return _SMALL[row.model](*IMAGES[row.dataset], defaults.value_of(row, "model_width"), width)


def imagenet(row: Row, width: int) -> Cost:
    """A model of ImageNet's at its usual width, by the area of the row's images."""
    area = (row.image_size / 224) ** 2
    known = IMAGENET[row.model]
    kept = image_numbers(row) * width
    return known._replace(forward_flops=area * known.forward_flops, kept_bytes=kept)


def bert(model: str, vocabulary: int, length: int, width: int = 2) -> Cost:
    """BERT with both heads of pre-training, 15 % of the positions predicted.

    Forward, a token, H hidden, I intermediate, L length, in each layer: 2 (4 H^2 + 2 H I) for the
    dense layers and 4 L H for attention; a predicted token 2 (H^2 + H V). As elsewhere, the pooler
    is too small to count. What is kept, in numbers `width` bytes wide, `sequence_bytes` estimates.
    """
    size = bert_size(model)
    hidden, inner, layers = size.hidden_size, size.intermediate_size, size.layers
    norm = 2 * hidden
    layer = 4 * (hidden + 1) * hidden + 2 * hidden * inner + inner + hidden + 2 * norm
    embeddings = (vocabulary + MAX_POSITIONS + 2) * hidden + norm
    heads = 2 * (hidden + 1) * hidden + norm + vocabulary + 2 * (hidden + 1)  # with the pooler
    token = layers * (2 * (4 * hidden**2 + 2 * hidden * inner) + 4 * length * hidden)
    token += MASKED_SHARE * 2 * (hidden**2 + hidden * vocabulary)
    return Cost(
        embeddings + layers * layer + heads,
        5 + 16 * layers + 2 + 5 + 2,  # embeddings, layers, pooler, masked LM, next sentence
        token * length,
        sequence_bytes(size, length, vocabulary, width),
    )


def image_numbers(row: Row) -> float:
    """How many numbers the row's model keeps of one image."""
    usual = IMAGE_MODELS[row.model].defaults["width"]
    width = defaults.value_of(row, "model_width") / usual
    return width * (row.image_size / 224) ** 2 * _IMAGE_NUMBERS[row.model]


def sequence_bytes(size: BertSize, length: int, vocabulary: int, width: int) -> float:
    """What a BERT of `size` keeps of one sequence; activations are `width` bytes a number, logits
    float32."""
    layer = KEPT_OF_HIDDEN * size.hidden_size + KEPT_OF_ATTENTION * size.heads * length
    token = size.layers * layer * width + MASKED_SHARE * LOGIT_COPIES * vocabulary * 4
    return token * length


def davidnet(side: int, channels: int, classes: int, c: float, width: int = 4) -> Cost:
    """Convolutions of 3 x 3 without bias, each followed by batch norm and ReLU; c: channels of
    the first."""
    c = int(c)
    convolutions = (
        *((channels, c, side), (c, 2 * c, side), (2 * c, 2 * c, side // 2)),
        *((2 * c, 2 * c, side // 2), (2 * c, 4 * c, side // 2), (4 * c, 8 * c, side // 4)),
        *((8 * c, 8 * c, side // 8), (8 * c, 8 * c, side // 8)),
    )
    weights = [9 * i * o for i, o, _ in convolutions]
    outputs = sum(o * s**2 for _, o, s in convolutions)
    flops = 2 * sum(w * s**2 for w, (_, _, s) in zip(weights, convolutions))
    norms = sum(2 * o for _, o, _ in convolutions)
    head = 8 * c * classes
    kept = 2 * outputs * width  # of each convolution its output, and the normalised one
    return Cost(sum(weights) + norms + head, 3 * len(weights) + 1, flops + 2 * head, kept)


def lenet(
    side: int, channels: int, classes: int, factor: float, width: int = 4, caffe: bool = False
) -> Cost:
    """Two convolutions of 5 x 5 with biases and 2 x 2 pooling, then dense layers; `factor` widens
    them all."""
    sizes = (20, 50, 500) if caffe else (6, 16, 120, 84)
    first, second, *hidden = (max(1, round(size * factor)) for size in sizes)
    padded = not caffe and side < 32
    side1 = side if padded else side - 4
    side2 = side1 // 2 - 4
    inputs, units = (side2 // 2) ** 2 * second, [*hidden, classes]
    dense = [a * b for a, b in zip([inputs, *hidden], units)]
    kernels = [(25 * channels * first, side1**2), (25 * first * second, side2**2)]
    flops = 2 * (sum(k * s for k, s in kernels) + sum(dense))
    biases = first + second + sum(units)
    kept = (first * side1**2 + second * side2**2 + sum(units)) * width
    parameters = sum(k for k, _ in kernels) + sum(dense) + biases
    return Cost(parameters, 2 * (2 + len(units)), flops, kept)


def mnist_convnet(side: int, channels: int, classes: int, factor: float, width: int = 4) -> Cost:
    """Two convolutions of 5 x 5 with 2 x 2 pooling, all padded, then two dense layers; `factor`
    widens all but the last."""
    first, second, hidden = (max(1, round(size * factor)) for size in (32, 64, 1024))
    side2 = -(-side // 2)
    inputs = (-(-side2 // 2)) ** 2 * second
    kernels = [(25 * channels * first, side**2), (25 * first * second, side2**2)]
    dense = inputs * hidden + hidden * classes
    flops = 2 * (sum(k * s for k, s in kernels) + dense)
    parameters = sum(k for k, _ in kernels) + dense + first + second + hidden + classes
    # Each layer's output, its pooled one, and dropout's.
    kept = (1.25 * (first * side**2 + second * side2**2) + 2 * hidden + classes) * width
    return Cost(parameters, 8, flops, kept)


def lstm(side: int, channels: int, classes: int, c: float, width: int = 4) -> Cost:
    """`side` steps of a row of the image: a linear layer to c, the LSTM's gates [2c, 4c]; a linear
    layer at the end."""
    c = int(c)
    step = side * channels * c + 8 * c**2
    head = c * classes
    kept = (side * 8 * c + classes) * width  # the linear layer's output, gates, cell and output
    flops = 2 * (side * step + head)
    return Cost(step + head + 5 * c + classes, 7, flops, kept)


# The models of small images: (side, channels, classes, a row's model_width, bytes of a number).
_SMALL: dict[str, Callable[..., Cost]] = {
    "davidnet": davidnet,
    "lenet5": lenet,
    "lenet5_caffe": functools.partial(lenet, caffe=True),
    "mnist_convnet": mnist_convnet,
    "lstm": lstm,
}
