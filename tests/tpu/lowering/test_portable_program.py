"""Functions of tensors and variables, lowered to pure programs with names."""

import pytest
import tensorflow as tf
from tensorflow.compiler.xla.service import hlo_pb2

from largebatch.tpu.lowering import portable_client
from largebatch.tpu.lowering.conversion import ConversionEnvironment
from largebatch.tpu.lowering.lowering import NotLowered
from largebatch.tpu.lowering.portable_program import Value, portable_program, with_precision

SCALAR = tf.TensorSpec([], tf.float32)


def test_inputs_and_outputs_have_names_and_written_variables_are_among_them():
    read, written = tf.Variable([1.0, 2.0]), tf.Variable(3, dtype=tf.int64)

    def step(x):
        written.assign_add(1)
        return {"y": x * tf.reduce_sum(read)}

    program = portable_program(step, {"x": SCALAR}, {"w": read, "count": written})
    assert program.inputs[0] == Value("x", (), "float32")
    assert set(program.inputs[1:]) == {Value("w", (2,), "float32"), Value("count", (), "int64")}
    assert [value.name for value in program.outputs] == ["y", "w", "count"]
    shape = hlo_pb2.HloModuleProto.FromString(program.hlo).host_program_shape
    assert [tuple(part.dimensions) for part in shape.result.tuple_shapes] == [(), (2,), ()]


def test_a_program_that_writes_nothing_returns_its_results_alone():
    weight = tf.Variable(2.0)
    program = portable_program(
        lambda x: {"y": x * weight}, {"x": SCALAR}, {"w": weight}, writes=False
    )
    assert program.outputs == [Value("y", (), "float32")]


def test_a_captured_tensor_that_has_no_name_is_an_error():
    weight = tf.Variable(2.0)
    with pytest.raises(ValueError, match="which its state does not name"):
        portable_program(lambda x: {"y": x * weight}, {"x": SCALAR}, {})


def test_an_operation_that_xla_lacks_is_an_error_that_names_it():
    def shuffled(x):
        return {"y": tf.random.experimental.stateless_shuffle(x, [1, 2])}

    with pytest.raises(NotLowered, match="StatelessShuffle"):
        portable_program(shuffled, {"x": tf.TensorSpec([4], tf.int32)}, {})


def test_the_precision_of_products_is_set_in_the_program():
    matrix = tf.TensorSpec([2, 2], tf.float32)
    program = portable_program(lambda x: {"y": x @ x}, {"x": matrix}, {})
    for name, wanted in (("default", [0, 0]), ("highest", [2, 2])):
        module = hlo_pb2.HloModuleProto.FromString(with_precision(program.hlo, name))
        (dot,) = (i for c in module.computations for i in c.instructions if i.opcode == "dot")
        assert list(dot.precision_config.operand_precision) == wanted


def test_a_missing_environment_is_an_error_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(ValueError, match="make pjrt-environment"):
        ConversionEnvironment(tmp_path)
    makefile = portable_client.__file__.replace("tpu/lowering/portable_client.py", "Makefile")
    with open(makefile, encoding="utf-8") as file:
        assert "\npjrt-environment:" in file.read()
