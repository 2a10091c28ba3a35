import io

import numpy as np
import pytest
import tensorflow as tf

from largebatch.data.imagenet import crop

SIZE = 24


def jpeg(mode="RGB", size=(60, 40), colour=None):
    from PIL import Image

    made = io.BytesIO()
    Image.new(mode, size, colour).save(made, "JPEG", quality=95)
    return made.getvalue()


@pytest.mark.parametrize(
    ("mode", "colour", "wanted"),
    [
        ("RGB", (200, 40, 90), (200, 40, 90)),
        ("L", 77, (77, 77, 77)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
    ],
)
def test_grey_scale_and_cmyk_become_rgb(mode, colour, wanted):
    content = jpeg(mode, colour=colour)
    random = tf.constant([1, 2, 3])
    for image in (
        crop.centred(content, SIZE),
        crop.distorted(content, random, SIZE),
    ):
        assert image.shape == (SIZE, SIZE, 3) and image.dtype == tf.float32
        np.testing.assert_allclose(image[5, 5], wanted, atol=6)


def gradient(height, width):
    """Red is the row, green the column."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows, columns, np.zeros_like(rows)], axis=-1).astype(np.uint8)
    return tf.io.encode_jpeg(image, quality=100, chroma_downsampling=False)


def test_evaluation_sees_seven_eighths_of_the_shorter_side_in_the_middle():
    image = crop.centred(gradient(120, 200), 105).numpy()  # 0.875 x 120: no resizing
    np.testing.assert_allclose(image[0, 0, :2], (7, 47), atol=4)
    np.testing.assert_allclose(image[-1, -1, :2], (111, 151), atol=4)


def boxes(count=300, height=160, width=200):
    """(top, left, bottom, right, flipped) of that many distortions."""
    content = gradient(height, width)
    distort = tf.function(lambda random: crop.distorted(content, random, 32))
    randoms = tf.random.stateless_uniform([count, 3], [5, 6], None, None, tf.int32)
    found = []
    for random in randoms:
        corner, other = distort(random).numpy()[[1, -2], [1, -2], :2]
        found.append((corner[0], corner[1], other[0], other[1], corner[1] > other[1]))
    return np.array(found)


def test_training_sees_8_to_100_percent_of_the_area_flipped_or_not():
    top, left, bottom, right, flipped = boxes().T
    heights, widths = (bottom - top) * 32 / 29, abs(right - left) * 32 / 29
    area, ratio = heights * widths / (160 * 200), widths / heights
    assert area.min() > 0.06 and area.max() < 1.05
    assert area.min() < 0.14 and area.max() > 0.75  # and all of the range is used
    assert ratio.min() > 0.68 and ratio.max() < 1.45
    assert ratio.min() < 0.8 and ratio.max() > 1.25
    assert 0.4 < flipped.mean() < 0.6


def test_a_distortion_is_a_function_of_its_numbers():
    content = gradient(60, 80)
    first, same, other = (
        crop.distorted(content, tf.constant(numbers), SIZE).numpy()
        for numbers in ([1, 2, 3], [1, 2, 3], [1, 9, 3])
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    flipped = crop.distorted(content, tf.constant([1, 2, 4]), SIZE).numpy()
    np.testing.assert_array_equal(flipped, first[:, ::-1])


def test_an_image_of_one_pixel_is_taken():
    content = tf.io.encode_jpeg(np.full((1, 1, 3), 90, np.uint8))
    for image in (
        crop.centred(content, 8),
        crop.distorted(content, tf.constant([0, 0, 0]), 8),
    ):
        np.testing.assert_allclose(image, 90, atol=2)


def test_imagenets_one_png_is_taken_for_the_jpeg_that_it_is_called():
    pixels = np.full((40, 60, 3), (200, 40, 90), np.uint8)
    content = tf.io.encode_png(pixels)
    for image in (
        crop.centred(content, SIZE),
        crop.distorted(content, tf.constant([1, 2, 3]), SIZE),
    ):
        np.testing.assert_allclose(image[5, 5], (200, 40, 90), atol=4)
