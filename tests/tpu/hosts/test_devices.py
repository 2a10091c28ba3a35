import pytest
import tensorflow as tf

from largebatch.tpu.hosts import devices


def test_one_cpu_device_needs_no_mirroring_and_several_are_mirrored():
    assert devices.configure_devices("cpu").num_replicas_in_sync == 1
    assert devices.configure_devices("cpu", 2).num_replicas_in_sync == 2
    assert devices.configure_devices("cpu", 4).num_replicas_in_sync == 4


def test_auto_takes_the_cpu_where_there_is_nothing_else():
    strategy = devices.configure_devices("auto")
    assert "CPU" in strategy.extended.worker_devices[0].upper()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("abacus",), "--device=abacus is not one of auto, tpu, gpu, cpu"),
        (("cpu", 0), "--num_devices=0"),
        (("gpu", 3), "3 wanted, 0 found"),
    ],
)
def test_a_device_that_is_not_there_is_an_error_that_says_what_is(arguments, message):
    with pytest.raises(ValueError, match=message):
        devices.configure_devices(*arguments)


def test_bfloat16_computes_in_bfloat16_and_keeps_weights_in_float32():
    try:
        devices.configure_precision("bfloat16")
        layer = tf.keras.layers.Dense(3)
        assert layer(tf.zeros((2, 2))).dtype == tf.bfloat16
        assert layer.kernel.dtype == tf.float32
    finally:
        devices.configure_precision("float32")


def test_an_unknown_precision_names_the_known_ones():
    with pytest.raises(ValueError, match="precision=float16 is not one of float32, bfloat16"):
        devices.configure_precision("float16")


def test_no_threads_is_an_error():
    with pytest.raises(ValueError, match="--threads=0"):
        devices.configure_threads(0)
