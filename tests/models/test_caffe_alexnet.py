import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import alexnet, alexnet_bn, stateless_dropout

SEED = (5, 6)
BUILDERS = pytest.mark.parametrize("build", [alexnet, alexnet_bn])


@pytest.fixture(scope="module")
def full():
    tf.keras.utils.set_random_seed(0)
    return alexnet((227, 227, 3), 1000)


@pytest.fixture(scope="module")
def batch():
    draw = np.random.default_rng(0)
    return {
        "image": tf.constant(draw.normal(size=(8, 32, 32, 3)), tf.float32),
        "dropout_seed": seeds(8),
    }


def seeds(count, seed=SEED):
    return tf.random.stateless_uniform([count, 2], seed, None, None, tf.int32)


def narrow(build, shape=(32, 32, 3), **settings):
    tf.keras.utils.set_random_seed(1)
    return build(shape, 10, width=6, **settings)


def count(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


def shapes(model):
    return [(v.name, v.shape.as_list()) for v in model.trainable_variables]


def test_the_parameters_are_caffes(full):
    kernels = [
        *(11 * 11 * 3 * 96, 5 * 5 * 48 * 256, 3 * 3 * 256 * 384, 3 * 3 * 192 * 384),
        *(3 * 3 * 192 * 256, 6 * 6 * 256 * 4096, 4096 * 4096, 4096 * 1000),
    ]
    biases = 96 + 256 + 384 + 384 + 256 + 4096 + 4096 + 1000
    assert count(full.trainable_variables) == sum(kernels) + biases == 60_965_224
    assert count(full.variables) == count(full.trainable_variables)
    assert len(full.variables) == 16


def test_an_image_takes_one_and_a_half_billion_operations(full):
    operations = 0
    for layer in full.layers:
        if layer.name.endswith(("/conv", "/linear")):
            places = np.prod(layer.output.shape[1:-1])  # of a convolution; 1 of a linear layer
            operations += 2 * places * np.prod(layer.kernel.shape)
    assert 1.4e9 < operations < 1.5e9  # the slides: 1.5 billion


def test_the_weights_start_with_the_norms_of_the_slides(full):
    norm = {v.name: float(tf.norm(v)) for v in full.trainable_variables}
    for place, wanted in {
        **{"conv1/conv/bias:0": 0.098, "conv2/conv/bias:0": 0.16, "conv3/conv/bias:0": 0.196},
        **{"conv4/conv/kernel:0": 8.15, "conv5/conv/bias:0": 0.16},
        **{"fc6/linear/bias:0": 6.4, "fc7/linear/bias:0": 6.4, "fc8/linear/bias:0": 0.316},
    }.items():
        np.testing.assert_allclose(norm[place], wanted, rtol=5e-3, err_msg=place)


def test_kernels_start_as_caffes_do(full):
    for layer in full.layers:
        if layer.name.endswith(("/conv", "/linear")):
            wanted = 0.005 if layer.name[:3] in ("fc6", "fc7") else 0.01
            np.testing.assert_allclose(layer.kernel.numpy().std(), wanted, rtol=0.02)


def test_the_maps_have_caffes_sizes_at_224_and_227_pixels(full):
    assert [full.get_layer(f"conv{i}/conv").output.shape[1] for i in range(1, 6)] == [
        *(55, 27, 13, 13, 13)
    ]
    smaller = narrow(alexnet, (224, 224, 3))
    assert smaller.get_layer("conv1/pad").output.shape[1:3] == (227, 227)
    assert smaller.get_layer("conv5/pool").output.shape[1:3] == (6, 6)
    assert shapes(smaller) == shapes(narrow(alexnet, (227, 227, 3)))


def test_alexnet_bn_has_the_same_trained_parameters():
    plain, normed, grouped = (
        narrow(alexnet), narrow(alexnet_bn), narrow(alexnet_bn, norm_group=2)
    )  # fmt: skip
    assert shapes(plain) == shapes(normed) == shapes(grouped)
    assert [v.name for v in normed.variables] == [v.name for v in grouped.variables]
    norms = [la for la in normed.layers if isinstance(la, tf.keras.layers.BatchNormalization)]
    assert [norm.name for norm in norms] == [f"conv{i}/norm" for i in (2, 3, 4, 5)]
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.9, 1e-4)}
    assert {la.group for la in grouped.layers if la.name.endswith("/norm")} == {2}


def test_a_groups_outputs_depend_on_its_own_inputs(batch):
    layer = narrow(alexnet).get_layer("conv2/conv")
    x = tf.random.stateless_normal((1, 7, 7, 6), SEED)
    inputs = tf.Variable(x)
    with tf.GradientTape() as tape:
        first_half = tf.reduce_sum(layer.convolution_op(inputs, layer.kernel)[..., :8])
    gradient = tape.gradient(first_half, inputs).numpy()
    assert gradient[..., :3].any() and not gradient[..., 3:].any()


def test_response_norm_is_krizhevskys():
    model = narrow(alexnet)
    x = 100 * np.random.default_rng(1).normal(size=(1, 2, 2, 6)).astype(np.float32)
    wanted = np.empty_like(x)
    for i in range(6):
        squares = (x[..., max(0, i - 2) : i + 3] ** 2).sum(-1)
        wanted[..., i] = x[..., i] / (1 + 1e-4 / 5 * squares) ** 0.75
    np.testing.assert_allclose(model.get_layer("conv1/norm")(x), wanted, rtol=1e-5)


@BUILDERS
def test_variables_have_the_same_unique_paths_each_time_a_model_is_built(build):
    names = [variable.name for variable in narrow(build).variables]
    assert len(set(names)) == len(names)
    assert names == [variable.name for variable in narrow(build).variables]
    for wanted in ("conv1/conv/kernel:0", "conv4/conv/bias:0", "fc6/linear/kernel:0"):
        assert wanted in names


@pytest.mark.parametrize(("build", "shape"), [(alexnet, (32, 32, 3)), (alexnet_bn, (28, 28, 1))])
def test_steps_at_the_slides_rate_lower_the_loss_on_small_images(build, shape):
    model = narrow(build, shape)
    draw = np.random.default_rng(0)
    labels = tf.constant(np.arange(20) % 4)
    images = draw.normal(size=(4, *shape))[labels] + 0.3 * draw.normal(size=(20, *shape))
    images = tf.constant(images, tf.float32)
    optimizer = tf.keras.optimizers.SGD(0.02, momentum=0.9)

    @tf.function
    def step(number):
        batch = {"image": images, "dropout_seed": tf.stack([0, number])}
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels, model(batch, training=True)
            )
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    losses = [float(step(tf.constant(number))) for number in range(40)]
    assert np.mean(losses[-5:]) < 0.7 * losses[0], losses[::5]


def test_images_need_not_be_square():
    assert narrow(alexnet, (16, 20, 3)).get_layer("conv5/pool").output.shape[1:3] == (1, 1)
    assert narrow(alexnet, (64, 100, 3)).get_layer("conv5/pool").output.shape[1:3] == (1, 2)


def test_dropout_is_a_function_of_the_seed(batch):
    model = narrow(alexnet)
    first, again = (model(batch, training=True).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = model({**batch, "dropout_seed": seeds(8, (5, 7))}, training=True).numpy()
    assert (first != other).any(axis=-1).all()
    np.testing.assert_array_equal(
        model(batch, training=False), model(batch["image"], training=False)
    )


def test_half_of_the_units_are_dropped(batch):
    model = narrow(alexnet, dropout=0.5)
    dropped = tf.keras.Model(model.input, model.get_layer("fc7/dropout").output)
    with stateless_dropout.seeded(batch["dropout_seed"], 2):
        kept = dropped(batch["image"], training=True).numpy()
    reached = dropped(batch["image"], training=False).numpy()
    assert 0.4 < (kept[reached > 0] == 0).mean() < 0.6


def test_training_without_a_seed_is_an_error(batch):
    with pytest.raises(ValueError, match="alexnet with dropout needs 'dropout_seed'.*found image"):
        narrow(alexnet)(batch["image"], training=True)
    narrow(alexnet, dropout=0.0)(batch["image"], training=True)


@BUILDERS
def test_under_mixed_bfloat16_weights_and_logits_are_float32(build, batch):
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = narrow(build)
    assert {variable.dtype for variable in model.variables} == {tf.float32}
    assert model.get_layer("conv4/conv").compute_dtype == "bfloat16"
    image = tf.cast(batch["image"], tf.bfloat16)
    logits = model({**batch, "image": image}, training=True)
    assert logits.dtype == tf.float32 and logits.shape == (8, 10)


@BUILDERS
def test_wrong_settings_are_named(build):
    with pytest.raises(ValueError, match="width is 64, wanted a multiple of 6"):
        build((32, 32, 3), 10, width=64)
    with pytest.raises(ValueError, match="dropout rate is 1"):
        build((32, 32, 3), 10, width=6, dropout=1)
    with pytest.raises(ValueError, match=r"\(8, 8, 1\) is below 16 x 16"):
        build((8, 8, 1), 10)
