"""A function of tensors and variables as a pure program in HLO, with names for all that it takes
and gives.

XLA's own lowering numbers what goes in and out: tensors first, then the variables in the order in
which they were captured; out come the results, then the variables that were written. Here both
have names, and a variable's new value is a result like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import tensorflow as tf
from tensorflow.compiler.xla.service import hlo_pb2

from largebatch.tpu.lowering.lowering import NotLowered

PRECISIONS = {"default": 0, "highest": 2}  # of HLO's PrecisionConfig
# Operations that run on one kind of device alone.
_NOT_PORTABLE = ("custom-call", "infeed", "outfeed", "send", "recv", "rng")


class Value(NamedTuple):
    """What goes into a program or comes out of it."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class PortableProgram(NamedTuple):
    """HLO and its signature. A name that is among the inputs and the outputs is state."""

    hlo: bytes
    inputs: list[Value]
    outputs: list[Value]


def portable_program(
    function: Callable[..., Mapping[str, tf.Tensor]],
    arguments: Mapping[str, tf.TensorSpec],
    state: Mapping[str, tf.Variable],
    writes: bool = True,
) -> PortableProgram:
    """Lowers `function`, which is given the `arguments` by name, on the CPU.

    Args:
      function: Returns named tensors.
      arguments: What it takes beside the variables.
      state: All variables that it may read or write, by the names that they get.
      writes: With the new value of all of `state` among the outputs.

    Raises:
      NotLowered: XLA does not know an operation, or one is not portable.
      ValueError: The function captures something that `state` does not name.
    """
    names: list[str] = []

    def flat(*tensors):
        results = function(**dict(zip(arguments, tensors)))
        if writes:
            results = {**results, **{name: v.read_value() for name, v in state.items()}}
        names[:] = results
        # XLA returns a tuple where there are two: the last one is left out again.
        return [*results.values(), tf.constant(0)]

    compiled = tf.function(flat, jit_compile=True, autograph=False)
    specs = list(arguments.values())
    concrete = compiled.get_concrete_function(*specs)
    try:
        hlo = compiled.experimental_get_compiler_ir(*specs)(stage="hlo_serialized")
    except (ValueError, tf.errors.OpError) as error:
        raise NotLowered(str(error)) from error
    captured = _captured_names(concrete, state)
    inputs = [_value(name, spec) for name, spec in arguments.items()]
    inputs += [_value(name, state[name]) for name in captured]
    outputs = [_value(name, spec) for name, spec in zip(names, concrete.structured_outputs)]
    return PortableProgram(_pure(hlo, inputs, outputs), inputs, outputs)


def with_precision(hlo: bytes, precision: str) -> bytes:
    """The same program with this precision of every product of matrices and convolution."""
    module = hlo_pb2.HloModuleProto.FromString(hlo)
    for computation in module.computations:
        for instruction in computation.instructions:
            if instruction.opcode in ("dot", "convolution"):
                del instruction.precision_config.operand_precision[:]
                instruction.precision_config.operand_precision.extend([PRECISIONS[precision]] * 2)
    return module.SerializeToString()


def _captured_names(concrete, state: Mapping[str, tf.Variable]) -> list[str]:
    by_handle = {id(variable.handle): name for name, variable in state.items()}
    unknown = [c for c in concrete.captured_inputs if id(c) not in by_handle]
    if unknown:
        raise ValueError(f"the program captures {unknown[0]!r}, which its state does not name")
    return [by_handle[id(c)] for c in concrete.captured_inputs]


def _value(name: str, spec) -> Value:
    return Value(name, tuple(spec.shape.as_list()), spec.dtype.base_dtype.name)


def _pure(hlo: bytes, inputs: list[Value], outputs: list[Value]) -> bytes:
    """Checks the signature, and leaves out what XLA adds behind the named results."""
    module = hlo_pb2.HloModuleProto.FromString(hlo)
    shape = module.host_program_shape
    found = [tuple(parameter.dimensions) for parameter in shape.parameters]
    if found != [value.shape for value in inputs]:
        raise NotLowered(f"XLA takes {found}, wanted {[value.shape for value in inputs]}")
    module.ClearField("input_output_alias")
    entry = next(c for c in module.computations if c.id == module.entry_computation_id)
    root = next(i for i in entry.instructions if i.id == entry.root_id)
    count = len(outputs)
    if root.opcode != "tuple" or len(root.operand_ids) < count:
        raise NotLowered(f"XLA returns a {root.opcode} of {len(root.operand_ids)}, wanted {count}")
    del root.operand_ids[count:]
    for result in (root.shape, entry.program_shape.result, shape.result):
        del result.tuple_shapes[count:]
    if [tuple(part.dimensions) for part in root.shape.tuple_shapes] != [v.shape for v in outputs]:
        raise NotLowered("XLA returns other shapes than the function")
    for computation in module.computations:
        for instruction in computation.instructions:
            if instruction.opcode in _NOT_PORTABLE:
                raise NotLowered(f"the operation {instruction.opcode} runs on one kind of device")
    return module.SerializeToString()
