"""The lint finds what a TPU cannot run, in programs as small as can be, and in a loop's step."""

import pytest
import tensorflow as tf
from tensorflow.compiler.xla.service import hlo_pb2

from largebatch import optimizers
from largebatch.tpu.lowering.hlo_lint import DOUBLE, DYNAMIC, HOST, findings
from largebatch.tpu.lowering.lowering import PROGRAMS, for_conversion, lower

VALUES = tf.TensorSpec([6], tf.float32)


def lowered(function, spec=VALUES):
    compiled = tf.function(function, jit_compile=True)
    return compiled.experimental_get_compiler_ir(spec)(stage="hlo_serialized")


def kinds(function, spec=VALUES):
    return {finding.kind for finding in findings(lowered(function, spec))}


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.reduce_sum(tf.where(x > 0)),
        lambda x: tf.reduce_sum(tf.unique(x).y),
        lambda x: tf.reduce_sum(tf.boolean_mask(x, x > 0)),
    ],
    ids=["where", "unique", "boolean_mask"],
)
def test_a_shape_that_depends_on_values_is_found(function):
    assert kinds(function) == {DYNAMIC}


def test_a_cast_to_64_bit_floating_point_is_found_with_its_place():
    def step(x):
        with tf.name_scope("head"):
            return tf.cast(tf.cast(x, tf.float64) * 2, tf.float32)

    found = findings(lowered(step))
    assert {finding.kind for finding in found} == {DOUBLE}
    assert any("head/" in finding.origin for finding in found)
    assert kinds(lambda x: tf.cast(tf.cast(x, tf.complex128), tf.float32)) == {DOUBLE}


def test_a_choice_of_two_and_64_bit_whole_numbers_are_no_findings():
    assert not kinds(lambda x: tf.where(x > 0, x, 0.0))
    assert not kinds(lambda x: tf.cast(tf.cast(x, tf.int64) + 2**40, tf.float32))


def test_a_call_outside_the_program_is_found():
    module = hlo_pb2.HloModuleProto.FromString(lowered(lambda x: x + 1))
    call = module.computations[0].instructions.add()
    call.opcode, call.custom_call_target = "custom-call", "host_callback"
    (found,) = findings(module.SerializeToString())
    assert found.kind == HOST and "host_callback" in str(found)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_programs_of_the_loop_are_lowered_with_the_shapes_of_the_tasks_dataset(
    regression, program
):
    # 5 x 7 + 7 weights and 7 x 2 + 2: 58 in all, of float32.
    step = lower(
        regression(((24, 4),)),
        lambda: optimizers.create("lamb", 0.1),
        micro_batch=24 if program == "update" else 12,
        program=program,
        clip_norm=1.0,
    )
    assert findings(step.hlo) == []
    assert step.parameters == 58
    # Weights and two slots, and sums of gradients where there are some; and counters.
    copies = 3 if program == "update" else 4
    assert 0 <= step.resident_bytes - copies * 4 * 58 < 4 * 58
    shapes = {tuple(shape.dimensions) for shape in parameters(step.hlo)}
    wanted = {"update": (24, 5), "accumulate": (12, 5)}
    assert program == "apply" or wanted[program] in shapes


@pytest.mark.parametrize("program, sums", [("update", 6), ("accumulate", 0), ("apply", 6)])
def test_replicas_sum_each_gradient_the_loss_and_the_weight_once_in_an_update(
    regression, program, sums
):
    step = lower(
        regression(((24, 4),)),
        lambda: optimizers.create("lamb", 0.1),
        micro_batch=24 if program == "update" else 12,
        program=program,
        replicated=True,
    )
    assert findings(step.hlo) == []
    module = hlo_pb2.HloModuleProto.FromString(for_conversion(step.hlo))
    found = [i for c in module.computations for i in c.instructions if i.opcode == "all-reduce"]
    assert len(found) == sums
    shapes = sorted(tuple(one.shape.dimensions) for one in found)
    assert shapes == [(), (), (2,), (5, 7), (7,), (7, 2)][:sums]
    # Of all replicas, however many; and no channel, which would ask for partitions.
    assert not any(one.replica_groups or one.channel_id for one in found)


def parameters(hlo):
    return hlo_pb2.HloModuleProto.FromString(hlo).host_program_shape.parameters


def test_an_unknown_program_is_refused(regression):
    with pytest.raises(ValueError, match="program=step is not one of update"):
        lower(regression(), lambda: None, micro_batch=24, program="step")


def test_what_the_conversion_does_not_know_is_replaced():
    hlo = lowered(lambda x: tf.identity(x) * 2)
    assert b"copy" not in for_conversion(hlo) and findings(for_conversion(hlo)) == []
    assert len(for_conversion(hlo)) < len(hlo)
