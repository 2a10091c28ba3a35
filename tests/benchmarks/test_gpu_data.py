"""Data sets come back from their small files as they went in, and damage is noticed."""

import json

import numpy as np
import pytest
import tensorflow as tf

from largebatch.benchmarks import gpu_data


def images(count, seed):
    pictures = np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)
    files = [tf.io.encode_jpeg(picture, quality=75).numpy() for picture in pictures]
    return files, np.stack([tf.io.decode_image(file).numpy() for file in files])


def test_arrays_and_jpegs_come_back_bit_for_bit(tmp_path):
    train_files, train = images(70, 0)
    test_files, test = images(9, 1)
    arrays = {
        "train_images": train,
        "test_images": test,
        "train_labels": np.arange(70, dtype=np.int32),
    }
    jpegs = {"train_images": train_files, "test_images": test_files}
    gpu_data.write_jpegs(tmp_path, "cifar10", jpegs, arrays)
    gpu_data.write_arrays(tmp_path, "mnist", arrays)
    for name in ("cifar10", "mnist"):
        found = gpu_data.read(tmp_path, name, processes=1)
        assert set(found) == set(arrays)
        for key, value in arrays.items():
            np.testing.assert_array_equal(found[key], value)
            assert found[key].dtype == value.dtype


def test_arrays_that_are_not_what_was_packed_are_named(tmp_path):
    gpu_data.write_arrays(tmp_path, "mnist", {"mean": np.zeros(3), "std": np.ones(3)})
    sums = json.loads((tmp_path / gpu_data.SUMS).read_text())
    sums["mnist"]["std"] = "0" * 64
    (tmp_path / gpu_data.SUMS).write_text(json.dumps(sums))
    with pytest.raises(ValueError, match="mnist: std is not what was packed"):
        gpu_data.read(tmp_path, "mnist")
