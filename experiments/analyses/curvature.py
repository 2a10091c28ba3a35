"""L(x, g) = g' H g / |g|^2, the curvature of the loss along its gradient g, by finite difference.

The slides (why LEGW works): of all steps -eta g, the second-order model of f falls most with
eta = 1 / L(x, g). So 1 / L bounds the rate that the present weights can bear.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from largebatch.experiments.analyses.objective import Objective

if TYPE_CHECKING:
    import tensorflow as tf

    from largebatch.tpu.loop.task import Batch, Task

STEP = 1e-3  # of the difference, as a share of |x|


class Curvature(NamedTuple):
    lipschitz: float
    gradient_norm: float
    loss: float


def along_gradient(objective: Objective) -> Curvature:
    """L at the objective's present weights, which it leaves as they were.

        L = u . (grad f(x + h u) - grad f(x - h u)) / 2h,    u = g / |g|, h = STEP |x|

    The error is of order h^2 f'''' and, from float32, about 1e-7 |g| / h. The kinks of ReLU and
    max-pooling that lie within h count, as they do for a step; the Hessian, which is blind to them,
    gives a fifth less on LeNet-5 at its start.
    """
    x = objective.weights
    loss, gradient = objective.value_and_gradient()
    norm = float(np.linalg.norm(gradient))
    if norm == 0:
        return Curvature(0.0, 0.0, loss)
    u, h = gradient / norm, STEP * max(float(np.linalg.norm(x)), 1e-6)
    _, ahead = objective.value_and_gradient(x + h * u)
    _, behind = objective.value_and_gradient(x - h * u)
    objective.weights = x
    return Curvature(float(u @ (ahead - behind)) / (2 * h), norm, loss)


class CurvatureObserver:
    """Records L while a run trains (a tpu.Observer).

    Args:
      task, batches: The examples of f, the same at every look.
      steps: The updates to look at.
    """

    kind = "lipschitz"

    def __init__(self, task: Task, batches: Iterable[Batch], steps: Collection[int]):
        self._task, self._batches, self.steps = task, batches, steps
        self._objective: Objective | None = None

    def begin(self, model: tf.keras.Model) -> None:
        # As the run's own gradient is taken: batch norm by the batch, dropout on.
        self._objective = Objective(self._task, model, self._batches, training=True)

    def observe(self, step: int, model: tf.keras.Model) -> dict[str, float | None]:
        found = along_gradient(self._objective)
        # A run near its divergence may have weights that overflow; JSON has no word for these.
        return {k: v if np.isfinite(v) else None for k, v in found._asdict().items()}
