"""A row's learning rate over its run."""

from __future__ import annotations

from largebatch.experiments.experiment import Row
from largebatch.optimizers.schedules import Constant, GoyalSchedule, Stages, WarmupPolynomialDecay


def learning_rate(row: Row):
    """Returns the row's schedule: update number (from 0) -> rate, restarted at each stage."""
    schedules = [(_stage(row, stage), stage.steps) for stage in row.stages]
    return schedules[0][0] if len(schedules) == 1 else Stages(schedules)


def _stage(row: Row, stage):
    if row.schedule == "constant":
        return Constant(stage.learning_rate)
    if row.schedule == "goyal":
        return GoyalSchedule(
            stage.learning_rate, row.steps_per_epoch, warmup_epochs=row.warmup_epochs
        )
    return WarmupPolynomialDecay(
        stage.learning_rate,
        stage.warmup_steps,
        stage.steps,
        decay_start=stage.warmup_steps if row.decay_from == "warmup_end" else 0,
    )
