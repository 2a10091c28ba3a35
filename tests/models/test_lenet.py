import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import lenet5


@pytest.fixture
def bfloat16_policy():
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    yield
    tf.keras.mixed_precision.set_global_policy(before)


# (5*5*1 + 1) 6 + (5*5*6 + 1) 16 + (400 + 1) 120 + (120 + 1) 84 + (84 + 1) 10
LECUN = 156 + 2_416 + 48_120 + 10_164 + 850
# (5*5*1 + 1) 20 + (5*5*20 + 1) 50 + (800 + 1) 500 + (500 + 1) 10
CAFFE = 520 + 25_050 + 400_500 + 5_010


def test_sizes_are_lecuns_for_mnist_and_for_its_framed_32_by_32():
    assert lenet5((28, 28, 1), 10).count_params() == LECUN == 61_706
    assert lenet5((32, 32, 1), 10).count_params() == LECUN


def test_the_wider_variant_has_caffes_sizes():
    assert lenet5((28, 28, 1), 10, variant="caffe").count_params() == CAFFE == 431_080


def test_variables_have_the_same_unique_paths_each_time_a_model_is_built():
    first, second = lenet5((28, 28, 1), 10), lenet5((28, 28, 1), 10)
    names = [variable.name for variable in first.variables]
    assert names == [variable.name for variable in second.variables]
    assert len(set(names)) == len(names)
    assert names[:4] == [
        "conv1/conv/kernel:0",
        "conv1/conv/bias:0",
        "conv2/conv/kernel:0",
        "conv2/conv/bias:0",
    ]
    assert names[-1] == "logits/bias:0"


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 1), (32, 32, 3)])
@pytest.mark.parametrize("variant", ["lecun", "caffe"])
def test_logits_are_finite_and_one_a_class(shape, variant):
    images = np.random.RandomState(0).normal(size=(3, *shape)).astype(np.float32)
    logits = lenet5(shape, 7, width=0.25, variant=variant)(images)
    assert logits.shape == (3, 7) and np.isfinite(logits).all()


def test_width_multiplies_channels_and_units():
    narrow = lenet5((28, 28, 1), 10, width=0.5)
    kernels = [variable.shape[-1] for variable in narrow.variables if "kernel" in variable.name]
    assert kernels == [3, 8, 60, 42, 10]
    assert min(v.shape[-1] for v in lenet5((28, 28, 1), 10, width=0.01).variables) == 1


def test_the_global_seed_fixes_the_weights():
    models = []
    for seed in (1, 1, 2):
        tf.keras.utils.set_random_seed(seed)
        models.append(lenet5((28, 28, 1), 10).get_weights())
    same, also_same, other = models
    assert all(np.array_equal(a, b) for a, b in zip(same, also_same))
    assert not np.array_equal(same[0], other[0])


def test_mixed_bfloat16_keeps_weights_and_logits_in_float32(bfloat16_policy):
    model = lenet5((28, 28, 1), 10)
    assert {variable.dtype for variable in model.variables} == {tf.float32}
    assert model.get_layer("conv2/conv").compute_dtype == "bfloat16"
    assert model(tf.zeros((2, 28, 28, 1))).dtype == tf.float32


def test_xla_compiles_it_to_the_same_gradients(same_under_xla):
    same_under_xla(lenet5, (28, 28, 1), width=0.5)


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="unknown LeNet variant 'lenet300'.*lecun, caffe"):
        lenet5((28, 28, 1), 10, variant="lenet300")
    with pytest.raises(ValueError, match="width is 0"):
        lenet5((28, 28, 1), 10, width=0)
    with pytest.raises(ValueError, match=r"\(8, 8, 1\) is below"):
        lenet5((8, 8, 1), 10)
