import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import mnist_convnet, stateless_dropout


def seeds(count, seed=0):
    return tf.random.stateless_uniform([count, 2], (seed, 0), None, None, tf.int32)


def narrow(**settings):
    tf.keras.utils.set_random_seed(0)
    return mnist_convnet((8, 8, 1), 10, width=0.25, **settings)


@pytest.fixture
def batch():
    images = np.random.RandomState(0).normal(size=(4, 8, 8, 1)).astype(np.float32)
    return {"image": tf.constant(images), "dropout_seed": seeds(4)}


def test_it_has_as_many_parameters_as_the_network_that_was_run():
    # (5*5*1 + 1) 32 + (5*5*32 + 1) 64 + (7*7*64 + 1) 1024 + (1024 + 1) 10
    model = mnist_convnet((28, 28, 1), 10)
    assert model.count_params() == 832 + 51_264 + 3_212_288 + 10_250 == 3_274_634
    assert [v.name for v in model.trainable_variables] == [
        *("conv1/conv/kernel:0", "conv1/conv/bias:0", "conv2/conv/kernel:0", "conv2/conv/bias:0"),
        *("dense1/linear/kernel:0", "dense1/linear/bias:0", "logits/kernel:0", "logits/bias:0"),
    ]


def test_kernels_start_glorot_uniform_and_biases_at_zero():
    for variable in mnist_convnet((28, 28, 1), 10).trainable_variables:
        if "bias" in variable.name:
            assert not variable.numpy().any()
            continue
        *window, inputs, outputs = variable.shape
        limit = np.sqrt(6 / (np.prod(window) * (inputs + outputs)))
        largest = np.abs(variable).max()
        assert 0.95 * limit < largest <= limit * (1 + 1e-6), variable.name


def test_dropout_is_of_the_rate_given_and_four_in_ten_by_default(batch):
    def dropped(model):
        hidden = tf.keras.Model(model.input, model.get_layer("dense1/dropout").output)
        images = tf.repeat(batch["image"], 50, axis=0)
        with stateless_dropout.seeded(seeds(200), 1):
            kept = hidden(images, training=True).numpy()
        return (kept[hidden(images, training=False) > 0] == 0).mean()

    assert dropped(narrow()) == pytest.approx(0.4, abs=0.02)
    assert dropped(narrow(dropout=0.75)) == pytest.approx(0.75, abs=0.02)


def test_dropout_is_a_function_of_the_seed(batch):
    model = narrow()
    first, again = (model(batch, training=True).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = model({**batch, "dropout_seed": seeds(4, seed=1)}, training=True).numpy()
    assert (first != other).any(axis=-1).all()


def test_training_without_a_seed_is_an_error_but_for_a_model_that_drops_nothing(batch):
    with pytest.raises(ValueError, match="mnist_convnet with dropout needs 'dropout_seed'"):
        narrow()(batch["image"], training=True)
    narrow(dropout=0.0)(batch["image"], training=True)


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="width is 0"):
        mnist_convnet((28, 28, 1), 10, width=0)
    with pytest.raises(ValueError, match="dropout rate is 1"):
        mnist_convnet((28, 28, 1), 10, dropout=1)
    with pytest.raises(ValueError, match=r"\(4, 8, 1\) is below 8 x 8"):
        mnist_convnet((4, 8, 1), 10)
