"""The time of one update, of a stage and of a run, and the fit of its three constants.

    step = flops / (utilisation x peak)                      compute: grows with the batch of a chip
         + passes x weights / bandwidth of the memory        update: the same at every batch
         + alpha x span x tensors                            all-reduce, its latency
         + 2 (P - 1) / P x gradients / bandwidth of links    all-reduce, its transfer

Gradients and weights are float32 (the lecture: 'gradient summation in 32 bits'); on a chip of two
cores each core updates its own copy. Fitted are utilisation, passes and alpha; all else is public.
Nothing is overlapped: what a real run hides lowers the fitted constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from largebatch.experiments.costs import all_reduce as communication
from largebatch.experiments.costs import chips as chip_data
from largebatch.experiments.costs import example_cost
from largebatch.experiments.costs import micro_batch as memory
from largebatch.experiments.costs.chips import Chip
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.row import Row, Stage
from largebatch.experiments.tables import registry
from largebatch.tpu.loop.batch_plan import BatchPlan, share_of, whole_passes

FLOAT32 = 4
PAPER_CHIP = "tpu-v3"  # section 4: 'We use TPUv3 in all the experiments'
# Both ends, one between, and the only row with another batch a chip: without it, nothing in Table 1
# tells compute from what a step costs at any batch.
FITTED = tuple(f"table1/lamb-{batch}" for batch in ("512", "2048", "32768", "65536-32768"))
WEAK_SCALING = tuple(f"table1/lamb-{512 * 2**k}" for k in range(7))  # 32 sequences a chip
HELD_OUT = tuple(name for name in WEAK_SCALING if name not in FITTED)


class Machine(NamedTuple):
    chip: Chip
    chips: int
    topology: str


class Constants(NamedTuple):
    """What is fitted, or set by the user."""

    utilisation: float  # of the peak
    passes: float  # over the weights, at the memory's bandwidth
    latency: float  # seconds, of one message of one tensor


class Step(NamedTuple):
    """Seconds of one update."""

    compute: float
    update: float
    latency: float
    transfer: float

    @property
    def all_reduce(self) -> float:
        return self.latency + self.transfer

    @property
    def seconds(self) -> float:
        return sum(self)


class Memory(NamedTuple):
    micro_batch: int  # sequences or images of one device in one pass
    accumulation: int  # passes an update
    used: float  # bytes of a chip


def machine(kind: str, count: int, topology: str | None = None) -> Machine:
    """So many chips of a kind, wired as they are or by `topology`; ValueError if there are none."""
    chip = chip_data.find(kind)
    if count < 1:
        raise UserError(f"{count} chips: want at least 1")
    if chip.pod is not None and count > chip.pod:
        raise UserError(f"{count} chips: a pod of {kind} has {chip.pod}")
    if chip.node is not None and count > chip.node and count % chip.node:
        raise UserError(f"{count} chips: {kind} comes in nodes of {chip.node}; want a multiple")
    return Machine(chip, count, chip.topology if topology is None else topology)


def step(row: Row, stage: Stage, where: Machine, constants: Constants) -> Step:
    """The predicted time of one update of a stage."""
    chip, cost = where.chip, example_cost.cost(row, stage)
    flops = example_cost.TRAINING * cost.forward_flops * stage.batch_size / where.chips
    size = FLOAT32 * cost.parameters
    span, transfer = _all_reduce(where, size)
    latency = constants.latency if chip.latency is None else chip.latency
    return Step(
        flops / (constants.utilisation * chip.peak),
        constants.passes * size * chip.cores / chip.memory_bandwidth,
        latency * span * cost.tensors,
        transfer,
    )


def _all_reduce(where: Machine, size: float) -> tuple[float, float]:
    """(span, seconds of transfer); over nodes: within each first, then each chip its part."""
    chip, count, topology = where.chip, where.chips, where.topology
    if chip.node is None or count <= chip.node:
        span = communication.span(topology, count, chip.dimensions, chip.pod)
        return span, communication.transfer_seconds(
            topology, count, size, chip.link_bandwidth, chip.dimensions
        )
    inner, nodes = chip.node, count // chip.node
    span = communication.span(topology, inner, 1) + communication.span(topology, nodes, 1)
    within = communication.transfer_seconds(topology, inner, size, chip.link_bandwidth, 1)
    between = communication.transfer_seconds(
        topology, nodes, size / inner, chip.network_bandwidth, 1
    )
    return span, within + between


def run_seconds(row: Row, where: Machine, constants: Constants) -> float:
    return sum(stage.steps * step(row, stage, where, constants).seconds for stage in row.stages)


def memory_of(row: Row, stage: Stage, where: Machine) -> Memory:
    """The largest micro-batch that is estimated to fit, as a run on that machine would choose it.

    Raises:
      ValueError: the devices do not divide the stage's batch.
    """
    chip, cost = where.chip, example_cost.cost(row, stage)
    devices = where.chips * chip.cores
    if stage.batch_size % devices:
        cores = f" x {chip.cores} cores" if chip.cores > 1 else ""
        raise UserError(
            f"{row.name}: a batch of {stage.batch_size} does not divide over {where.chips} "
            f"chips{cores}; change --chips or --set batch_size=..."
        )
    weights = memory.WEIGHT_COPIES * FLOAT32 * cost.parameters
    if weights > chip.memory / chip.cores:
        raise UserError(
            f"{row.name}: weights, gradients and slots alone take {weights / 1e9:.0f} GB and one "
            f"device of {chip.name} has {chip.memory / chip.cores / 1e9:.0f} GB"
        )
    if row.task == "pretraining":
        micro = memory.automatic_micro_batch(row, stage, devices, chip.memory // chip.cores)
    else:
        fits = max(1, memory.USABLE * (chip.memory / chip.cores - weights) / cost.kept_bytes)
        sizes = whole_passes(share_of(stage.batch_size, devices))
        micro = max(size for size in sizes if size <= fits)
    plan = BatchPlan.make(stage.batch_size, devices, micro)
    used = chip.cores * (weights + plan.micro_batch * cost.kept_bytes)
    return Memory(plan.micro_batch, plan.accumulation, used)


def printed_seconds(row: Row) -> float:
    """'82.8h' or '76.19m', as Table 1 prints it."""
    return float(row.paper_time[:-1]) * {"h": 3600, "m": 60}[row.paper_time[-1]]


def paper_machine(row: Row, topology: str | None = None) -> Machine:
    return machine(PAPER_CHIP, row.paper_chips, topology)


def fit(
    names: Sequence[str] = FITTED, topology: str | None = None, with_passes: bool = True
) -> Constants:
    """The constants that minimise the sum of squared relative errors of the rows' printed times.

    The time is linear in 1 / utilisation, passes and alpha: one linear least-squares problem.
    `with_passes=False` leaves out what a step costs at any batch.
    """
    import numpy as np

    unit = Constants(1.0, 1.0, 1.0)
    columns, wanted = [], []
    for name in names:
        row = registry.find(name)
        seconds = printed_seconds(row)
        where = paper_machine(row, topology)
        parts = np.zeros(len(Step._fields))
        for stage in row.stages:
            parts += stage.steps * np.array(step(row, stage, where, unit))
        columns.append(parts[:3] / seconds)
        wanted.append(1 - parts[3] / seconds)
    matrix = np.array(columns)
    if not with_passes:
        matrix[:, 1] = 0
    inverse, passes, latency = np.linalg.lstsq(matrix, np.array(wanted), rcond=None)[0]
    return Constants(float(1 / inverse), float(passes), float(latency))


def error(row: Row, constants: Constants, topology: str | None = None) -> float:
    """predicted / printed - 1."""
    return run_seconds(row, paper_machine(row, topology), constants) / printed_seconds(row) - 1
