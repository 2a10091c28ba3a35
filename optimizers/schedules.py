"""Learning-rate schedules: η_t as a function of t, the number of updates made before this one.

Each takes t (a scalar tensor of any integer or float type, or a number) and returns float32.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Union

import tensorflow as tf

# What an optimizer takes as η: a number, or a function of the updates made.
LearningRate = Union[float, tf.keras.optimizers.schedules.LearningRateSchedule]


def _register(cls: type) -> type:
    return tf.keras.utils.register_keras_serializable(package="largebatch")(cls)


@_register
class Constant(tf.keras.optimizers.schedules.LearningRateSchedule):
    """η_t = rate."""

    def __init__(self, rate: float):
        self.rate = float(rate)

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return tf.constant(self.rate, tf.float32)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate}


@_register
class WarmupPolynomialDecay(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then polynomial decay: the paper's η_t = η₀ (1 − t/T) with power 1.

        t < warmup_steps:   peak · t / warmup_steps
        else:               end + (peak − end) · (1 − s)^power
                            s = (t − decay_start) / (total_steps − decay_start), at most 1

    `decay_start` is the update at which the decay's clock starts. 0, the default, is the paper's
    formula and BERT's code: the decay runs from the first update, so the rate falls to
    peak · (1 − warmup/total) as the warm-up ends. `decay_start=warmup_steps` starts it at `peak`.
    From total_steps on the rate is `end`. The first update has t = 0, whose rate is 0 if there is a
    warm-up: the update does nothing but to start the moments, as in BERT's code.
    """

    def __init__(
        self,
        peak: float,
        warmup_steps: int,
        total_steps: int,
        power: float = 1.0,
        end: float = 0.0,
        decay_start: int = 0,
    ):
        if not 0 <= warmup_steps <= total_steps or total_steps <= 0:
            raise ValueError(
                f"want 0 <= warmup_steps <= total_steps and total_steps > 0, found "
                f"warmup_steps={warmup_steps}, total_steps={total_steps}"
            )
        if not 0 <= decay_start <= warmup_steps or decay_start == total_steps:
            raise ValueError(
                f"want 0 <= decay_start <= warmup_steps ({warmup_steps}) and decay_start < "
                f"total_steps ({total_steps}), found decay_start={decay_start}"
            )
        self.peak = float(peak)
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        self.power = float(power)
        self.end = float(end)
        self.decay_start = decay_start

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        t = tf.cast(step, tf.float32)
        warmup = self.peak * t / max(self.warmup_steps, 1)
        left = (self.total_steps - t) / (self.total_steps - self.decay_start)
        left = tf.clip_by_value(left, 0.0, 1.0)
        decay = self.end + (self.peak - self.end) * tf.pow(left, self.power)
        return tf.where(t < self.warmup_steps, warmup, decay)

    def get_config(self) -> dict[str, Any]:
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
            "power": self.power,
            "end": self.end,
            "decay_start": self.decay_start,
        }


@_register
class GoyalSchedule(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Goyal et al. 2017: linear warm-up of 5 epochs, then ×0.1 at epochs 30, 60 and 80.

        epoch e = t / steps_per_epoch (a fraction)
        e < warmup_epochs:  initial + (peak − initial) · e / warmup_epochs
        else:               peak · factor^(number of boundaries ≤ e)

    `initial` is the rate at t = 0: the reference rate of the small batch there; None is 0.
    """

    def __init__(
        self,
        peak: float,
        steps_per_epoch: float,
        warmup_epochs: float = 5,
        boundaries: Sequence[float] = (30, 60, 80),
        factor: float = 0.1,
        initial: float | None = None,
    ):
        if steps_per_epoch <= 0:
            raise ValueError(f"steps_per_epoch must be positive, found {steps_per_epoch}")
        boundaries = [float(boundary) for boundary in boundaries]
        if boundaries != sorted(boundaries) or any(b < warmup_epochs for b in boundaries):
            raise ValueError(
                f"boundaries must ascend and follow the warm-up ({warmup_epochs} epochs), "
                f"found {boundaries}"
            )
        self.peak = float(peak)
        self.steps_per_epoch = steps_per_epoch
        self.warmup_epochs = warmup_epochs
        self.boundaries = boundaries
        self.factor = float(factor)
        self.initial = None if initial is None else float(initial)

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        epoch = tf.cast(step, tf.float32) / self.steps_per_epoch
        initial = 0.0 if self.initial is None else self.initial
        warmup = initial + (self.peak - initial) * epoch / max(self.warmup_epochs, 1e-9)
        rate = tf.constant(self.peak, tf.float32)
        for passed, boundary in enumerate(self.boundaries, 1):
            rate = tf.where(epoch >= boundary, self.peak * self.factor**passed, rate)
        return tf.where(epoch < self.warmup_epochs, warmup, rate)

    def get_config(self) -> dict[str, Any]:
        return {
            "peak": self.peak,
            "steps_per_epoch": self.steps_per_epoch,
            "warmup_epochs": self.warmup_epochs,
            "boundaries": self.boundaries,
            "factor": self.factor,
            "initial": self.initial,
        }


@_register
class Stages(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Schedules one after the other, each with its own clock from 0: re-warm-up (section 4.1).

    stages: [(schedule, steps), ...]; after the last stage's steps its schedule simply goes on.
    """

    def __init__(
        self,
        stages: Iterable[tuple[tf.keras.optimizers.schedules.LearningRateSchedule | dict, int]],
    ):
        made = [
            (
                tf.keras.optimizers.schedules.deserialize(schedule)
                if isinstance(schedule, dict)
                else schedule,
                int(steps),
            )
            for schedule, steps in stages
        ]
        if not made or any(steps <= 0 for _, steps in made):
            raise ValueError(f"want one or more (schedule, steps > 0), found {made}")
        self.stages: list[tuple[Any, int]] = made

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        step = tf.cast(step, tf.int64)
        start = sum(steps for _, steps in self.stages)
        rate = None
        for schedule, steps in reversed(self.stages):
            start -= steps
            local = schedule(step - start)
            rate = local if rate is None else tf.where(step < start + steps, local, rate)
        return rate

    def get_config(self) -> dict[str, Any]:
        return {
            "stages": [
                [tf.keras.optimizers.schedules.serialize(schedule), steps]
                for schedule, steps in self.stages
            ]
        }
