"""How many sequences of BERT fit into one pass of one device."""

from __future__ import annotations

import os

from largebatch.experiments.experiment import Row, Stage

# Numbers that a layer keeps for the backward pass, a token: 34 H of activations and 5 a L of
# attention (a heads, L length), after Korthikanti et al. 2022, "Reducing Activation Recomputation";
# theirs are bytes in 16 bits with 8-bit dropout masks, here all are of the width computed in.
KEPT_OF_HIDDEN, KEPT_OF_ATTENTION = 17, 2.5
# Logits of the masked positions, their softmax and its gradient, float32.
LOGIT_COPIES = 3
MASKED_SHARE = 0.15
# Of the memory that is left by weights, gradients and slots: the rest is for what this leaves out.
USABLE = 0.5
WEIGHT_COPIES = 5  # weights, two slots, gradients and their sums, float32


def automatic_micro_batch(row: Row, stage: Stage, replicas: int, memory_bytes: int) -> int | None:
    """The largest micro-batch that divides a replica's share and is estimated to fit.

    None where the whole share fits, or where the devices do not divide the batch (the loop says
    so). At least 1, even where the estimate says that not even one sequence fits.
    """
    from largebatch.models.bert_sizes import bert_size

    if stage.batch_size % replicas:
        return None
    share = stage.batch_size // replicas
    size, length = bert_size(row.model), stage.sequence_length
    width = 2 if row.precision == "bfloat16" else 4
    hidden, layers = size.hidden_size, size.layers
    token = layers * (KEPT_OF_HIDDEN * hidden + KEPT_OF_ATTENTION * size.heads * length) * width
    token += MASKED_SHARE * LOGIT_COPIES * row.vocabulary_size * 4
    parameters = row.vocabulary_size * hidden + layers * (
        4 * hidden**2 + 2 * hidden * size.intermediate_size
    )
    free = memory_bytes - WEIGHT_COPIES * 4 * parameters
    fits = max(1, int(USABLE * free / (token * length)))
    if fits >= share:
        return None
    return max(divisor for divisor in range(1, fits + 1) if share % divisor == 0)


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
