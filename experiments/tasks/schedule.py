"""A row's learning rate over its run, and the optimizer that follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from largebatch import optimizers
from largebatch.experiments.rows.row import Row
from largebatch.optimizers.schedules import Constant, GoyalSchedule, Stages, WarmupPolynomialDecay

if TYPE_CHECKING:
    import tensorflow as tf


def optimizer_of(
    row: Row, schedule: tf.keras.optimizers.schedules.LearningRateSchedule | None = None
) -> tf.keras.optimizers.Optimizer:
    """A new optimizer of the row's kind and settings; `schedule` in place of its learning rate."""
    schedule = learning_rate(row) if schedule is None else schedule
    return optimizers.create(row.optimizer, schedule, **row.optimizer_settings)


def learning_rate(row: Row) -> tf.keras.optimizers.schedules.LearningRateSchedule:
    """Returns the row's schedule: update number (from 0) -> rate.

    Two stages are two schedules, the second one warming up again from 0; or, without re-warm-up,
    parts of one decay over the whole run, each below its own stage's peak.
    """
    stages = row.stages
    if len(stages) == 1:
        return _stage(row, stages[0])
    if row.rewarmup or row.schedule != "warmup_linear":
        return Stages([(_stage(row, stage), stage.steps) for stage in stages])
    return Stages(_one_decay(row))


def _one_decay(row: Row) -> list[tuple]:
    first, *later = row.stages
    whole = first._replace(steps=row.steps)
    parts = [(_stage(row, whole), first.steps)]
    left = row.steps - first.steps
    total = row.steps - (first.warmup_steps if row.decay_from == "warmup_end" else 0)
    for stage in later:
        # From peak (1 - t/T) at its start, along the same straight line to 0 at T.
        start = stage.learning_rate * left / total
        parts.append((WarmupPolynomialDecay(start, 0, left), stage.steps))
        left -= stage.steps
    return parts


def _stage(row: Row, stage):
    if row.schedule == "constant":
        rate = stage.learning_rate
        if not stage.warmup_steps:
            return Constant(rate)
        return WarmupPolynomialDecay(rate, stage.warmup_steps, stage.steps, end=rate)
    if row.schedule == "goyal":
        return GoyalSchedule(
            stage.learning_rate,
            row.steps_per_epoch,
            warmup_epochs=row.warmup_epochs,
            # Of the recipe's 90 epochs; a longer or shorter run keeps the shares.
            boundaries=[row.epochs * epoch / 90 for epoch in (30, 60, 80)],
            initial=row.initial_learning_rate,
        )
    return WarmupPolynomialDecay(
        stage.learning_rate,
        stage.warmup_steps,
        stage.steps,
        power=1.0 if row.decay_power is None else row.decay_power,
        end=0.0 if row.end_learning_rate is None else row.end_learning_rate,
        decay_start=stage.warmup_steps if row.decay_from == "warmup_end" else 0,
    )
