"""One update on a batch in memory, without the loop and its input: what benchmarks compare with."""

from __future__ import annotations

import dataclasses

MOST_BYTES = 1 << 28  # of random images


def random_images(row):
    """An image set of the row's data set's shapes, with noise in it: speed does not need more."""
    import numpy as np

    from largebatch.data import ImageSet

    shapes = {
        "mnist": (28, 28, 1), "cifar10": (32, 32, 3), "digits": (32, 32, 1),
        "imagenet2012": (row.image_size, row.image_size, 3),
    }  # fmt: skip
    shape = shapes[row.dataset]
    classes = 1000 if row.dataset == "imagenet2012" else 10
    generator = np.random.default_rng(0)

    def images(count):
        return generator.integers(0, 256, (count, *shape), np.uint8)

    def labels(count):
        return generator.integers(0, classes, count, np.int32)

    count = min(row.training_examples, MOST_BYTES // (shape[0] * shape[1] * shape[2]))
    return ImageSet(
        row.dataset, images(count), labels(count), images(1), labels(1), classes,
        np.full(shape[-1], 0.5, np.float32), np.full(shape[-1], 0.25, np.float32),
    )  # fmt: skip


def on_random_images(row):
    """(The row as it is for images that have their size already, the images)."""
    if row.dataset == "imagenet2012":
        row = dataclasses.replace(row, augment="none")
    return row, random_images(row)


def update_of(task, model, optimizer, batch):
    """Returns a function that runs one update on `batch` and returns its loss."""
    import tensorflow as tf

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss, weight = task.loss(task.forward(model, batch, training=True), batch)
            loss /= weight
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    return step
