import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import davidnet

# 3 x 3 kernels of 3 -> 64, 64 -> 128, 2 of 128 -> 128, 128 -> 256, 256 -> 512, 2 of 512 -> 512
CONVOLUTIONS = 9 * (3 * 64 + 64 * 128 + 2 * 128**2 + 128 * 256 + 256 * 512 + 2 * 512**2)
CHANNELS = 64 + 3 * 128 + 256 + 3 * 512  # each has an offset and a scale, and two moving averages
LINEAR = 512 * 10


@pytest.fixture
def policy():
    before = tf.keras.mixed_precision.global_policy()
    yield tf.keras.mixed_precision.set_global_policy
    tf.keras.mixed_precision.set_global_policy(before)


def test_the_parameters_are_dawnbenchs():
    model = davidnet((32, 32, 3), 10)
    trained = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    assert trained == CONVOLUTIONS + 2 * CHANNELS + LINEAR == 6_573_120
    assert model.count_params() == trained + 2 * CHANNELS
    assert not [variable.name for variable in model.variables if "bias" in variable.name]


def test_variables_have_the_same_unique_paths_each_time_a_model_is_built():
    first, second = davidnet((32, 32, 3), 10, width=2), davidnet((32, 32, 3), 10, width=2)
    names = [variable.name for variable in first.variables]
    assert names == [variable.name for variable in second.variables]
    assert len(set(names)) == len(names)
    for wanted in (
        "prep/conv/kernel:0",
        "prep/norm/gamma:0",
        "layer1/residual2/conv/kernel:0",
        "layer3/residual1/norm/beta:0",
        "head/linear/kernel:0",
    ):
        assert wanted in names


def oracle(weights, images):
    """The network in NumPy with batch statistics: `weights` by name, images [B, H, W, C]."""

    def layer(x, name):
        kernel = weights[f"{name}/conv/kernel:0"]  # [3, 3, in, out]
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        height, width = x.shape[1:3]
        y = sum(
            padded[:, row : row + height, column : column + width] @ kernel[row, column]
            for row in range(3)
            for column in range(3)
        )
        mean, variance = y.mean((0, 1, 2)), y.var((0, 1, 2))
        scale, offset = weights[f"{name}/norm/gamma:0"], weights[f"{name}/norm/beta:0"]
        return np.maximum((y - mean) / np.sqrt(variance + 1e-5) * scale + offset, 0)

    def pool(x):
        batch, height, width, channels = x.shape
        return x.reshape(batch, height // 2, 2, width // 2, 2, channels).max((2, 4))

    x = layer(images, "prep")
    for name, residual in (("layer1", True), ("layer2", False), ("layer3", True)):
        x = pool(layer(x, name))
        if residual:
            x = x + layer(layer(x, f"{name}/residual1"), f"{name}/residual2")
    return 0.125 * (x.max((1, 2)) @ weights["head/linear/kernel:0"])


def test_it_computes_what_its_docstring_says():
    tf.keras.utils.set_random_seed(0)
    model = davidnet((32, 32, 3), 10, width=4)
    random = np.random.RandomState(0)
    for variable in model.trainable_variables:
        if "norm" in variable.name:
            variable.assign(random.normal(1, 0.5, variable.shape))
    images = random.normal(size=(4, 32, 32, 3)).astype(np.float32)
    weights = {v.name: v.numpy().astype(np.float64) for v in model.trainable_variables}
    got = model(images, training=True)
    np.testing.assert_allclose(got, oracle(weights, images.astype(np.float64)), atol=1e-4)


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 1), (33, 40, 4)])
def test_other_image_shapes_are_taken(shape):
    logits = davidnet(shape, 5, width=2)(np.ones((3, *shape), np.float32))
    assert logits.shape == (3, 5) and np.isfinite(logits).all()


def test_kernels_start_uniform_within_one_over_the_root_of_the_fan_in():
    tf.keras.utils.set_random_seed(0)
    model = davidnet((32, 32, 3), 10, width=32)
    kernel = model.get_layer("layer3/conv").kernel.numpy()
    limit = 1 / np.sqrt(9 * 128)
    assert np.abs(kernel).max() <= limit
    np.testing.assert_allclose(kernel.std(), limit / np.sqrt(3), rtol=0.01)


def test_the_global_seed_fixes_the_weights():
    models = []
    for seed in (1, 1, 2):
        tf.keras.utils.set_random_seed(seed)
        models.append(davidnet((32, 32, 3), 10, width=2).get_weights())
    same, also_same, other = models
    assert all(np.array_equal(a, b) for a, b in zip(same, also_same))
    assert not np.array_equal(same[0], other[0])


def test_under_mixed_bfloat16_statistics_weights_and_logits_are_float32(policy):
    policy("mixed_bfloat16")
    model = davidnet((32, 32, 3), 10, width=4)
    assert {variable.dtype for variable in model.variables} == {tf.float32}
    assert model.get_layer("layer1/conv").compute_dtype == "bfloat16"
    # The mean is 1 + 2^-12: a mean in bfloat16, which has 8 bits, would lose the fraction.
    norm = model.get_layer("prep/norm")
    values = np.ones((64, 32, 32, 4), np.float32)
    values.reshape(-1, 4)[::32] += 1 / 128  # exact in bfloat16
    norm(tf.constant(values), training=True)
    got = norm.moving_mean.numpy() / (1 - norm.momentum)
    np.testing.assert_allclose(got, 1 + 1 / 4096, rtol=1e-5)
    logits = model(values[:2, :, :, :3], training=True)
    assert logits.dtype == tf.float32


def test_bfloat16_stays_near_float32(policy):
    images = np.random.RandomState(0).normal(size=(16, 32, 32, 3)).astype(np.float32)
    models = []
    for name in ("float32", "mixed_bfloat16"):
        policy(name)
        tf.keras.utils.set_random_seed(0)
        models.append(davidnet((32, 32, 3), 10, width=8))
    full, half = (model(images, training=True).numpy() for model in models)
    assert np.abs(full - half).max() < 0.05 * np.abs(full).max()


def test_xla_compiles_it_to_the_same_gradients(same_under_xla):
    same_under_xla(davidnet, (32, 32, 3), width=2)


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="width is 0"):
        davidnet((32, 32, 3), 10, width=0)
    with pytest.raises(ValueError, match=r"\(4, 32, 3\) is below 8 x 8"):
        davidnet((4, 32, 3), 10)
