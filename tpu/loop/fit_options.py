"""What a run of the loop is told, and what it tells in the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from largebatch.tpu.loop.observer import Observer

_COUNTS = (
    *("steps_per_loop", "eval_every", "eval_batch", "checkpoint_every"),
    *("keep_checkpoints", "max_steps", "profile"),
)


@dataclasses.dataclass(frozen=True)
class FitOptions:
    """How a run is executed.

    What is computed depends on the clipping and on `keep_moments`, and on `micro_batch` where the
    examples of a pass share batch statistics or a seed of dropout.

    Attributes:
      steps_per_epoch: Updates in an epoch, for the records; need not be whole. None: the run has
        no epochs, and its records say `progress`, the share of its examples seen, in their place.
      steps_per_loop: Updates between two looks at the loss.
      eval_every: Updates between evaluations; the last update is always followed by one.
      eval_batch: Examples in an evaluation batch of one replica; None does not evaluate.
      checkpoint_every: Updates between checkpoints; the last one is always saved.
      micro_batch: Examples in a pass, for all stages or one for each; None: a replica's share.
      clip_norm: Global norm to clip the mean gradient to; None does not clip.
      clip_batch: Examples of a group whose mean gradient is clipped; None: the whole batch's.
      keep_moments: Whether a stage starts with the optimizer's slots as the one before left them;
        otherwise with zeros. Its count of updates goes on either way.
      keep_checkpoints: So many of the newest stay.
      max_steps: The run ends, as interrupted, after so many updates of all that it has.
      profile: Updates that TensorBoard's profiler looks at, after the first loop.
      quiet: Shows no progress; warnings are shown all the same.
      hparams: Settings shown by TensorBoard's hparams plugin.
      observer: Looks at the weights at updates of its choice; loops end there, too.
    """

    steps_per_epoch: float | None
    steps_per_loop: int = 10
    eval_every: int | None = None
    eval_batch: int | None = 1000
    checkpoint_every: int = 1000
    micro_batch: int | Sequence[int | None] | None = None
    clip_norm: float | None = None
    clip_batch: int | None = None
    keep_moments: bool = True
    keep_checkpoints: int = 2
    max_steps: int | None = None
    profile: int | None = None
    quiet: bool = False
    hparams: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    observer: Observer | None = None

    def __post_init__(self):
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}={value}: at least 1 is needed")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
      status: `finished`, `diverged` or `interrupted`.
      metrics: The final evaluation; empty unless finished.
      last_step: The last update whose loss was finite.
      last_loss: That update's loss (diverged), or the mean over the last loop; None before any.
      refused_steps: Updates that the optimizer refused for a gradient that was not finite.
      wall_seconds: Over all processes of the run.
      signum: The signal that interrupted the run; None for one that ended at `max_steps`.
    """

    status: str
    metrics: Mapping[str, float]
    last_step: int
    last_loss: float | None
    refused_steps: int
    wall_seconds: float
    signum: int | None = None
