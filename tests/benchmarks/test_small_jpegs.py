"""The NumPy decoder of small JPEGs, against TensorFlow's own."""

import numpy as np
import pytest
import tensorflow as tf

from largebatch.benchmarks.small_jpegs import common_header, decoded


def jpegs(quality=75, size=32, count=40):
    """Smooth, noisy and extreme pictures: every branch of the transform, clipped values too."""
    generator = np.random.default_rng(quality)
    pictures = generator.integers(0, 256, (count, size, size, 3))
    pictures[::3] = pictures[::3, :1, :1] // 2 + np.arange(size)[:, None, None] * 4
    pictures[1::3] = np.where(pictures[1::3] > 128, 255, 0)
    return [
        tf.io.encode_jpeg(picture.astype(np.uint8), quality=quality).numpy() for picture in pictures
    ]


@pytest.mark.parametrize("quality, size", [(75, 32), (95, 32), (20, 48)])
def test_pictures_are_tensorflows_bit_for_bit(quality, size):
    files = jpegs(quality, size)
    header = common_header(files)
    ours = decoded(header, [file[len(header) : -2] for file in files])
    theirs = np.stack([tf.io.decode_image(file).numpy() for file in files])
    np.testing.assert_array_equal(ours, theirs)


def test_headers_that_differ_and_pictures_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="JPEG 1 has another header"):
        common_header([jpegs(75)[0], jpegs(95)[0]])
    for file in (
        tf.io.encode_jpeg(np.zeros((32, 32, 3), np.uint8), chroma_downsampling=False).numpy(),
        tf.io.encode_jpeg(np.zeros((40, 32, 3), np.uint8)).numpy(),
    ):
        with pytest.raises(ValueError, match="want baseline JPEG"):
            decoded(common_header([file]), [b""])
