"""Batches that XLA makes out of a set on the device are those of the pipeline, bit for bit."""

import numpy as np
import pytest
import tensorflow as tf

from largebatch.data import ImageSet, Updates, train_dataset
from largebatch.data.images.evaluation import eval_dataset
from largebatch.data.images.set_on_device import SetOnDevice
from largebatch.data.streams.updates import (
    SHUFFLE_STREAM,
    permutation,
    stream_seed,
)

ONE_HOST = tf.distribute.InputContext(1, 0, 1)
SEED = 2**40 + 7


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)

    def of(count):
        pixels = random.integers(0, 256, (count, 12, 10, 3), dtype=np.uint8)
        return pixels, random.integers(0, 10, count, dtype=np.int32)

    mean, std = np.float32([0.49, 0.31, 0.7]), np.float32([0.21, 0.27, 0.33])
    return ImageSet("cifar10", *of(40), *of(11), 10, mean, std)


def order_of(count, seed, length):
    epochs = range(-(-length // count))
    orders = [
        permutation(count, stream_seed(seed, tf.constant(SHUFFLE_STREAM + e, tf.int64)))
        for e in epochs
    ]
    return np.concatenate(orders)[:length]


# Of two epochs and of more, in one piece and in several, of which the last is filled up.
STRADDLES, SPANS, PADDED = (16, 16, 6), (100, 50, 2), (10, 4, 3)


# How an image is augmented does not depend on how the batch is cut.
@pytest.mark.parametrize(
    ("augment", "sizes"), [("crop_flip", SPANS), ("davidnet", PADDED), ("none", STRADDLES)]
)
def test_a_batch_is_the_pipelines_bit_for_bit(images, augment, sizes):
    batch, micro_batch, steps = sizes
    updates = Updates(batch, micro_batch, ONE_HOST, SEED, first_step=0, steps=steps, pad=True)
    dataset = updates.with_dropout_seeds(train_dataset(images, updates, augment=augment))
    slices = updates.slices()
    on_device = SetOnDevice(images)

    @tf.function(jit_compile=True, autograph=False)
    def make(pixels, labels, index, seed, step):
        settings = {"slices": slices, "augment": augment, "dropout": True}
        return on_device.train_batch(pixels, labels, index, seed, step, **settings)

    order = order_of(40, SEED, batch * steps)
    elements = list(dataset.as_numpy_iterator())
    assert len(elements) == steps * slices.pieces
    for step in range(steps):
        made = make(
            images.train_images, images.train_labels, order[step * batch : (step + 1) * batch],
            tf.constant(SEED, tf.int64), tf.constant(step, tf.int64),
        )  # fmt: skip
        wanted = elements[step * slices.pieces : (step + 1) * slices.pieces]
        assert set(made) == set(wanted[0])
        for name, value in made.items():
            stacked = np.stack([element[name] for element in wanted])
            assert value.dtype == stacked.dtype
            np.testing.assert_array_equal(value.numpy(), stacked, err_msg=name)


def test_the_images_of_an_evaluation_are_the_pipelines_bit_for_bit(images):
    on_device = SetOnDevice(images)
    fetch = tf.function(on_device.eval_images, jit_compile=True, autograph=False)
    dataset = eval_dataset(images, batch=4, context=ONE_HOST)
    for number, element in enumerate(dataset.as_numpy_iterator()):
        made = fetch(images.test_images, tf.constant(number, tf.int64), 4)
        np.testing.assert_array_equal(made.numpy(), element["image"])
