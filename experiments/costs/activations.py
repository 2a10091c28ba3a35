"""What one example keeps for the backward pass: of a sequence of BERT, of an image of ImageNet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from largebatch.experiments.rows.row import Row

if TYPE_CHECKING:
    from largebatch.models.bert_sizes import BertSize

# Numbers that a layer keeps for the backward pass, a token: 34 H of activations and 5 a L of
# attention (a heads, L length), after Korthikanti et al. 2022, "Reducing Activation Recomputation";
# theirs are bytes in 16 bits with 8-bit dropout masks, here all are of the width computed in.
KEPT_OF_HIDDEN, KEPT_OF_ATTENTION = 17, 2.5
# Logits of the masked positions, their softmax and its gradient, float32.
LOGIT_COPIES = 3
MASKED_SHARE = 0.15


class _ImageModel(NamedTuple):
    kept: int  # numbers, of an image of 224 x 224
    width: int  # the usual one


# ResNet-50: the outputs of 53 convolutions (11.1 million), and about as many again after batch norm
# and ReLU, and sums. AlexNet: those of 5 convolutions and 3 dense layers (0.66 million), and ReLU,
# normalisation, pooling and dropout after them.
_IMAGE_MODELS = {
    "resnet50": _ImageModel(26_000_000, 64),
    "alexnet": _ImageModel(2_300_000, 96),
    "alexnet_bn": _ImageModel(2_300_000, 96),
}


def image_numbers(row: Row) -> float:
    """How many numbers the row's model keeps of one image."""
    model = _IMAGE_MODELS[row.model]
    width = 1.0 if row.model_width is None else row.model_width / model.width
    return width * (row.image_size / 224) ** 2 * model.kept


def sequence_bytes(size: BertSize, length: int, vocabulary: int, width: int) -> float:
    """What a BERT of `size` keeps of one sequence; activations are `width` bytes a number, logits
    float32."""
    layer = KEPT_OF_HIDDEN * size.hidden_size + KEPT_OF_ATTENTION * size.heads * length
    token = size.layers * layer * width + MASKED_SHARE * LOGIT_COPIES * vocabulary * 4
    return token * length
