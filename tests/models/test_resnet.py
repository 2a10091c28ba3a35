import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import resnet, resnet50


@pytest.fixture
def policy():
    before = tf.keras.mixed_precision.global_policy()
    yield tf.keras.mixed_precision.set_global_policy
    tf.keras.mixed_precision.set_global_policy(before)


@pytest.fixture
def short(monkeypatch):
    """Networks have one block a stage: building one takes a quarter of the time."""
    monkeypatch.setattr(resnet, "BLOCKS", (1, 1, 1, 1))


@pytest.fixture(scope="module")
def narrow():
    tf.keras.utils.set_random_seed(0)
    return resnet50((32, 32, 3), 10, width=4)


@pytest.fixture(scope="module")
def full():
    return resnet50((224, 224, 3), 1000)


def count(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


def test_the_parameters_are_resnet_50s(full):
    assert (count(full.trainable_variables), len(full.trainable_variables)) == (25_557_032, 161)
    channels = 64 + sum(
        blocks * 6 * width + 4 * width for blocks, width in zip((3, 4, 6, 3), (64, 128, 256, 512))
    )
    assert count(full.non_trainable_variables) == 2 * channels  # moving averages
    biases = [variable.name for variable in full.variables if "bias" in variable.name]
    assert biases == ["head/linear/bias:0"]


def test_kernels_start_by_the_fan_asked_for(short):
    tf.keras.utils.set_random_seed(0)
    models = {init: resnet50((32, 32, 3), 10, width=8, kernel_init=init)
              for init in ("fan_out", "fan_in")}  # fmt: skip
    kernel = "stage4/block1/2/conv"  # 3 x 3, 64 channels in and out
    for init, variance in (("fan_out", 2 / 576), ("fan_in", 1 / 576)):
        found = models[init].get_layer(kernel).kernel.numpy()
        assert found.var() == pytest.approx(variance, rel=0.03)
        # Cut at two deviations of the normal distribution before the cut, which 0.88 come out of.
        cut = np.abs(found).max() < 2 * np.sqrt(variance) / 0.8796 * 1.0001
        assert cut == (init == "fan_in")
    with pytest.raises(ValueError, match="kernel_init is 'fan', wanted fan_out or fan_in"):
        resnet50((32, 32, 3), 10, kernel_init="fan")


def test_the_image_is_halved_in_the_3_x_3_convolution(full):
    for stage, strides in ((1, (1, 1)), (2, (2, 2)), (3, (2, 2)), (4, (2, 2))):
        layer = full.get_layer(f"stage{stage}/block1/2/conv")
        assert (layer.kernel_size, layer.strides) == ((3, 3), strides)
        assert full.get_layer(f"stage{stage}/block1/1/conv").strides == (1, 1)
        assert full.get_layer(f"stage{stage}/block1/shortcut/conv").strides == strides
        assert full.get_layer(f"stage{stage}/block2/2/conv").strides == (1, 1)
    assert full.get_layer("stage4/block3/add").output.shape == (None, 7, 7, 2048)


def test_it_computes_what_tf_models_officials_does(monkeypatch):
    """Of a block of each kind: with a shortcut of its own, without, at each width."""
    official = pytest.importorskip("official.vision.modeling.backbones.resnet")
    blocks_of_stages = (2, 1, 1, 1)
    specs = official.RESNET_SPECS[50]
    assert [blocks for *_, blocks in specs] == list(resnet.BLOCKS)
    few = [(*spec[:2], blocks) for spec, blocks in zip(specs, blocks_of_stages)]
    monkeypatch.setitem(official.RESNET_SPECS, 50, few)
    monkeypatch.setattr(resnet, "BLOCKS", blocks_of_stages)
    theirs = official.ResNet(
        model_id=50,
        input_specs=tf.keras.layers.InputSpec(shape=[None, 64, 64, 3]),
        norm_momentum=0.9,
        norm_epsilon=1e-5,
    )
    tf.keras.utils.set_random_seed(1)
    model = resnet50((64, 64, 3), 10, zero_last_scale=False)
    blocks = [
        f"stage{stage}/block{block}/{part}"
        for stage, blocks in enumerate(blocks_of_stages, start=1)
        for block in range(1, blocks + 1)
        for part in (("shortcut",) if block == 1 else ()) + ("1", "2", "3")
    ]
    sources = [
        model.get_layer(f"{n}/{kind}") for n in ["stem", *blocks] for kind in ("conv", "norm")
    ]
    targets = list(_layers_in_order(theirs))
    assert len(sources) == len(targets)
    for source, target in zip(sources, targets):
        target.set_weights(source.get_weights())
    ours = tf.keras.Model(model.input, model.get_layer("stage4/block1/relu3").output)
    images = np.random.RandomState(0).normal(size=(2, 64, 64, 3)).astype(np.float32)
    got, wanted = ours(images, training=False), theirs(images, training=False)["5"]
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


def _layers_in_order(backbone):
    """official's convolutions and norms: of the stem, then of each block shortcut, 1, 2, 3."""
    for layer in backbone.layers:
        if layer.__class__.__name__ == "BottleneckBlock":
            if layer._use_projection:
                yield from (layer._shortcut, layer._norm0)
            yield from (layer._conv1, layer._norm1, layer._conv2, layer._norm2)
            yield from (layer._conv3, layer._norm3)
        elif layer.weights:
            yield layer


def test_variables_have_unique_paths(narrow):
    names = [variable.name for variable in narrow.variables]
    assert len(set(names)) == len(names)
    for wanted in ("stem/conv/kernel:0", "stage1/block1/shortcut/norm/gamma:0",
                   "stage3/block6/2/conv/kernel:0", "head/linear/kernel:0"):  # fmt: skip
        assert wanted in names


def test_variables_have_the_same_paths_each_time_a_model_is_built(short):
    one, again = (resnet50((32, 32, 3), 10, width=4) for _ in range(2))
    assert [v.name for v in one.variables] == [v.name for v in again.variables]


def test_the_last_scale_of_each_block_may_start_at_zero(narrow, short):
    plain = resnet50((32, 32, 3), 10, width=4, zero_last_scale=False)
    zero = [v.name for v in narrow.trainable_variables if "gamma" in v.name and not v.numpy().any()]
    assert len(zero) == 16 and all(name.endswith("/3/norm/gamma:0") for name in zero)
    assert all(v.numpy().all() for v in plain.trainable_variables if "gamma" in v.name)


def test_batch_norm_is_as_goyal_et_al_have_it(narrow):
    norms = [la for la in narrow.layers if isinstance(la, tf.keras.layers.BatchNormalization)]
    assert len(norms) == 53
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.9, 1e-5)}


def test_replicas_may_share_statistics_and_the_variables_stay_the_same(short):
    narrow = resnet50((32, 32, 3), 10, width=4)
    grouped = resnet50((32, 32, 3), 10, width=4, norm_group=2)
    assert [v.name for v in grouped.variables] == [v.name for v in narrow.variables]
    assert grouped.count_params() == narrow.count_params()
    for model, group in ((narrow, 1), (grouped, 2)):
        norms = [la for la in model.layers if isinstance(la, tf.keras.layers.BatchNormalization)]
        assert {(norm.group, norm.fused) for norm in norms} == {(group, group == 1)}
    grouped.set_weights(narrow.get_weights())
    image = tf.random.stateless_normal((2, 32, 32, 3), (1, 2))
    np.testing.assert_allclose(grouped(image), narrow(image), atol=1e-6)
    with pytest.raises(ValueError, match="and there are 1"):
        grouped(image, training=True)


def test_kernels_start_normal_by_their_outgoing_connections(full):
    kernel = full.get_layer("stage3/block2/2/conv").kernel.numpy()
    np.testing.assert_allclose(kernel.std(), np.sqrt(2 / (9 * 256)), rtol=0.01)
    np.testing.assert_allclose(full.get_layer("head/linear").kernel.numpy().std(), 0.01, rtol=0.01)


def test_under_mixed_bfloat16_weights_and_logits_are_float32(policy, short):
    policy("mixed_bfloat16")
    model = resnet50((32, 32, 1), 10, width=2)
    assert {variable.dtype for variable in model.variables} == {tf.float32}
    assert model.get_layer("stage1/block1/2/conv").compute_dtype == "bfloat16"
    logits = model(tf.ones((2, 32, 32, 1), tf.bfloat16), training=True)
    assert logits.dtype == tf.float32 and logits.shape == (2, 10)


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="width is 0"):
        resnet50((32, 32, 3), 10, width=0)
    with pytest.raises(ValueError, match=r"\(28, 28, 1\) is below 32 x 32"):
        resnet50((28, 28, 1), 10)
