"""What appendix C is about, at one set of weights: |grad_i f|, L_i and sigma_i of each layer.

A layer is a variable: what LARS and LAMB normalise by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from largebatch.experiments.analyses.objective import Objective

if TYPE_CHECKING:
    import tensorflow as tf

    from largebatch.tpu.loop.task import Batch, Task

STEP = 1e-3  # of the difference, as a share of the layer's norm, or of all weights' where that is 0


class Look(NamedTuple):
    """[h] each."""

    gradient: np.ndarray  # |grad_i f|
    smoothness: np.ndarray  # L_i
    noise: np.ndarray  # sigma_i


def norms(parts: list[np.ndarray]) -> np.ndarray:
    return np.array([float(np.linalg.norm(part)) for part in parts])


def smoothness(objective: Objective, iterations: int) -> np.ndarray:
    """L_i: the largest change of a layer's gradient over a small change of its weights, [h].

    Power iteration on the layer's own block of the Hessian, from its gradient's direction, each
    product a central difference:

        v <- (grad_i f(x + h v) - grad_i f(x - h v)) / 2h,    L_i = |v|, then v <- v / |v|

    A lower bound of the largest eigenvalue's size, which more iterations raise; local, where
    equation 2 is of all x; of the mean loss, where it is of each sample's. The weights are left as
    they were.
    """
    before = objective.variables()
    overall = float(np.linalg.norm(norms(before)))
    found = []
    for number, direction in enumerate(objective.gradients()[1]):
        size = float(np.linalg.norm(direction))
        largest = 0.0
        for _ in range(iterations if size else 0):
            v = direction / size
            h = STEP * (float(np.linalg.norm(before[number])) or overall)
            products = []
            for sign in (1, -1):
                objective.assign(number, before[number] + sign * h * v)
                products.append(objective.gradients()[1][number])
            direction = (products[0] - products[1]) / (2 * h)
            size = float(np.linalg.norm(direction))
            largest = max(largest, size)
            if not np.isfinite(size) or size == 0:
                break
        objective.assign(number, before[number])
        found.append(largest)
    return np.array(found)


def noise(groups: Objective, size: int) -> np.ndarray:
    """sigma_i of one sample's gradient: sqrt(size times the variance of groups' means), [h].

    Args:
      groups: Its micro-batches are the groups, of `size` examples each, none in two.
      size: Of a group; the variance of a mean of independent samples is theirs by its number.
    """
    count, total, squares = 0, None, None
    for gradients in groups.gradients_of_batches():
        count += 1
        if total is None:
            total, squares = [0.0 * g for g in gradients], np.zeros(len(gradients))
        total = [a + b for a, b in zip(total, gradients)]
        squares += norms(gradients) ** 2
    variance = (squares - norms(total) ** 2 / count) / (count - 1)
    return np.sqrt(size * np.maximum(variance, 0.0))


class LookObserver:
    """Records the looks while a run trains (a tpu.Observer).

    Args:
      task: Gives the loss.
      batches: The micro-batches of f, the same at every look.
      groups: The same examples in groups of `group`.
      group: Examples.
      steps: The updates after which the gradient is looked at.
      full: Those of them at which L_i and sigma_i are measured, too.
      iterations: Of the power iteration.
    """

    kind = "layer_density"

    def __init__(
        self,
        task: Task,
        batches: Iterable[Batch],
        groups: Iterable[Batch],
        group: int,
        steps: Collection[int],
        full: Collection[int],
        iterations: int,
    ):
        self._task, self._batches, self._groups, self._group = task, batches, groups, group
        self.steps, self._full, self._iterations = steps, full, iterations

    def begin(self, model: tf.keras.Model) -> None:
        self._objective = Objective(self._task, model, self._batches, training=True)
        self._by_group = Objective(self._task, model, self._groups, training=True)

    def observe(self, step: int, model: tf.keras.Model) -> dict[str, Any]:
        weights = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
        found = {"gradient": norms(self._objective.gradients()[1])}
        if step in self._full:
            found["smoothness"] = smoothness(self._objective, self._iterations)
            found["noise"] = noise(self._by_group, self._group)
        # A run near its divergence may have weights that overflow; JSON has no word for these.
        sound = all(np.isfinite(values).all() for values in found.values())
        told = {k: v.tolist() for k, v in found.items()} if sound else {"gradient": None}
        return {**told, "weights": weights}
