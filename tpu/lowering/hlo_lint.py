"""What a TPU cannot run, or only slowly, found in a lowered step without a TPU.

A CPU's own compiler accepts all of it: a shape that depends on values (`tf.where`, `tf.unique`,
`tf.boolean_mask`), 64-bit floating point, and a step that calls the host.
"""

from __future__ import annotations

from typing import NamedTuple

from tensorflow.compiler.xla import xla_data_pb2
from tensorflow.compiler.xla.service import hlo_pb2

DYNAMIC = "a dimension that depends on values"
DOUBLE = "64-bit floating point"
HOST = "a call outside the program"

_DOUBLES = (xla_data_pb2.F64, xla_data_pb2.C128)
_OUTSIDE = ("custom-call", "infeed", "outfeed", "send", "send-done", "recv", "recv-done")


class Finding(NamedTuple):
    """An operation that does not belong on a TPU."""

    kind: str  # DYNAMIC, DOUBLE or HOST
    opcode: str  # of HLO; a custom call's with its target
    origin: str  # TensorFlow's operation, with its scopes: where in the model

    def __str__(self) -> str:
        return f"{self.kind}: {self.opcode} of {self.origin or 'the compiler'}"


def findings(hlo: bytes) -> list[Finding]:
    """Lints a serialized HloModuleProto; each kind is reported once for a TensorFlow operation.

    64-bit whole numbers are no finding: counters and seeds are such, and a TPU computes with them
    in two halves.
    """
    module = hlo_pb2.HloModuleProto.FromString(hlo)
    found = {}
    for computation in module.computations:
        for instruction in computation.instructions:
            for kind in _kinds(instruction):
                origin = instruction.metadata.op_name
                found.setdefault((kind, origin), Finding(kind, _opcode(instruction), origin))
    return list(found.values())


def _kinds(instruction):
    shapes = list(_leaves(instruction.shape))
    if any(any(shape.is_dynamic_dimension) for shape in shapes):
        yield DYNAMIC
    if any(shape.element_type in _DOUBLES for shape in shapes):
        yield DOUBLE
    if instruction.opcode in _OUTSIDE:
        yield HOST


def _leaves(shape):
    if shape.element_type == xla_data_pb2.TUPLE:
        for part in shape.tuple_shapes:
            yield from _leaves(part)
    else:
        yield shape


def _opcode(instruction) -> str:
    if instruction.opcode == "custom-call":
        return f"custom-call {instruction.custom_call_target}"
    return instruction.opcode
