"""Stopping on request: a signal is noted, and the loop stops where it is safe to."""

from __future__ import annotations

import signal


class StopRequest:
    """Notes SIGTERM and SIGINT while it is entered; `signum` is the first that came, or None.

    A second one of the same kind is handled as if nobody listened, so that a run that hangs can
    still be stopped from the keyboard.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self._before = {}

    def __enter__(self) -> StopRequest:
        for signum in (signal.SIGTERM, signal.SIGINT):
            self._before[signum] = signal.signal(signum, self._note)
        return self

    def __exit__(self, *exception) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    def _note(self, signum, frame) -> None:
        if self.signum is None:
            self.signum = signum
        signal.signal(signum, self._before[signum])
