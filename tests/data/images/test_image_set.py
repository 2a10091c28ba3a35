import subprocess
import sys

import numpy as np
import pytest

from largebatch.data import load
from largebatch.data.images.channels import channel_statistics


def test_digits_are_real_images_enlarged_and_split_evenly_by_class():
    from sklearn.datasets import load_digits

    digits = load("digits")
    assert digits.train_images.shape == (1437, 32, 32, 1)
    assert digits.test_images.shape == (360, 32, 32, 1)
    assert digits.train_images.dtype == np.uint8 and digits.train_labels.dtype == np.int32
    assert digits.num_classes == 10 and digits.image_shape == (32, 32, 1)
    whole = np.concatenate([digits.train_images, digits.test_images])
    np.testing.assert_array_equal(whole, whole[:, ::4, ::4].repeat(4, 1).repeat(4, 2))
    original = np.round(load_digits().images * 255 / 16).astype(np.uint8)
    small = sorted(image.tobytes() for image in whole[:, ::4, ::4, 0])
    assert small == sorted(image.tobytes() for image in original)
    counts = np.bincount(digits.test_labels)
    np.testing.assert_allclose(counts, np.bincount(load_digits().target) * 360 / 1797, atol=1.01)


def test_digits_are_the_same_every_time():
    first, second = load("digits"), load("digits", data_dir="/nowhere")
    np.testing.assert_array_equal(first.train_images, second.train_images)
    np.testing.assert_array_equal(first.test_labels, second.test_labels)


def test_channel_statistics_are_those_of_a_float64_computation():
    images = np.random.RandomState(0).randint(0, 256, (9, 5, 4, 3)).astype(np.uint8)
    mean, std = channel_statistics(images)
    np.testing.assert_allclose(mean, (images / 255.0).mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(std, (images / 255.0).std((0, 1, 2)), rtol=1e-6)


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="unknown data set 'minst'; did you mean 'mnist'"):
        load("minst")
    with pytest.raises(ValueError, match="known: mnist, cifar10, digits"):
        load("imagenet")


def test_names_errors_and_digits_need_no_tensorflow():
    code = (
        "import sys, largebatch.data as data, largebatch.models\n"
        "assert set(data.__all__) <= set(dir(data))\n"
        "data.load('digits')\n"
        "for name in ('mnits', 'mnist'):\n"
        "    try: data.load(name, '/nowhere')\n"
        "    except ValueError: pass\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
