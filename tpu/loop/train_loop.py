"""The inner loop: `steps_per_loop` updates in one `tf.function`, on any strategy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import orbit
import tensorflow as tf

from largebatch.tpu.loop.batch_plan import BatchPlan
from largebatch.tpu.loop.task import Task
from largebatch.tpu.loop.without_autograph import without_autograph

# After this many skipped updates in a row a run rarely recovers.
MAX_REFUSED_IN_A_ROW = 10
# What stands for the loss of an update without examples: no loss is.
_NO_EXAMPLE = -math.inf


class Diverged(Exception):
    """The loss is not finite, or the optimizer refuses every gradient."""

    def __init__(self, last_step: int, last_loss: float | None):
        super().__init__(f"diverged after step {last_step}, loss {last_loss}")
        self.last_step = last_step
        self.last_loss = last_loss


class EmptyUpdate(ValueError):
    """No example of an update has any weight: all of its data were left out."""

    def __init__(self, step: int):
        super().__init__(f"no example of update {step} could be used: all its data were left out")
        self.step = step


class TrainLoop(orbit.AbstractTrainer):
    """Runs updates; one update of K micro-batches on R replicas is, in this order:

    the gradients of summed losses, summed over the K micro-batches; one all-reduce; division by
    the all-reduced weight; clipping by global norm, where the recipe clips; one optimizer update.
    So K x R x b examples in pieces are one batch of K·R·b, to rounding.

    A recipe may clip groups of c = `clip_batch` examples of a batch of B before the sum, as a TPU
    whose cores clip what each has computed. With g_j the mean gradient of group j, weighted by its
    examples' weights, and w_j their sum,

        g = sum_j w_j clip(g_j) / sum_j w_j,        clip(x) = x min(1, clip_norm / |x|)

    This is the mean over the groups. Where the groups' gradients are added up instead, g is B / c
    times as large. An optimizer that divides by sqrt(v) + epsilon then does what it does here with
    epsilon c / B. Each group is a forward and backward pass of its own, one after another.

    What the forward pass writes, batch norm's moving averages, moves once in an update, too: every
    micro-batch moves them from where the update found them, and they are left moved by the mean.

    Args:
      task: Gives the loss.
      model: Built under the strategy's scope.
      optimizer: Applies gradients that are already summed over replicas.
      strategy: Runs the replicas.
      global_step: Counts updates tried; the optimizer's own counter leaves out those it refused.
      clip_norm: Largest global norm of the mean gradient; None does not clip.
      clip_batch: Examples of a group that is clipped; it divides a micro-batch. None clips the mean
        over the whole batch.
      all_reduce: Sums tensors over the replicas, called by each; None takes the strategy's.
    """

    def __init__(
        self,
        task: Task,
        model: tf.keras.Model,
        optimizer: tf.keras.optimizers.Optimizer,
        strategy: tf.distribute.Strategy,
        global_step: tf.Variable,
        clip_norm: float | None = None,
        clip_batch: int | None = None,
        all_reduce: Callable[[list], list] | None = None,
    ):
        self._task = task
        self._model = model
        self._optimizer = optimizer
        self._strategy = strategy
        self._global_step = global_step
        if clip_batch is not None and clip_norm is None:
            raise ValueError(f"clip_batch={clip_batch} needs a clip_norm")
        self._clip_norm = clip_norm
        self._clip_batch = clip_batch
        self._all_reduce = all_reduce or _all_reduce_of_the_strategy
        self._sums: list[tf.Variable] | None = None
        # Each replica's own: the forward pass may write no others.
        self._averages = [
            variable
            for variable in model.non_trainable_variables
            if variable.synchronization == tf.VariableSynchronization.ON_READ
        ]
        self._iterator: Any = None
        self._loop: Any = None
        # The step and loss of the last update whose loss was finite.
        self.last_step = 0
        self.last_loss: float | None = None
        self._refused_in_a_row = 0

    def start_stage(self, plan: BatchPlan, dataset: tf.distribute.DistributedDataset) -> None:
        """Takes a stage's batch plan and distributed dataset; a stage has its own traced loop."""
        self._iterator = iter(dataset)
        self._loop = tf.function(without_autograph(self._run_updates))
        self.programs(plan)

    def programs(self, plan: BatchPlan) -> dict[str, Callable]:
        """Takes a batch plan; returns what one replica executes under it, by name.

        `update` is one whole update of a batch; where a batch comes in micro-batches, `accumulate`
        is one of them and `apply` what follows the last.

        Raises:
          ValueError: If a micro-batch is not a whole number of the groups that are clipped.
        """
        self._plan = plan
        if plan.micro_batch % (self._clip_batch or 1):
            raise ValueError(
                f"clip_batch={self._clip_batch} does not divide a micro-batch of "
                f"{plan.micro_batch}; choose a micro-batch that is a multiple of it"
            )
        if plan.accumulation == 1:
            return {"update": self._step}
        if self._sums is None:
            # Gradient by gradient, then the losses' sum and the weights' sum.
            terms = [(v.shape, v.dtype) for v in self._model.trainable_variables]
            terms += [((), tf.keras.backend.floatx())] * 2
            moves = [(v.shape, v.dtype) for v in self._averages]
            with self._strategy.scope():
                self._sums, self._moves = (
                    [
                        tf.Variable(
                            tf.zeros(shape, dtype),
                            trainable=False,
                            synchronization=tf.VariableSynchronization.ON_READ,
                            aggregation=tf.VariableAggregation.SUM,
                        )
                        for shape, dtype in summed
                    ]
                    for summed in (terms, moves)
                )
        return {"accumulate": self._accumulate, "apply": self._step_from_sums}

    @property
    def sums(self) -> list[tf.Variable]:
        """What is summed over micro-batches; empty before there are any."""
        return [] if self._sums is None else [*self._sums, *self._moves]

    def train(self, num_steps: tf.Tensor) -> dict[str, float]:
        """Runs `num_steps` updates and returns the mean loss over them, and the rate.

        Raises:
          Diverged: If a loss was not finite or too many updates in a row were refused.
          EmptyUpdate: If an update had nothing to learn from.
        """
        start = int(self._global_step.numpy())
        finite, loss_sum, last_step, last_loss, self._refused_in_a_row, empty = (
            value.numpy()
            for value in self._loop(
                self._iterator, num_steps, tf.constant(self._refused_in_a_row, tf.int32)
            )
        )
        if last_step > start:
            self.last_step, self.last_loss = int(last_step), float(last_loss)
        if empty == last_step + 1:
            raise EmptyUpdate(int(empty))
        if not finite or self._refused_in_a_row >= MAX_REFUSED_IN_A_ROW:
            raise Diverged(self.last_step, self.last_loss)
        return {
            "loss": float(loss_sum) / int(num_steps),
            "learning_rate": float(tf.convert_to_tensor(self._optimizer.learning_rate)),
        }

    def _run_updates(self, iterator, num_steps, refused_in_a_row):
        def one(number, finite, loss_sum, last_step, last_loss, refused_in_a_row, empty):
            applied_before = tf.identity(self._optimizer.iterations)
            loss = tf.cast(self._update(iterator), tf.float32)
            applied = self._optimizer.iterations - applied_before
            self._global_step.assign_add(1)
            first = tf.logical_and(loss == _NO_EXAMPLE, empty == 0)
            empty = tf.where(first, self._global_step, empty)
            finite = tf.logical_and(finite, tf.math.is_finite(loss))
            last_step = tf.where(finite, self._global_step, last_step)
            last_loss = tf.where(finite, loss, last_loss)
            loss_sum += tf.where(finite, loss, 0.0)
            refused_in_a_row = tf.where(applied > 0, 0, refused_in_a_row + 1)
            after = (finite, loss_sum, last_step, last_loss, refused_in_a_row, empty)
            return (number + 1, *after)

        num_steps = tf.convert_to_tensor(num_steps)
        nought, step = tf.constant(0.0), tf.identity(self._global_step)
        before = (tf.zeros_like(num_steps), tf.constant(True), nought, step, nought)
        empty = tf.zeros_like(step)  # the first update without examples
        _, *after = tf.while_loop(
            lambda number, *_: number < num_steps, one, (*before, refused_in_a_row, empty)
        )
        return after

    def _update(self, iterator) -> tf.Tensor:
        """One optimizer update, in cross-replica context; returns the mean loss."""
        if self._plan.accumulation == 1:
            loss = self._strategy.run(self._step, args=(next(iterator),))
        else:

            def accumulate(number):
                self._strategy.run(self._accumulate, args=(next(iterator),))
                return number + 1

            passes = self._plan.accumulation
            tf.while_loop(lambda number: number < passes, accumulate, (tf.constant(0),))
            loss = self._strategy.run(self._step_from_sums)
        # Reduced inside the update: the same on every replica.
        return self._strategy.experimental_local_results(loss)[0]

    # In replica context.

    def _sum_terms(self, batch) -> list[tf.Tensor]:
        """Returns the gradients of the summed loss, the loss's sum and the weights' sum."""
        batch = self._with_totals(batch)
        if self._clip_batch is None:
            return self._terms_of(batch)
        groups = self._plan.micro_batch // self._clip_batch
        if groups == 1:
            return self._clipped_terms_of(batch)
        starts = [average.read_value() for average in self._averages]

        def add_group(number, terms, moves):
            group = tf.nest.map_structure(lambda value: self._group_of(value, number), batch)
            terms = [a + b for a, b in zip(terms, self._clipped_terms_of(group))]
            moved = []
            for average, start, move in zip(self._averages, starts, moves):
                moved.append(move + average.read_value() - start)
                average.assign(start)
            return number + 1, terms, moved

        variables = self._model.trainable_variables
        nothing = [tf.zeros(v.shape, v.dtype) for v in variables]
        nothing += [tf.zeros([], tf.keras.backend.floatx())] * 2
        # One at a time: TensorFlow would hold the activations of ten.
        _, terms, moves = tf.while_loop(
            lambda number, *_: number < groups,
            add_group,
            (tf.constant(0), nothing, [tf.zeros_like(start) for start in starts]),
            parallel_iterations=1,
            maximum_iterations=groups,
        )
        for average, move in zip(self._averages, moves):
            average.assign_add(move / groups)
        return terms

    def _group_of(self, value, number):
        """The group's part of a tensor of the batch."""
        if value.shape.rank == 0 or value.shape[0] != self._plan.micro_batch:
            raise ValueError(
                f"clip_batch={self._clip_batch} needs batches that fall apart into examples; found "
                f"a tensor of shape {value.shape}"
            )
        begin = [number * self._clip_batch] + [0] * (value.shape.rank - 1)
        return tf.slice(value, begin, [self._clip_batch, *value.shape[1:]])

    def _clipped_terms_of(self, batch) -> list[tf.Tensor]:
        """As `_terms_of`, with the mean gradient clipped."""
        *gradients, loss_sum, weight_sum = self._terms_of(batch)
        means = [tf.math.divide_no_nan(gradient, weight_sum) for gradient in gradients]
        clipped, _ = tf.clip_by_global_norm(means, self._clip_norm)
        return [*(gradient * weight_sum for gradient in clipped), loss_sum, weight_sum]

    def _terms_of(self, batch) -> list[tf.Tensor]:
        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            outputs = self._task.forward(self._model, batch, training=True)
            loss_sum, weight_sum = self._task.loss(outputs, batch)
        gradients = tape.gradient(
            loss_sum, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return [*(tf.convert_to_tensor(g) for g in gradients), loss_sum, weight_sum]

    def _with_totals(self, batch):
        """The batch with its totals over the update summed over the replicas."""
        if self._plan.replicas == 1 or not self._task.update_totals:
            return batch
        keys = list(self._task.update_totals)
        sums = self._all_reduce([batch[key] for key in keys])
        return {**batch, **dict(zip(keys, sums))}

    def _accumulate(self, batch) -> None:
        starts = [average.read_value() for average in self._averages]
        for total, term in zip(self._sums, self._sum_terms(batch)):
            total.assign_add(term)
        for average, start, move in zip(self._averages, starts, self._moves):
            move.assign_add(average - start)
            average.assign(start)

    def _step_from_sums(self) -> tf.Tensor:
        loss = self._apply([total.read_value() for total in self._sums])
        for average, move in zip(self._averages, self._moves):
            average.assign_add(move / self._plan.accumulation)
        for total in self.sums:
            total.assign(tf.zeros_like(total))
        return loss

    def _step(self, batch) -> tf.Tensor:
        return self._apply(self._sum_terms(batch))

    def _apply(self, terms: list[tf.Tensor]) -> tf.Tensor:
        if self._plan.replicas > 1:
            terms = self._all_reduce(terms)
        *gradients, loss_sum, weight_sum = terms
        gradients = [gradient / weight_sum for gradient in gradients]
        if self._clip_norm is not None and self._clip_batch is None:
            gradients, _ = tf.clip_by_global_norm(gradients, self._clip_norm)
        self._optimizer.apply_gradients(
            zip(gradients, self._model.trainable_variables), skip_gradients_aggregation=True
        )
        return tf.where(weight_sum > 0, loss_sum / weight_sum, _NO_EXAMPLE)


def _all_reduce_of_the_strategy(tensors: list[tf.Tensor]) -> list[tf.Tensor]:
    replica = tf.distribute.get_replica_context()
    return replica.all_reduce(tf.distribute.ReduceOp.SUM, tensors)
