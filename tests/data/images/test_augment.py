import numpy as np
import pytest
import tensorflow as tf

from largebatch.data.images import augment


def drawn(batch, height=32, width=32, seed=(1, 2)):
    tensors = augment.draw("davidnet", tf.constant(seed, tf.int64), batch, height, width)
    return tensors, {key: value.numpy() for key, value in tensors.items()}


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1), (16, 24, 2)])
def test_a_crop_is_a_window_of_the_reflection_padded_image_flipped_or_not(shape):
    images = np.random.RandomState(0).randint(0, 256, (20, *shape)).astype(np.uint8)
    index = np.random.RandomState(1).randint(0, 20, 64)
    tensors, numbers = drawn(64, *shape[:2])
    got = augment.gather(tf.constant(images), tf.constant(index, tf.int64), tensors).numpy()
    padded = np.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="reflect")
    for place in range(64):
        top, left = 4 + numbers["row"][place], 4 + numbers["column"][place]
        window = padded[index[place], top : top + shape[0], left : left + shape[1]]
        window = window[:, ::-1] if numbers["flip"][place] else window
        np.testing.assert_array_equal(got[place], window)


def test_cutout_zeroes_one_square_of_8_by_8_and_leaves_the_rest():
    images = np.random.RandomState(0).normal(size=(64, 32, 32, 3)).astype(np.float32)
    tensors, numbers = drawn(64)
    got = augment.erase(tf.constant(images), tensors).numpy()
    for place in range(64):
        top, left = numbers["cutout_row"][place], numbers["cutout_column"][place]
        wanted = images[place].copy()
        wanted[top : top + 8, left : left + 8] = 0
        np.testing.assert_array_equal(got[place], wanted)
        assert (got[place] == 0).sum() == 8 * 8 * 3


def test_draws_cover_their_ranges_evenly():
    _, numbers = drawn(20_000)
    for key, low, high in (
        ("row", -4, 4),
        ("column", -4, 4),
        ("flip", 0, 1),
        ("cutout_row", 0, 24),
        ("cutout_column", 0, 24),
    ):
        counts = np.bincount(numbers[key] - low, minlength=high - low + 1)
        expected = 20_000 / (high - low + 1)
        assert len(counts) == high - low + 1
        assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_draws_of_different_kinds_and_seeds_are_unrelated():
    _, numbers = drawn(20_000)
    _, others = drawn(20_000, seed=(1, 3))
    pairs = [("row", "column"), ("cutout_row", "cutout_column"), ("row", "flip")]
    correlations = [np.corrcoef(numbers[one], numbers[two])[0, 1] for one, two in pairs]
    correlations += [np.corrcoef(numbers[key], others[key])[0, 1] for key in numbers]
    assert np.abs(correlations).max() < 5 / np.sqrt(20_000)


def test_without_augmentation_images_come_as_they_are():
    images = tf.constant(np.arange(3 * 8 * 8, dtype=np.uint8).reshape(3, 8, 8, 1))
    nothing = augment.draw("none", tf.constant([0, 0], tf.int64), 2, 8, 8)
    assert nothing == {}
    got = augment.gather(images, tf.constant([2, 0], tf.int64), nothing)
    np.testing.assert_array_equal(got, images.numpy()[[2, 0]])
    np.testing.assert_array_equal(augment.erase(got, nothing), got)


def test_crop_and_flip_are_davidnets_without_the_cutout():
    crop_flip = augment.draw("crop_flip", tf.constant([1, 2], tf.int64), 64, 32, 32)
    _, numbers = drawn(64)
    assert set(crop_flip) == {"row", "column", "flip"}
    for key, value in crop_flip.items():
        np.testing.assert_array_equal(value, numbers[key])
    images = tf.ones([64, 32, 32, 3])
    np.testing.assert_array_equal(augment.erase(images, crop_flip), images)


def test_an_unknown_augmentation_names_the_nearest():
    with pytest.raises(ValueError, match="unknown augmentation 'david'.*did you mean 'davidnet'"):
        augment.check("david")
