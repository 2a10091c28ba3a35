"""How many examples fit into one pass of one device."""

from __future__ import annotations

import os
from typing import NamedTuple

from largebatch.experiments.costs import example_cost
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.row import Row, Stage
from largebatch.tpu.loop.batch_plan import BatchPlan, share_of, whole_passes
from largebatch.tpu.lowering.topologies import GENERATIONS

# Of the memory that is left by weights, gradients and slots: the rest is for what this leaves out.
USABLE = 0.5
WEIGHT_COPIES = 5  # weights, two slots, gradients and their sums, float32


def automatic_micro_batch(
    row: Row, stage: Stage, replicas: int, memory_bytes: int, compiled: int | None = None
) -> int | None:
    """The largest micro-batch that divides a replica's share and fits: as a compiler has said
    (`compiled`, see compiled_batches), or by an estimate.

    None where the whole share fits, where the model's cost is not known, or where the devices do
    not divide the batch (the loop says so). At least 1, even where the estimate says that not even
    one example fits. Where images form groups (`group_size`), a multiple of those, even where the
    estimate says that not even one group fits.
    """
    if stage.batch_size % replicas and not row.pad_batch:
        return None
    share = share_of(stage.batch_size, replicas)
    fits = _estimate(row, stage, memory_bytes) if compiled is None else compiled
    if fits is None or fits >= share:
        return None
    if row.pad_batch:
        return fits
    group = group_size(row)
    sizes = whole_passes(share, group)
    # None of them: check_groups says so.
    return max((size for size in sizes if size <= fits), default=min(sizes, default=None))


def group_size(row: Row) -> int:
    """How many examples belong together in a pass: what shares statistics, or is clipped."""
    return row.clip_batch or row.norm_batch or 1  # norm_batch divides clip_batch


def check_groups(row: Row, stage: Stage, replicas: int, micro_batch: int | None) -> None:
    """UserError where a pass is not a whole number of the row's groups of examples."""
    if stage.batch_size % replicas:
        return  # The loop says so.
    share = stage.batch_size // replicas
    size, group = share if micro_batch is None else micro_batch, group_size(row)
    if size % group == 0:
        return
    field = "clip_batch" if row.clip_batch else "norm_batch"
    nearest = min(whole_passes(share, group), key=lambda n: abs(n - size), default=None)
    cure = (
        f"use --micro_batch={nearest}"
        if nearest
        else f"use other --num_devices, or --set {field} to what divides {share}"
    )
    raise UserError(
        f"{row.name}: {field}={group} does not divide the {size} examples that a device takes in "
        f"one pass; {cure}"
    )


def passes(row: Row, stage: Stage, replicas: int, micro_batch: int | None) -> str | None:
    """What to tell the user of a batch that is taken in several passes; None if it is in one."""
    plan = BatchPlan.make(stage.batch_size, replicas, micro_batch, pad=True)
    if plan.accumulation == 1:
        return None
    return (
        f"a batch of {stage.batch_size:,} is {plan.accumulation:,} passes of {micro_batch:,} on "
        f"{'each of ' if replicas > 1 else ''}{replicas} device{'s'[: replicas > 1]}, their "
        "gradients summed before one update"
    )


def shortage(row: Row, stage: Stage, memory_bytes: int) -> str | None:
    """What to tell the user of a device on which not even one example is estimated to fit."""
    needs = _needs(row, stage)
    if needs is None or needs.example <= memory_bytes - needs.fixed:
        return None
    gib = 2**30
    return (
        f"one example of {row.model} in a pass takes about {needs.example / gib:.1f} GiB beside "
        f"{needs.fixed / gib:.1f} GiB of weights, gradients and slots, and a device has "
        f"{memory_bytes / gib:.1f} GiB for it"
    )


class _Needs(NamedTuple):
    """Bytes."""

    fixed: float  # weights, gradients, their sums and slots
    example: float  # of a pass


def _needs(row: Row, stage: Stage) -> _Needs | None:
    """None where the model's cost is not known: the small ones of the smoke scale."""
    try:
        cost = example_cost.cost(row, stage)
    except UserError:
        return None
    return _Needs(WEIGHT_COPIES * 4 * cost.parameters, cost.kept_bytes)


def _estimate(row: Row, stage: Stage, memory_bytes: int) -> int | None:
    """About a third of what TPU v3's compiler finds room for, which reuses memory and computes
    again what it does not keep (docs/tpu_compile.md); TensorFlow's own kernels do neither."""
    needs = _needs(row, stage)
    if needs is None:
        return None
    return max(1, int(USABLE * (memory_bytes - needs.fixed) / needs.example))


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
    return min(tpu.memory for tpu in GENERATIONS.values())  # of a core


def _gpu_memory() -> int:
    """The first GPU's, from the driver; 16 GiB where it does not say."""
    import subprocess

    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits", "-i", "0"]
    try:
        output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
        return int(output.stdout.split()[0]) * 2**20
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return 16 * 2**30
