import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import lstm_classifier


def images(count=6, shape=(28, 28, 1)):
    draw = np.random.default_rng(0)
    return draw.normal(size=(count, *shape)).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_the_parameters_are_those_of_legw():
    shapes = {v.name: tuple(v.shape) for v in lstm_classifier((28, 28, 1), 10).variables}
    assert shapes == {
        "transform/kernel:0": (28, 128),
        "transform/bias:0": (128,),
        "lstm/cell/kernel:0": (128, 512),
        "lstm/cell/recurrent_kernel:0": (128, 512),
        "lstm/cell/bias:0": (512,),
        "logits/kernel:0": (128, 10),
        "logits/bias:0": (10,),
    }
    assert sum(np.prod(shape) for shape in shapes.values()) == 136_586


def test_it_reads_the_rows_from_top_to_bottom():
    model, x = lstm_classifier((5, 4, 2), 3, width=6), images(2, (5, 4, 2))
    transform, shift, kernel, recurrent, bias, head, offset = model.get_weights()
    hidden = cell = np.zeros((2, 6))
    for row in range(5):
        step = x[:, row].reshape(2, 8) @ transform + shift
        take, forget, new, give = np.split(step @ kernel + hidden @ recurrent + bias, 4, axis=1)
        cell = sigmoid(forget) * cell + sigmoid(take) * np.tanh(new)
        hidden = sigmoid(give) * np.tanh(cell)
    np.testing.assert_allclose(model(x), hidden @ head + offset, rtol=1e-4, atol=1e-5)


def test_variables_have_the_same_paths_each_time_a_model_is_built():
    first, second = lstm_classifier((8, 8, 1), 10, 4), lstm_classifier((8, 8, 1), 10, 4)
    assert [v.name for v in first.variables] == [v.name for v in second.variables]


def test_steps_lower_the_loss_and_give_the_same_bits_again():
    tf.keras.utils.set_random_seed(3)
    model = lstm_classifier((8, 8, 1), 10, width=16)
    optimizer = tf.keras.optimizers.SGD(0.1, momentum=0.9)
    optimizer.build(model.trainable_variables)
    start = [(v, v.numpy()) for v in (*model.variables, *optimizer.variables)]
    x, labels = tf.constant(images(20, (8, 8, 1))), tf.constant(np.arange(20) % 10)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(x, training=True))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    losses, weights = [float(step()) for _ in range(30)], model.get_weights()
    for variable, value in start:
        variable.assign(value)
    again = [float(step()) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]
    assert losses == again
    for one, other in zip(weights, model.get_weights()):
        np.testing.assert_array_equal(one, other)


def test_it_lowers_to_xla_in_fixed_shapes():
    model = lstm_classifier((28, 28, 1), 10, width=4)

    @tf.function(jit_compile=True)
    def gradients(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(x, training=True))
        return tape.gradient(loss, model.trainable_variables)

    hlo = gradients.experimental_get_compiler_ir(tf.TensorSpec((2, 28, 28, 1)))(stage="hlo")
    assert "f64[" not in hlo and "<=" not in hlo  # "f32[<=2]" is a dynamic dimension


def test_under_mixed_bfloat16_the_recurrence_is_float32():
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = lstm_classifier((28, 28, 1), 10, width=4)
    assert {variable.dtype for variable in model.variables} == {tf.float32}
    assert model.get_layer("lstm").compute_dtype == "float32"
    logits = model(tf.cast(images(), tf.bfloat16), training=True)
    assert logits.dtype == tf.float32 and logits.shape == (6, 10)


def test_a_wrong_width_is_named():
    with pytest.raises(ValueError, match="width is 0"):
        lstm_classifier((28, 28, 1), 10, width=0)
