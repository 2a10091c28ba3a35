"""NumPy draws what TensorFlow and Keras draw, bit for bit."""

import numpy as np
import pytest
import tensorflow as tf

from largebatch.data.streams.updates import SHUFFLE_STREAM, permutation, stream_seed
from largebatch.experiments.export_program import draws, weights
from largebatch.models import bert_pretrainer, davidnet, lenet5, mnist_convnet
from largebatch.tpu.hosts.devices import seed_everything

MODELS = {
    "lenet5": lambda: lenet5((28, 28, 1), 10),
    "mnist_convnet": lambda: mnist_convnet((28, 28, 1), 10, width=0.25),
    "davidnet": lambda: davidnet((32, 32, 3), 10, width=8),
}


@pytest.mark.parametrize(
    ("count", "seed", "epoch"), [(2, 0, 0), (5, 3, 1), (1_437, 2**40 + 5, 700), (10_000, 7, 29)]
)
def test_the_order_of_an_epoch_is_the_pipelines(count, seed, epoch):
    place = tf.constant(SHUFFLE_STREAM + epoch, tf.int64)
    wanted = permutation(count, stream_seed(seed, place)).numpy()
    np.testing.assert_array_equal(draws.permutation(count, seed, epoch), wanted)


def test_a_set_of_one_image_has_one_order():
    assert draws.permutation(1, 0, 0).tolist() == [0]


def test_uniform_numbers_are_tensorflows():
    wanted = tf.random.stateless_uniform([3, 1_001], [123_456_789, 0], -0.37, 0.37)
    drawn = draws.uniform([3, 1_001], 123_456_789, -0.37, 0.37)
    np.testing.assert_array_equal(drawn, wanted.numpy())


@pytest.mark.parametrize("seed", [(0, 0), (7, 1 << 48 | 23), (123_456_789_012, 3 << 48), (-1, 5)])
def test_words_are_those_of_stateless_uniform(seed):
    theirs = tf.random.stateless_uniform([5, 2], seed, None, None, tf.int32, alg="philox")
    ours = draws.Stream(*seed).words(10).view(np.int32).reshape(5, 2)
    np.testing.assert_array_equal(ours, theirs.numpy())


def test_a_groups_place_may_lie_beyond_32_bits():
    far = draws.Stream(1).groups(np.array([1 << 40, 5], np.uint64))
    assert not np.array_equal(far[0], draws.Stream(1).groups(np.array([0], np.uint64))[0])
    np.testing.assert_array_equal(far[1], draws.Stream(1).words(24)[20:])


@pytest.mark.parametrize("name", MODELS)
def test_recipes_make_the_weights_of_any_seed(name):
    seed_everything(3, deterministic=False)
    model = MODELS[name]()
    start = {f"model/{v.name.removesuffix(':0')}": v.numpy() for v in model.variables}
    recipes = weights.recipes(model, start, seed=3)
    assert set(recipes) == set(start)
    seed_everything(11, deterministic=False)
    for variable, (made, recipe) in zip(MODELS[name]().variables, recipes.items()):
        assert made == f"model/{variable.name.removesuffix(':0')}"
        seeds = draws.initial_seeds(11, len(recipes))
        np.testing.assert_array_equal(
            draws.initial_value(recipe, seeds), variable.numpy(), err_msg=made
        )


def test_normal_weights_are_left_to_files():
    model = bert_pretrainer("bert_tiny", 64, max_positions=16)
    start = {f"model/{v.name.removesuffix(':0')}": v.numpy() for v in model.variables}
    recipes = weights.recipes(model, start, seed=0)
    assert recipes and all("constant" in recipe for recipe in recipes.values())


def test_a_recipe_that_fails_for_another_seed_is_dropped():
    recipes = {
        "a": {"shape": [2], "dtype": "float32", "constant": 0.0},
        "b": {"shape": [2], "dtype": "float32", "uniform": [-1.0, 1.0], "draw": 0},
    }
    seeds = draws.initial_seeds(5, 2)
    state = {"a": np.ones(2, np.float32), "b": draws.initial_value(recipes["b"], seeds)}
    assert list(weights.that_hold(recipes, state, seed=5)) == ["b"]
