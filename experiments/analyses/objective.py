"""The training loss as a function of the weights alone: f(x) on examples that do not change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tasks import workload
from largebatch.tpu import without_autograph

if TYPE_CHECKING:
    from largebatch.tpu.loop.task import Batch, Task

LARGEST_PASS = 256  # examples in one forward and backward pass


class Objective:
    """f(x) = sum of the examples' losses / sum of their weights; x are the trainable weights.

    x is one float64 vector, the variables in the model's order; TensorFlow sees it in the
    variables' own precision.

    Args:
      task: Gives the loss.
      model: Whose weights are x. Every method leaves its other variables as they were.
      batches: The micro-batches, iterated over once an evaluation.
      training: How the model is called. In training, batch norm takes the statistics of each
        micro-batch and dropout its mask, which the batch names; otherwise batch norm takes its
        moving averages.
    """

    def __init__(self, task: Task, model: tf.keras.Model, batches: Iterable[Any], training: bool):
        self._task, self._model, self._batches = task, model, batches
        self._training = training
        self._variables = model.trainable_variables
        self._one_pass = tf.function(without_autograph(self._sums))

    @property
    def weights(self) -> np.ndarray:
        return _flat([variable.numpy() for variable in self._variables])

    @weights.setter
    def weights(self, x: np.ndarray) -> None:
        begin = 0
        for variable in self._variables:
            end = begin + int(np.prod(variable.shape))
            variable.assign(x[begin:end].reshape(variable.shape))
            begin = end

    def variables(self) -> list[np.ndarray]:
        """x by variable."""
        return [variable.numpy().astype(np.float64) for variable in self._variables]

    def assign(self, number: int, values: np.ndarray) -> None:
        """Sets one of the variables."""
        self._variables[number].assign(values)

    def gradients(self) -> tuple[float, list[np.ndarray]]:
        """(f, its gradient by variable) at the model's present weights."""
        totals = None
        for terms in self._passes():
            totals = terms if totals is None else [a + b for a, b in zip(totals, terms)]
        *gradients, loss, weight = (total.numpy().astype(np.float64) for total in totals)
        return float(loss / weight), [gradient / weight for gradient in gradients]

    def gradients_of_batches(self) -> Iterator[list[np.ndarray]]:
        """The gradient of each micro-batch's own mean loss, by variable."""
        for terms in self._passes():
            *gradients, _, weight = (term.numpy().astype(np.float64) for term in terms)
            yield [gradient / weight for gradient in gradients]

    def _passes(self) -> Iterator[list[tf.Tensor]]:
        """The sums of each micro-batch; the model's other variables are put back at the end."""
        kept = [(v, v.numpy()) for v in self._model.non_trainable_variables]
        for batch in self._batches:
            yield self._one_pass(batch)
        for variable, value in kept:
            variable.assign(value)

    def value_and_gradient(self, x: np.ndarray | None = None) -> tuple[float, np.ndarray]:
        """(f(x), its gradient), at x or at the present weights; the weights stay at x."""
        if x is not None:
            self.weights = x
        value, gradients = self.gradients()
        return value, _flat(gradients)

    def _sums(self, batch) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            outputs = self._task.forward(self._model, batch, training=self._training)
            loss, weight = self._task.loss(outputs, batch)
        gradients = tape.gradient(
            loss, self._variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return [*(tf.convert_to_tensor(gradient) for gradient in gradients), loss, weight]


def first_examples(
    row: Row, data_dir: str | None, seed: int, count: int, stage: int, largest: int = LARGEST_PASS
) -> tuple[Task, list[Batch]]:
    """(task, micro-batches in memory): the first `count` training examples of a stage, as they are.

    The same examples whatever the row's batch size, so that runs can be compared; images without
    augmentation where the row's task can leave it out.

    Raises:
      UserError: There are not so many.
    """
    available = row.training_examples
    if available is not None and count > available:
        raise UserError(f"--examples={count}: {row.name} has {available} training examples")
    whole = dataclasses.replace(row, batch_size=count, precision="float32")
    if row.augment == "davidnet":
        whole = dataclasses.replace(whole, augment="none")
    if row.stage2_steps:
        whole = dataclasses.replace(whole, stage2_batch_size=count)
    task = workload.load(whole, data_dir, seed).task
    return task, list(first_batch(task, stage % len(whole.stages), largest))


def first_batch(task: Task, stage: int = 0, largest: int = LARGEST_PASS) -> tf.data.Dataset:
    """The micro-batches of a stage's first update, on one device, of at most `largest` examples."""
    size = task.stages[stage].batch_size
    passes = next(n for n in range(-(-size // largest), size + 1) if size % n == 0)
    context = tf.distribute.InputContext(1, 0, 1)
    return task.train_dataset(stage, context, size // passes, 0).take(passes)


def _flat(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])
