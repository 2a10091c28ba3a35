import gzip

import numpy as np
import pytest

from largebatch.data import load


@pytest.mark.slow
def test_real_mnist_out_of_the_official_files_is_exact(real_datasets, tmp_path):
    folder = real_datasets / "mnist"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    mnist = load("mnist", str(folder), str(tmp_path))
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    for prefix, images, labels in (
        ("train", mnist.train_images, mnist.train_labels),
        ("t10k", mnist.test_images, mnist.test_labels),
    ):
        pixels = gzip.decompress((folder / f"{prefix}-images-idx3-ubyte.gz").read_bytes())[16:]
        digits = gzip.decompress((folder / f"{prefix}-labels-idx1-ubyte.gz").read_bytes())[8:]
        wanted = {}
        for number, digit in enumerate(digits):
            key = (pixels[784 * number : 784 * (number + 1)], digit)
            wanted[key] = wanted.get(key, 0) + 1
        for image, label in zip(images, labels):
            wanted[(image.tobytes(), int(label))] -= 1
        assert not any(wanted.values())
    np.testing.assert_allclose(mnist.mean, [0.1307], atol=1e-4)
    np.testing.assert_allclose(mnist.std, [0.3081], atol=1e-4)
    again = load("mnist", str(folder.parent / "mnist"), str(tmp_path))
    np.testing.assert_array_equal(again.train_images, mnist.train_images)


def test_real_cifar_10_out_of_a_tfds_folder_is_whole(real_datasets, tmp_path):
    cifar = load("cifar10", str(real_datasets / "tfds"), str(tmp_path))
    assert cifar.train_images.shape == (50_000, 32, 32, 3)
    assert cifar.test_images.shape == (10_000, 32, 32, 3)
    assert (np.bincount(cifar.train_labels) == 5_000).all()
    assert (np.bincount(cifar.test_labels) == 1_000).all()


def test_a_folder_without_the_set_says_what_was_looked_for_and_where_to_get_it(tmp_path):
    with pytest.raises(ValueError) as error:
        load("mnist", str(tmp_path), str(tmp_path / "cache"))
    message = str(error.value)
    for part in (
        f"the data folder {tmp_path} lacks mnist",
        "mnist/<version>/dataset_info.json",
        "t10k-labels-idx1-ubyte.gz",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ):
        assert part in message


@pytest.mark.parametrize("inner", [".", "mnist"])
def test_missing_official_files_are_named(tmp_path, inner):
    folder = tmp_path / inner
    folder.mkdir(exist_ok=True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"")
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(b"")
    missing = "lacks train-labels-idx1-ubyte.gz, t10k-labels-idx1-ubyte.gz of mnist's official"
    with pytest.raises(ValueError, match=missing):
        load("mnist", str(tmp_path), str(tmp_path / "cache"))


def test_a_data_folder_that_is_none_is_named(tmp_path):
    with pytest.raises(ValueError, match="the data folder .*/absent does not exist"):
        load("mnist", str(tmp_path / "absent"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="the data folder .*/file is not a folder"):
        load("mnist", str(tmp_path / "file"))
    with pytest.raises(ValueError, match="gs://bucket/tfds is a URL"):
        load("mnist", "gs://bucket/tfds")


def test_a_truncated_official_file_is_named(tmp_path):
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / f"{name}-ubyte.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz is truncated: 2 bytes"):
        load("mnist", str(tmp_path), str(tmp_path / "cache"))
