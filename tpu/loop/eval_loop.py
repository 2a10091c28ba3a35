"""Evaluation that counts every example once, whatever the batch and the number of replicas."""

from __future__ import annotations

import orbit
import tensorflow as tf

from largebatch.tpu.loop.task import Batch, Task
from largebatch.tpu.loop.without_autograph import without_autograph


class EvalLoop(orbit.AbstractEvaluator):
    """Sums a task's metrics over the whole evaluation set, then divides.

    Args:
      task: Gives the loss and the metrics as (sum, weight).
      model: The model under evaluation.
      strategy: Runs the replicas.
      dataset: The distributed evaluation dataset, padded with examples of weight 0.
    """

    def __init__(
        self,
        task: Task,
        model: tf.keras.Model,
        strategy: tf.distribute.Strategy,
        dataset: tf.data.Dataset,
    ):
        self._task = task
        self._model = model
        self._strategy = strategy
        self._dataset = dataset
        self._step = tf.function(without_autograph(self._sums))
        self.graph: tf.Graph | None = None  # of a batch, once there has been one

    def evaluate(self, num_steps: tf.Tensor | None = None) -> dict[str, float]:
        """Returns the mean of every metric, the mean loss, and how many examples were counted.

        Where batches say of some examples that they were left out ("left_out"), or that they are a
        subset which is scored by itself, too ("subset"), also how many those are.

        Raises:
          ValueError: there is no example, or another number than the task's.
        """
        totals: dict[str, list[float]] = {}
        for batch in self._dataset:
            if self.graph is None:
                self.graph = self._step.get_concrete_function(batch).graph
            for name, pair in self._step(batch).items():
                total = totals.setdefault(name, [0.0, 0.0])
                # Summed in Python's float64: float32 loses counts beyond 2^24.
                total[0] += float(pair[0])
                total[1] += float(pair[1])
        if not totals or not totals["loss"][1]:
            raise ValueError("the evaluation set is empty: at least one example is needed")
        examples, _ = totals.pop("examples")
        left_out, _ = totals.pop("left_out", (0.0, 0.0))
        subset, _ = totals.pop("subset", (0.0, 0.0))
        wanted = self._task.eval_examples
        if wanted is not None and examples + left_out != wanted:
            raise ValueError(
                f"the evaluation counted {examples:.0f} examples and left out {left_out:.0f}; "
                f"wanted {wanted} together"
            )
        results = {name: total / weight for name, (total, weight) in totals.items() if weight}
        counts = {"examples": int(examples)}
        if left_out:
            counts["left_out"] = int(left_out)
        if subset:
            counts["subset_examples"] = int(subset)
        return {**self._task.finish_evaluation(results), **counts}

    def _sums(self, batch):
        per_replica = self._strategy.run(self.replica_sums, args=(batch,))
        return tf.nest.map_structure(
            lambda value: self._strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None),
            per_replica,
        )

    def replica_sums(self, batch: Batch) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        """(sum, weight) of the loss, of the counts and of each metric, over one replica's batch."""
        outputs = self._task.forward(self._model, batch, training=False)
        loss, weight = self._task.loss(outputs, batch)
        examples = tf.reduce_sum(batch["weight"]) if "weight" in batch else weight
        counted = [key for key in ("left_out", "subset") if key in batch]
        counts = {key: tf.reduce_sum(batch[key]) for key in counted}
        return {
            "loss": (loss, weight),
            "examples": (examples, tf.ones_like(examples)),
            **{name: (count, tf.ones_like(count)) for name, count in counts.items()},
            **self._task.metrics(outputs, batch),
        }
