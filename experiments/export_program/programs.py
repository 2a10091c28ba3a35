"""A row's programs for one device: a batch, the update of each stage, the evaluation.

Built on the suite's own task, model, optimizer and training loop; only two things come as inputs
that a run has as constants: the seed, and a factor on the learning rate.
"""

from __future__ import annotations

import functools
from typing import Any

import tensorflow as tf

from largebatch.data.images.image_set import ImageSet
from largebatch.data.images.set_on_device import SetOnDevice
from largebatch.data.streams.updates import UpdateSlices
from largebatch.experiments.costs import micro_batch as memory
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tasks.schedule import learning_rate, optimizer_of
from largebatch.optimizers.keras_internals import rate_variable
from largebatch.tpu.loop.batch_plan import BatchPlan
from largebatch.tpu.loop.eval_loop import EvalLoop
from largebatch.tpu.loop.task import Task
from largebatch.tpu.loop.train_loop import TrainLoop
from largebatch.tpu.lowering.lowering import compile_nothing
from largebatch.tpu.lowering.portable_program import PortableProgram, portable_program

ONE_HOST = tf.distribute.InputContext(1, 0, 1)
FACTOR, RATE = "rate_factor", "current_learning_rate"


class Scaled(tf.keras.optimizers.schedules.LearningRateSchedule):
    """η_t = factor · schedule(t); the factor is a tensor while a program is traced."""

    def __init__(self, schedule: tf.keras.optimizers.schedules.LearningRateSchedule):
        self.schedule = schedule
        self.factor = 1.0

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return self.schedule(step) * self.factor

    def get_config(self) -> dict[str, Any]:
        return {"schedule": self.schedule}


class RowPrograms:
    """Lowers a row's programs.

    Args:
      row: After scale and overrides.
      task: The row's, with its data.
      strategy: Of one CPU device.
      micro_batch: Examples of one pass, for each stage; None: the whole batch.
    """

    def __init__(
        self, row: Row, task: Task, strategy: tf.distribute.Strategy, micro_batch: int | None
    ):
        self._task = task
        self._strategy = strategy
        self._row = row
        for stage in row.stages:
            memory.check_groups(row, stage, 1, micro_batch)
        self.plans = [
            BatchPlan.make(stage.batch_size, 1, micro_batch, task.pads_batches)
            for stage in task.stages
        ]
        self._schedule = Scaled(learning_rate(row))
        with strategy.scope():
            self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
            self.model = task.build_model()
            self.optimizer = optimizer_of(row, self._schedule)
            compile_nothing(self.optimizer)
            self.optimizer.build(self.model.trainable_variables)
        self._loop = TrainLoop(
            *(task, self.model, self.optimizer, strategy, self._step),
            clip_norm=row.clip_norm,
            clip_batch=row.clip_batch,
        )
        for plan in self.plans:
            self._loop.programs(plan)  # makes the sums over micro-batches, which are state

    @property
    def model_state(self) -> dict[str, tf.Variable]:
        return _named("model", self.model.variables)

    @property
    def state(self) -> dict[str, tf.Variable]:
        """All that an update may write, by name."""
        slots = _named("optimizer", self.optimizer.variables)
        rate = {RATE: rate_variable(self.optimizer)}
        return {**self.model_state, **slots, **rate, **_named("sum", self._loop.sums)}

    @property
    def layers(self) -> dict[str, str]:
        """Path of a layer -> the state with its norms and trust ratio, of a layer-wise rule."""
        statistics = getattr(self.optimizer, "_statistics", None) or []
        names = {id(variable): name for name, variable in self.state.items()}
        paths = getattr(self.optimizer, "_paths", [])
        return {path: names[id(variable)] for path, variable in zip(paths, statistics)}

    def element_spec(self, stage: int) -> dict[str, tf.TensorSpec]:
        """Of a micro-batch."""
        pieces = self.plans[stage].micro_batch
        return self._task.train_dataset(stage, ONE_HOST, pieces, 0).element_spec

    def update(self, stage: int) -> PortableProgram:
        """(state, micro-batches [M, ...], factor of the rate) -> (state, loss)."""
        plan = self.plans[stage]
        programs = self._loop.programs(plan)
        names = list(self.element_spec(stage))

        def update(rate_factor, **batch):
            self._schedule.factor = rate_factor

            def pick(place):
                return {name: tf.gather(batch[name], place) for name in names}

            if plan.accumulation == 1:
                loss = self._strategy.run(programs["update"], args=(pick(0),))
            else:

                def accumulate(place):
                    self._strategy.run(programs["accumulate"], args=(pick(place),))
                    return place + 1

                tf.while_loop(lambda place: place < plan.accumulation, accumulate, [tf.constant(0)])
                loss = self._strategy.run(programs["apply"])
            return {"loss": loss}

        arguments = {
            FACTOR: tf.TensorSpec([], tf.float32),
            **{
                name: tf.TensorSpec([plan.accumulation, *spec.shape], spec.dtype)
                for name, spec in self.element_spec(stage).items()
            },
        }
        return portable_program(update, arguments, self.state)

    def evaluate(self, batch_spec: dict[str, tf.TensorSpec]) -> PortableProgram:
        """(weights, an evaluation batch) -> sum and weight of each metric, NAME/0 and NAME/1."""
        sums = EvalLoop(self._task, self.model, self._strategy, None).replica_sums

        def evaluate(**batch):
            pairs = self._strategy.run(sums, args=(batch,))
            return {f"{name}/{part}": pair[part] for name, pair in pairs.items() for part in (0, 1)}

        return portable_program(evaluate, batch_spec, self.model_state, writes=False)

    def batch(self, images: ImageSet) -> PortableProgram:
        """(training set, positions in it, seed, step) -> the update's micro-batches."""
        plan, row = self.plans[0], self._row
        make = functools.partial(
            SetOnDevice(images).train_batch,
            slices=UpdateSlices(
                *(plan.batch_size, plan.micro_batch, ONE_HOST, self._task.pads_batches)
            ),
            augment=row.augment,
            dropout="dropout_seed" in self.element_spec(0),
        )
        arguments = {
            "images": tf.TensorSpec(images.train_images.shape, tf.uint8),
            "labels": tf.TensorSpec(images.train_labels.shape, tf.int32),
            "index": tf.TensorSpec([plan.batch_size], tf.int64),
            "seed": tf.TensorSpec([], tf.int64),
            "step": tf.TensorSpec([], tf.int64),
        }
        return portable_program(make, arguments, {})

    def eval_images(self, images: ImageSet, batch: int) -> PortableProgram:
        """(test set, number of the batch) -> its images."""
        device_set = SetOnDevice(images)

        def fetch(images, number):
            return {"image": device_set.eval_images(images, number, batch)}

        arguments = {
            "images": tf.TensorSpec(images.test_images.shape, tf.uint8),
            "number": tf.TensorSpec([], tf.int64),
        }
        return portable_program(fetch, arguments, {})


def _named(kind: str, variables) -> dict[str, tf.Variable]:
    """kind/NAME of each; two of one name get a number."""
    found: dict[str, tf.Variable] = {}
    for variable in variables:
        name = base = f"{kind}/{variable.name.removesuffix(':0')}"
        number = 1
        while name in found:
            number += 1
            name = f"{base}#{number}"
        found[name] = variable
    return found
