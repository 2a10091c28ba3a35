"""The momentum schedule β^t of Nadam, N-LAMB and NN-LAMB."""

from __future__ import annotations

import tensorflow as tf

SCHEDULES = ("constant", "dozat")


def momentum_at(schedule: str, beta: float, step: tf.Tensor) -> tf.Tensor:
    """β^t at update `step` (1 is the first, a float tensor).

    "constant": β. "dozat": β (1 − ½ · 0.96^{t/250}), Dozat 2016.
    """
    if schedule == "constant":
        return beta * tf.ones_like(step)
    return beta * (1 - 0.5 * tf.pow(tf.constant(0.96, step.dtype), step / 250))


def checked_schedule(schedule: str) -> str:
    """`schedule` if it names one."""
    if schedule not in SCHEDULES:
        raise ValueError(
            f"momentum_schedule must be one of {', '.join(SCHEDULES)}, found {schedule!r}"
        )
    return schedule
