"""What one example keeps for the backward pass: of a sequence of BERT, of an image of ImageNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from largebatch.experiments.rows import defaults
from largebatch.experiments.rows.row import Row
from largebatch.models.image_models import IMAGE_MODELS

if TYPE_CHECKING:
    from largebatch.models.bert_sizes import BertSize

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
