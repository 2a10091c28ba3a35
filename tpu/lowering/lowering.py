"""One replica's programs as XLA sees them: the loop's own functions, lowered on the CPU.

Nothing is executed and no data are read: the shapes of a batch are those of the task's dataset.
What comes out is the HLO that a TPU's compiler would get for a core, but for the generator behind
random numbers (lowered on a CPU it is Philox; a TPU takes its own, which is cheaper).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
from tensorflow.compiler.xla.service import hlo_pb2

from largebatch.tpu.hosts.devices import configure_devices
from largebatch.tpu.loop.batch_plan import BatchPlan
from largebatch.tpu.loop.task import Task
from largebatch.tpu.loop.train_loop import TrainLoop

# The whole update; or, where gradients are summed over micro-batches, one of them, and the rest.
PROGRAMS = ("update", "accumulate", "apply")


class NotLowered(Exception):
    """XLA has no program for the step; the message names the operation and where it is."""


class Lowered(NamedTuple):
    hlo: bytes  # an HloModuleProto, before any optimisation
    parameters: int  # trained ones
    # Of weights, slots and sums of gradients: on the device whichever program runs.
    resident_bytes: int


def compile_nothing(optimizer: tf.keras.optimizers.Optimizer) -> None:
    """For a program that is compiled whole, and not for this machine: an optimizer that compiles
    its update may arrange it for the processor that it is on."""
    if optimizer.jit_compile:
        optimizer.jit_compile = False


def lower(
    task: Task,
    make_optimizer: Callable[[], tf.keras.optimizers.Optimizer],
    *,
    micro_batch: int,
    stage: int = 0,
    program: str = "update",
    clip_norm: float | None = None,
    clip_batch: int | None = None,
    replicated: bool = False,
) -> Lowered:
    """Lowers a program of a task's step, under the precision policy that is set.

    Args:
      task: Its stage's batch must be `micro_batch`, or, but for `update`, a multiple of it.
      make_optimizer: As for `fit`.
      micro_batch: Examples of one pass.
      stage: Which of the task's.
      program: One of PROGRAMS.
      clip_norm: As for `fit`.
      clip_batch: As for `fit`.
      replicated: With the sum over replicas in it, however many it will be compiled for.

    Raises:
      ValueError: An unknown program.
      NotLowered: XLA does not know an operation of the step.
    """
    if program not in PROGRAMS:
        raise ValueError(f"program={program} is not one of {', '.join(PROGRAMS)}")
    strategy = configure_devices("cpu", 1)
    with strategy.scope():
        step = tf.Variable(0, dtype=tf.int64, trainable=False)
        model = task.build_model()
        optimizer = make_optimizer()
        compile_nothing(optimizer)
        optimizer.build(model.trainable_variables)
    loop = TrainLoop(
        *(task, model, optimizer, strategy, step, clip_norm, clip_batch), all_reduce=_all_reduce
    )
    passes, replicas = 1 if program == "update" else 2, 2 if replicated else 1
    plan = BatchPlan(replicas * passes * micro_batch, replicas, micro_batch, passes)
    replica_program = loop.programs(plan)[program]
    specs = {}
    if program != "apply":
        context = tf.distribute.InputContext(1, 0, 1)
        specs = task.train_dataset(stage, context, micro_batch, 0).element_spec

    # XLA's lowering takes tensors one by one, not a dictionary of them.
    def compiled(*tensors):
        batch = (dict(zip(specs, tensors)),) if specs else ()
        return strategy.run(replica_program, args=batch)

    function = tf.function(compiled, jit_compile=True, autograph=False)
    function.get_concrete_function(*specs.values())  # what Python says is wrong is said here
    try:
        hlo = function.experimental_get_compiler_ir(*specs.values())(stage="hlo_serialized")
    except (ValueError, tf.errors.OpError) as error:
        raise NotLowered(str(error)) from error
    resident = {v.ref(): v for v in (*model.variables, *optimizer.variables, *loop.sums)}.values()
    return Lowered(
        hlo,
        sum(v.shape.num_elements() for v in model.trainable_variables),
        sum(v.shape.num_elements() * v.dtype.size for v in resident),
    )


def _all_reduce(tensors: list[tf.Tensor]) -> list[tf.Tensor]:
    """A sum over all replicas there are, as XLA writes it; one device has no other to ask."""
    one_group = {"group_size": 2, "group_key": 1, "ordering_token": []}
    return [
        tf.raw_ops.CollectiveReduceV2(
            input=tensor, instance_key=number, merge_op="Add", final_op="Id", **one_group
        )
        for number, tensor in enumerate(tensors, start=1)
    ]


def for_conversion(hlo: bytes) -> bytes:
    """The same program as the conversion to StableHLO takes it, and without its metadata."""
    module = hlo_pb2.HloModuleProto.FromString(hlo)
    for computation in module.computations:
        for instruction in computation.instructions:
            # The conversion knows no copy; a reshape to the same shape is one.
            if instruction.opcode == "copy":
                instruction.opcode = "reshape"
            # With a channel it is a sum over the partitions of a program, too: there is one.
            if instruction.opcode == "all-reduce":
                instruction.ClearField("channel_id")
            instruction.ClearField("metadata")
    return module.SerializeToString()
