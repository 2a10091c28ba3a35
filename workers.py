"""Worker processes and Ctrl-C, which a terminal sends to all of a program's processes at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def started_deaf() -> Iterator[None]:
    """Processes that are started inside ignore Ctrl-C, also while they import: their parent, which
    has it too, ends them (`ended_with_parent`)."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # Signals are the main thread's.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def ended_with_parent() -> Iterator[None]:
    """Ends the workers where the user stops this process; a pool would wait for their tasks."""
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
