"""Many small perceptrons on scikit-learn's digits, trained side by side: seconds for 7,038 updates.

What Tables 9 to 25 tune on ImageNet is tuned here where it costs nothing: the same optimizers, the
same number of updates, rates and schemes. Legend: S seeds, B examples of a batch, H hidden units.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from largebatch import data, optimizers
from largebatch.optimizers.schedules import GoyalSchedule

UNITS = 32  # H
CLASSES = 10
EPSILON = 1e-5  # of batch norm


class _Given(tf.keras.optimizers.schedules.LearningRateSchedule):
    """The rate of update t is rates[t], of a variable: another schedule needs no other program."""

    def __init__(self, steps: int):
        self.rates = tf.Variable(tf.zeros([steps]), trainable=False)

    def __call__(self, step):
        return tf.gather(self.rates, step)


def schedule_of(name: str, peak: float, steps: int) -> np.ndarray:
    """float32 [steps]: "constant", or "goyal" over 90 epochs."""
    if name == "constant":
        return np.full(steps, peak, np.float32)
    schedule = GoyalSchedule(peak, steps / 90)
    return np.asarray(schedule(np.arange(steps, dtype=np.float32)))


class Perceptrons:
    """S networks [64 pixels, H units, batch norm, ReLU, 10 classes] and one optimizer of them all.

    An optimizer that works element by element (Adam, AdamW, AdaGrad, momentum) trains each as if it
    were alone. Seed s draws its weights and its batches, uniformly with replacement, from s. Test
    images are scored with batch statistics of the whole training set.

    Args:
      optimizer: a name, and `settings` its settings.
      steps: updates of a run.
      seeds: S.
      batch: B; 18 of the 1,437 images are 80 updates an epoch, as 16,384 are 78 of ImageNet.
    """

    def __init__(
        self,
        optimizer: str,
        settings: Mapping[str, Any],
        steps: int,
        seeds: int = 3,
        batch: int = 18,
    ):
        digits = data.load("digits")
        self._train, self._test = (
            (tf.constant(images.reshape(len(images), -1) / 255 - 0.3, tf.float32), labels)
            for images, labels in (
                (digits.train_images, digits.train_labels),
                (digits.test_images, digits.test_labels),
            )
        )
        self._steps, self._seeds = steps, seeds
        draws = [np.random.default_rng([seed, 2]) for seed in range(seeds)]
        count = digits.num_train
        # [steps, S, B]
        self._order = np.stack([d.integers(0, count, [steps, batch], np.int32) for d in draws], 1)
        pixels = self._train[0].shape[1]
        shapes = {
            "hidden/kernel": (pixels, UNITS),
            "norm/gamma": (1, UNITS),
            "norm/beta": (1, UNITS),
            "logits/kernel": (UNITS, CLASSES),
            "logits/bias": (1, CLASSES),
        }
        self._weights = [
            tf.Variable(tf.zeros([seeds, *shape]), name=name) for name, shape in shapes.items()
        ]
        schedule = _Given(steps)
        self._rates = schedule.rates
        self._optimizer = optimizers.create(optimizer, schedule, **settings)
        self._optimizer.build(self._weights)
        self._slots = [v.numpy() for v in self._optimizer.variables]
        self._loop = tf.function(self._run, jit_compile=True)

    def accuracies(self, rates: np.ndarray) -> list[float]:
        """Trains anew with the rates [steps]; returns each seed's accuracy on the test images."""
        self._rates.assign(rates)
        for variable, value in zip(self._optimizer.variables, self._slots):
            variable.assign(value)
        for variable in self._weights:
            variable.assign(self._start(variable))
        self._loop(self._order)
        (images, labels), pixels = self._test, self._train[0][tf.newaxis]
        logits = self._logits(images[tf.newaxis], statistics_of=pixels)
        right = logits.numpy().argmax(-1) == labels
        return [float(share) for share in right.mean(-1)]

    def _start(self, variable) -> np.ndarray:
        """Glorot-uniform kernels, the rest as batch norm and biases start."""
        name, (seeds, *shape) = variable.name.partition(":")[0], variable.shape
        if not name.endswith("kernel"):
            return np.full(variable.shape, float(name.endswith("gamma")), np.float32)
        limit = np.sqrt(6 / sum(shape))
        number = int(name.startswith("logits"))
        return np.stack(
            [np.random.default_rng([seed, number]).uniform(-limit, limit, shape)
             for seed in range(seeds)]
        ).astype(np.float32)  # fmt: skip

    def _run(self, order):
        images, labels = self._train
        labels = tf.constant(labels)
        for step in tf.range(self._steps):
            index = order[step]
            with tf.GradientTape() as tape:
                logits = self._logits(tf.gather(images, index))
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                    tf.gather(labels, index), logits
                )
                loss = tf.reduce_sum(tf.reduce_mean(losses, -1))  # each seed's mean
            gradients = tape.gradient(loss, self._weights)
            self._optimizer.apply_gradients(zip(gradients, self._weights))

    def _logits(self, pixels, statistics_of=None):
        """[S or 1, B, 64] -> [S, B, 10]."""
        kernel, gamma, beta, head, bias = self._weights
        hidden = tf.matmul(pixels, kernel)
        normed = hidden if statistics_of is None else tf.matmul(statistics_of, kernel)
        mean, variance = tf.nn.moments(normed, 1, keepdims=True)
        hidden = tf.nn.batch_normalization(hidden, mean, variance, beta, gamma, EPSILON)
        return tf.matmul(tf.nn.relu(hidden), head) + bias
