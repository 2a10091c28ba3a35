"""Grouped batch norm on four logical CPUs, against one device that has the group's joined batch."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import GroupedBatchNormalization, grouped_norm

REPLICAS, BATCH, CHANNELS = 4, 3, 5
SETTINGS = {"momentum": 0.9, "epsilon": 1e-5, "dtype": "float64"}


@pytest.fixture(scope="module")
def images():
    """[R, b, H, W, C]; replicas differ in mean and spread."""
    draw = np.random.default_rng(0)
    shape = (REPLICAS, BATCH, 2, 3, CHANNELS)
    replica = np.arange(REPLICAS).reshape(-1, 1, 1, 1, 1)
    return draw.normal(size=shape) * (1 + replica) + 10 * replica


@pytest.fixture(scope="module")
def weights(images):
    """Of a loss sum(weights * outputs), so that the inputs' gradients are not zero."""
    return np.random.default_rng(1).normal(size=images.shape)


def mirrored(replicas=REPLICAS):
    return tf.distribute.MirroredStrategy(
        [f"/cpu:{i}" for i in range(replicas)],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def set_parameters(layer):
    layer.gamma.assign(np.linspace(0.5, 2, CHANNELS))
    layer.beta.assign(np.linspace(-1, 1, CHANNELS))


@functools.cache
def grouped(group, shape, dtype):
    """The strategy, the layer for images of a shape, its weights at the start, and its step."""
    strategy = mirrored()
    with strategy.scope():
        layer = GroupedBatchNormalization(group=group, **{**SETTINGS, "dtype": dtype})
        layer.build([None, *shape])
        set_parameters(layer)

    def step(images, weights):
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        x, w = images[replica], weights[replica]
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            loss = tf.reduce_sum(tf.cast(y, w.dtype) * w)
        return (y, *tape.gradient(loss, [x, *layer.trainable_variables]))

    traced = tf.function(lambda *given: strategy.run(step, given), autograph=False)
    return strategy, layer, [variable.numpy() for variable in layer.variables], traced


def run_grouped(group, images, weights, dtype="float64"):
    """(outputs, gradients by image, by gamma, by beta) of each replica, and the layer."""
    strategy, layer, start, step = grouped(group, images.shape[2:], dtype)
    for variable, value in zip(layer.variables, start):
        variable.assign(value)
    values = step(tf.constant(images), tf.constant(weights))
    return [np.stack(strategy.experimental_local_results(v)) for v in values], layer


def run_joined(images, weights):
    """The same of Keras' layer on one device, over the images [k, b, ...] of a group as a batch."""
    layer = tf.keras.layers.BatchNormalization(fused=False, **SETTINGS)
    layer.build([None, *images.shape[2:]])
    set_parameters(layer)
    x = tf.constant(images.reshape(-1, *images.shape[2:]))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        loss = tf.reduce_sum(y * weights.reshape(x.shape))
    by_image, by_gamma, by_beta = tape.gradient(loss, [x, *layer.trainable_variables])
    return (y.numpy().reshape(images.shape), by_image.numpy().reshape(images.shape),
            by_gamma.numpy(), by_beta.numpy()), layer  # fmt: skip


@pytest.mark.parametrize("group", [1, 2, 4])
def test_a_group_computes_what_one_device_does_over_the_joined_batch(group, images, weights):
    (outputs, by_image, by_gamma, by_beta), layer = run_grouped(group, images, weights)
    means, variances = [], []
    for first in range(0, REPLICAS, group):
        members = slice(first, first + group)
        wanted, plain = run_joined(images[members], weights[members])
        np.testing.assert_allclose(outputs[members], wanted[0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(by_image[members], wanted[1], rtol=0, atol=1e-12)
        # The parameters are every replica's: the loop sums their gradients.
        np.testing.assert_allclose(by_gamma[members].sum(0), wanted[2], rtol=1e-12)
        np.testing.assert_allclose(by_beta[members].sum(0), wanted[3], rtol=1e-12)
        means.append(plain.moving_mean.numpy())
        variances.append(plain.moving_variance.numpy())
    # What is saved and evaluated with: the mean over the groups.
    np.testing.assert_allclose(layer.moving_mean.numpy(), np.mean(means, 0), rtol=1e-12)
    np.testing.assert_allclose(layer.moving_variance.numpy(), np.mean(variances, 0), rtol=1e-12)


def test_groups_do_not_talk(images, weights):
    (before, gradients, *_), _ = run_grouped(2, images, weights)
    changed = images.copy()
    changed[3] += 7 * changed[3] ** 2
    (after, other_gradients, *_), _ = run_grouped(2, changed, weights)
    np.testing.assert_array_equal(after[:2], before[:2])
    np.testing.assert_array_equal(other_gradients[:2], gradients[:2])
    assert np.abs(after[2] - before[2]).min() > 1e-3  # its neighbour in the group does notice
    same = np.broadcast_to(images[:1], images.shape)
    (outputs, *_), _ = run_grouped(2, same, weights)
    np.testing.assert_allclose(outputs[0], outputs[3], atol=1e-12)


def test_the_variance_keeps_its_digits_far_from_zero():
    draw = np.random.default_rng(2)
    images = (draw.normal(size=(REPLICAS, BATCH, 4, 4, CHANNELS)) + 3000).astype(np.float32)
    (outputs, *_), _ = run_grouped(4, images, np.ones_like(images), dtype="float32")
    wanted, _ = run_joined(images.astype(np.float64), np.ones(images.shape))
    # E[x^2] - mean^2 would be off by about 9e6 x 1e-7, as much as the variance itself.
    np.testing.assert_allclose(outputs, wanted[0], atol=2e-3)


def test_under_mixed_bfloat16_the_statistics_are_float32(images, weights):
    images = images.astype(np.float32)
    rounded = tf.cast(images, tf.bfloat16)
    (outputs, *_), layer = run_grouped(
        2, np.asarray(rounded), weights.astype(np.float32), dtype="mixed_bfloat16"
    )
    assert outputs.dtype == tf.bfloat16.as_numpy_dtype
    assert {variable.dtype for variable in layer.variables} == {tf.float32}
    wanted = np.concatenate(
        [run_joined(tf.cast(rounded, tf.float64).numpy()[i : i + 2], weights[i : i + 2])[0][0]
         for i in (0, 2)]
    )  # fmt: skip
    # Of the output's rounding to 8 bits alone.
    np.testing.assert_allclose(outputs.astype(np.float64), wanted, rtol=2**-8, atol=1e-3)


def test_a_group_that_does_not_divide_the_replicas_is_an_error(images, weights):
    with pytest.raises(ValueError, match="groups of 3 replicas, and there are 4"):
        run_grouped(3, images, weights)
    with pytest.raises(ValueError, match="groups of 2 replicas, and there are 1"):
        GroupedBatchNormalization(group=2)(tf.ones((2, 3)), training=True)


def test_evaluation_needs_no_replicas():
    layer = GroupedBatchNormalization(group=2)
    np.testing.assert_allclose(layer(tf.ones((2, 3)), training=False), np.ones((2, 3)), rtol=1e-3)


@pytest.mark.parametrize("group", [0, 1.5])
def test_a_group_is_a_whole_number_of_replicas(group):
    with pytest.raises(ValueError, match=f"group is {group}"):
        GroupedBatchNormalization(group=group)


def test_the_group_is_part_of_the_config():
    layer = GroupedBatchNormalization(group=4, momentum=0.8, name="norm")
    again = tf.keras.layers.deserialize(tf.keras.layers.serialize(layer))
    assert (type(again), again.group, again.momentum) == (GroupedBatchNormalization, 4, 0.8)


def test_a_mask_is_an_error():
    with pytest.raises(ValueError, match="norm takes no mask"):
        GroupedBatchNormalization(group=2, name="norm")(
            tf.ones((2, 4, 3)), training=True, mask=tf.ones((2, 4), tf.bool)
        )


def test_a_tpu_sums_within_the_groups_and_differentiates_so(monkeypatch):
    monkeypatch.setattr(grouped_norm, "on_tpu", lambda: True)
    strategy = mirrored()
    with strategy.scope():
        layer = GroupedBatchNormalization(group=2)
        layer.build([None, CHANNELS])

    def step():
        x = tf.ones((BATCH, CHANNELS))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return tape.gradient(y, x)

    graph = tf.function(lambda: strategy.run(step)).get_concrete_function().graph
    sums = [op for op in graph.get_operations() if op.type == "CrossReplicaSum"]
    assert len(sums) == REPLICAS * 4  # mean and variance, each forward and backward
    for op in sums:
        np.testing.assert_array_equal(tf.get_static_value(op.inputs[1]), [[0, 1], [2, 3]])
        assert op.inputs[0].shape == [CHANNELS] and op.inputs[0].dtype == tf.float32


def of_one_micro_batch(images, weights, batch, reduces=False, **settings):
    """As `run_grouped` has it, of all images [R, b, ...] as one micro-batch of one replica."""
    layer = GroupedBatchNormalization(batch=batch, **{**SETTINGS, **settings})
    layer.build([None, *images.shape[2:]])
    set_parameters(layer)

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            loss = tf.reduce_sum(tf.cast(y, weights.dtype) * weights.reshape(x.shape))
        return (y, *tape.gradient(loss, [x, *layer.trainable_variables]))

    x = tf.constant(images.reshape(-1, *images.shape[2:]))
    y, by_image, *by_parameters = tf.function(step, jit_compile=reduces)(x)
    return [np.reshape(y, images.shape), np.reshape(by_image, images.shape), *by_parameters], layer


@pytest.mark.parametrize("form", ["kernels", "reduction"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_images_in_groups_are_normalised_as_by_so_many_replicas(
    monkeypatch, images, weights, form, dtype
):
    """Keras' fused kernels, which have no float64, correct the moving variance by n / (n - 1)."""
    given = images.astype(dtype), weights.astype(dtype)
    expected, by_replicas = run_grouped(1, *given, dtype=dtype)
    assert by_replicas.fused == (dtype == "float32")
    monkeypatch.setattr(grouped_norm, "on_tpu", lambda: form == "reduction")
    found, layer = of_one_micro_batch(*given, BATCH, form == "reduction", dtype=dtype)
    close = {"rtol": 1e-9, "atol": 1e-9} if dtype == "float64" else {"rtol": 2e-4, "atol": 2e-4}
    for value, wanted in zip(found[:2], expected[:2]):
        np.testing.assert_allclose(value, wanted, **close)
    for value, wanted in zip(found[2:], expected[2:]):
        np.testing.assert_allclose(value, wanted.sum(0), **close)
    for name in ("moving_mean", "moving_variance"):
        np.testing.assert_allclose(getattr(layer, name), getattr(by_replicas, name), **close)


def test_one_group_of_images_is_keras_own_layer(images, weights):
    given = images.astype(np.float32), weights.astype(np.float32)
    whole = REPLICAS * BATCH
    for values in zip(*(of_one_micro_batch(*given, g, dtype="float32")[0] for g in (whole, None))):
        np.testing.assert_array_equal(*values)


@pytest.mark.parametrize("form", ["kernels", "reduction"])
def test_images_in_groups_under_mixed_bfloat16_have_statistics_in_float32(
    monkeypatch, images, weights, form
):
    rounded = np.asarray(tf.cast(images, tf.bfloat16))
    monkeypatch.setattr(grouped_norm, "on_tpu", lambda: form == "reduction")
    found, layer = of_one_micro_batch(
        rounded, weights.astype(np.float32), BATCH, dtype="mixed_bfloat16"
    )
    assert found[0].dtype == tf.bfloat16.as_numpy_dtype
    assert {variable.dtype for variable in layer.variables} == {tf.float32}
    exact = rounded.astype(np.float64)
    wanted, plain = of_one_micro_batch(exact, weights, BATCH)
    np.testing.assert_allclose(found[0].astype(np.float64), wanted[0], rtol=2**-8, atol=1e-3)
    np.testing.assert_allclose(layer.moving_mean, plain.moving_mean, rtol=1e-5)


def test_groups_of_images_are_reduced_at_once_on_a_tpu(monkeypatch):
    monkeypatch.setattr(grouped_norm, "on_tpu", lambda: True)
    layer = GroupedBatchNormalization(batch=4)
    layer.build([None, 2, 2, 3])
    graph = tf.function(lambda x: layer(x, training=True)).get_concrete_function(
        tf.TensorSpec([32, 2, 2, 3])
    ).graph  # fmt: skip
    kinds = [op.type for op in graph.get_operations()]
    assert kinds.count("Mean") == 4  # mean and variance, of a group and over the groups
    assert not {"While", "Split", "FusedBatchNormV3"} & set(kinds)


def test_a_micro_batch_that_the_images_of_a_group_do_not_divide_is_an_error():
    with pytest.raises(ValueError, match="norm shares.*among 4 images.*micro-batch of 6"):
        GroupedBatchNormalization(batch=4, name="norm")(tf.ones((6, 3)), training=True)
    with pytest.raises(ValueError, match="groups of 2 replicas or of 4 images, not both"):
        GroupedBatchNormalization(group=2, batch=4)
    with pytest.raises(ValueError, match="batch is 0, wanted a whole number of images"):
        GroupedBatchNormalization(batch=0)
    layer = GroupedBatchNormalization(batch=4)
    assert GroupedBatchNormalization.from_config(layer.get_config()).batch == 4
    assert layer(tf.ones((6, 3)), training=False).shape == (6, 3)
