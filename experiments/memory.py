"""How many sequences of BERT or images of ImageNet fit into one pass of one device."""

from __future__ import annotations

import os
from typing import NamedTuple

from largebatch.experiments.experiment import Row, Stage

# Numbers that a layer keeps for the backward pass, a token: 34 H of activations and 5 a L of
# attention (a heads, L length), after Korthikanti et al. 2022, "Reducing Activation Recomputation";
# theirs are bytes in 16 bits with 8-bit dropout masks, here all are of the width computed in.
KEPT_OF_HIDDEN, KEPT_OF_ATTENTION = 17, 2.5
# Logits of the masked positions, their softmax and its gradient, float32.
LOGIT_COPIES = 3
MASKED_SHARE = 0.15


class _ImageModel(NamedTuple):
    kept: int  # numbers, for the backward pass, of an image of 224 x 224
    parameters: int
    width: int  # the usual one


# ResNet-50: the outputs of 53 convolutions (11.1 million), and about as many again after batch norm
# and ReLU, and sums. AlexNet: those of 5 convolutions and 3 dense layers (0.66 million), and ReLU,
# normalisation, pooling and dropout after them.
_IMAGE_MODELS = {
    "resnet50": _ImageModel(26_000_000, 25_557_032, 64),
    "alexnet": _ImageModel(2_300_000, 60_965_224, 96),
    "alexnet_bn": _ImageModel(2_300_000, 60_965_224, 96),
}
# Of the memory that is left by weights, gradients and slots: the rest is for what this leaves out.
USABLE = 0.5
WEIGHT_COPIES = 5  # weights, two slots, gradients and their sums, float32


def automatic_micro_batch(
    row: Row, stage: Stage, replicas: int, memory_bytes: int, compiled: int | None = None
) -> int | None:
    """The largest micro-batch that divides a replica's share and fits: as a compiler has said
    (`compiled`, see compiled_batches), or by an estimate.

    None where the whole share fits, where the model is small, or where the devices do not divide
    the batch (the loop says so). At least 1, even where the estimate says that not even one example
    fits. Batch norm's statistics are those of a micro-batch.
    """
    estimated = row.task == "pretraining" or row.model in _IMAGE_MODELS
    if not estimated or (stage.batch_size % replicas and not row.pad_batch):
        return None
    share = -(-stage.batch_size // replicas)
    fits = _estimate(row, stage, memory_bytes) if compiled is None else compiled
    if fits >= share:
        return None
    if row.pad_batch:
        return fits
    return max(divisor for divisor in range(1, fits + 1) if share % divisor == 0)


def _estimate(row: Row, stage: Stage, memory_bytes: int) -> int:
    """About a third of what TPU v3's compiler finds room for, which reuses memory and computes
    again what it does not keep (docs/tpu_compile.md); TensorFlow's own kernels do neither."""
    needs = _sequence if row.task == "pretraining" else _image
    example, parameters = needs(row, stage, 2 if row.precision == "bfloat16" else 4)
    free = memory_bytes - WEIGHT_COPIES * 4 * parameters
    return max(1, int(USABLE * free / example))


def _image(row: Row, stage: Stage, width: int) -> tuple[float, float]:
    """(bytes of an image's activations, `width` bytes a number; the model's parameters)."""
    return image_numbers(row) * width, _width(row) ** 2 * _IMAGE_MODELS[row.model].parameters


def image_numbers(row: Row) -> float:
    """How many numbers the row's model keeps of one image for the backward pass."""
    side = 224 if row.image_size is None else row.image_size
    return _width(row) * (side / 224) ** 2 * _IMAGE_MODELS[row.model].kept


def _width(row: Row) -> float:
    """As a part of the model's usual width."""
    usual = _IMAGE_MODELS[row.model].width
    return 1.0 if row.model_width is None else row.model_width / usual


def _sequence(row: Row, stage: Stage, width: int) -> tuple[float, float]:
    """(bytes of a sequence's activations, `width` bytes a number; the model's parameters)."""
    from largebatch.models.bert_sizes import bert_size

    size = bert_size(row.model)
    hidden, layers = size.hidden_size, size.layers
    parameters = row.vocabulary_size * hidden + layers * (
        4 * hidden**2 + 2 * hidden * size.intermediate_size
    )
    return sequence_bytes(size, stage.sequence_length, row.vocabulary_size, width), parameters


def sequence_bytes(size, length: int, vocabulary: int, width: int) -> float:
    """What a BERT of `size` keeps of one sequence for the backward pass; activations are `width`
    bytes a number, logits float32."""
    layer = KEPT_OF_HIDDEN * size.hidden_size + KEPT_OF_ATTENTION * size.heads * length
    token = size.layers * layer * width + MASKED_SHARE * LOGIT_COPIES * vocabulary * 4
    return token * length


def device_memory(kind: str, replicas_here: int) -> int:
    """Bytes that one replica may count on: a constant of the machine, so that a run that is
    started again splits its batches as before.

    Args:
      kind: `cpu`, `gpu` or `tpu`.
      replicas_here: Replicas that share this host's memory, on a CPU.
    """
    if kind == "cpu":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2 // replicas_here
    if kind == "gpu":
        return _gpu_memory()
    return 8 * 2**30  # of a core of TPU v2, the smallest; later ones have 16 GiB and more


def _gpu_memory() -> int:
    """The first GPU's, from the driver; 16 GiB where it does not say."""
    import subprocess

    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits", "-i", "0"]
    try:
        output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
        return int(output.stdout.split()[0]) * 2**20
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return 16 * 2**30
