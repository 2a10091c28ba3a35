"""TensorBoard's profiler over a few updates of a run."""

from __future__ import annotations

import os

import tensorflow as tf


class Profiler:
    """Looks at `count` updates from the end of the first loop on, which compiles; ends with them.

    What it finds lies under the events' folder, where TensorBoard's profile plugin reads it.
    """

    def __init__(self, count: int | None, folder: str | os.PathLike):
        self._count = count
        self._folder = str(folder)
        self._end: int | None = None

    def boundary(self, step: int) -> int | None:
        """The update at which a loop has to end, if it lies after `step`."""
        return self._end if self._end is not None and self._end > step else None

    def after_loop(self, step: int) -> str | None:
        """Begins after the first loop, ends where it has seen enough; says where to look then."""
        if self._count is None:
            return None
        if self._end is None:
            self._end = step + self._count
            tf.profiler.experimental.start(self._folder)
            return None
        if step < self._end:
            return None
        return self.stop()

    def stop(self) -> str | None:
        """Ends the profile, if one is going on."""
        if self._count is None or self._end is None:
            return None
        self._count = None
        tf.profiler.experimental.stop()
        return f"profile written: tensorboard --logdir={self._folder}"
