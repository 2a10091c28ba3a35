import numpy as np
import pytest
import tensorflow as tf

from largebatch.models.gelu_approximation import gelu

X = np.concatenate([np.linspace(-12, 12, 2001), [-1e4, 1e4, 0]]).astype(np.float32)


def google_gelu(x):
    return x * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def test_it_is_googles_formula():
    np.testing.assert_allclose(gelu(tf.constant(X)), google_gelu(X.astype(np.float64)), atol=2e-6)


@pytest.mark.parametrize("xla", [False, True])
def test_its_gradient_is_that_of_tensorflows_gelu(xla):
    x = tf.constant(X[np.abs(X) < 20])

    def gradient(function, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x, tf.sin(x))

    ours = tf.function(lambda: gradient(gelu, x), jit_compile=xla)()
    # In float64: in float32 TensorFlow's own loses digits where 1 + tanh does.
    theirs = gradient(lambda x: tf.nn.gelu(x, approximate=True), tf.cast(x, tf.float64))
    np.testing.assert_allclose(ours, theirs, atol=5e-6)


def test_far_from_zero_value_and_gradient_stay_finite():
    x = tf.constant([-1e4, -50.0, 50.0, 1e4])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = gelu(x)
    np.testing.assert_array_equal(y, [0, 0, 50, 1e4])
    np.testing.assert_array_equal(tape.gradient(y, x), [0, 0, 1, 1])


def test_bfloat16_stays_bfloat16():
    assert gelu(tf.ones(3, tf.bfloat16)).dtype == tf.bfloat16
