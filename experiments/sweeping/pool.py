"""Runs commands as subprocesses, a few at a time, and ends them cleanly when asked to stop."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from largebatch.experiments.records.reader import read_file

LOG = "run.log"  # in the run's folder: what the subprocess prints
POLL_SECONDS = 0.2
MISTAKE = 2  # a run's exit code


class Job(NamedTuple):
    title: str
    folder: str
    command: list[str]


class Ended(NamedTuple):
    job: Job
    code: int  # as a shell reports it: 128 + signal where one killed it
    seconds: float


class Pool:
    """At most `parallel` subprocesses at a time.

    SIGINT and SIGTERM, while `run` runs, are handed to the subprocesses as SIGTERM, on which a run
    writes a checkpoint and ends; a second signal kills them.
    """

    def __init__(self, parallel: int):
        self.parallel = parallel
        self.stopped_by: int | None = None  # the signal
        self.active: dict[subprocess.Popen, tuple[Job, float]] = {}

    def run(
        self,
        jobs: Iterable[Job],
        on_end: Callable[[Ended], None],
        on_poll: Callable[[], None] = lambda: None,
    ) -> None:
        """Runs `jobs` in order; calls `on_end` after each and `on_poll` a few times a second."""
        waiting = iter(jobs)
        more = True
        handlers = {s: signal.signal(s, self._stop) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            while more or self.active:
                while more and self.stopped_by is None and len(self.active) < self.parallel:
                    job = next(waiting, None)
                    if job is None:
                        more = False
                    else:
                        self.active[_start(job)] = (job, time.monotonic())
                if self.stopped_by is not None:
                    more = False
                for process in [p for p in self.active if p.poll() is not None]:
                    job, start = self.active.pop(process)
                    code = process.returncode
                    code = 128 - code if code < 0 else code
                    on_end(Ended(job, code, time.monotonic() - start))
                on_poll()
                if self.active:
                    time.sleep(POLL_SECONDS)
        finally:
            for process in self.active:  # left only by an exception
                process.terminate()
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _stop(self, number: int, _frame) -> None:
        again = self.stopped_by is not None
        self.stopped_by = number
        for process in self.active:
            if process.poll() is None:
                process.kill() if again else process.terminate()


def _start(job: Job) -> subprocess.Popen:
    os.makedirs(job.folder, exist_ok=True)
    with open(os.path.join(job.folder, LOG), "a", encoding="utf-8", opener=_at_once) as log:
        log.write(f"$ {shlex.join(job.command)}\n")
        log.flush()
        return subprocess.Popen(
            job.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C on the terminal reaches the sweep alone, once
        )


def _at_once(path: str, flags: int) -> int:
    """Opens a file; a FIFO without a reader is an error, and is not waited for."""
    return os.open(path, flags | os.O_NONBLOCK, 0o666)


def reason(end: Ended) -> str:
    """Why a subprocess failed: its last words, or the signal that killed it."""
    said = last_words(end.job.folder)
    try:
        killed = signal.Signals(end.code - 128).name
    except ValueError:
        return f"exit code {end.code}: {said}" if said else f"exit code {end.code}"
    memory = "; out of memory?" if killed == "SIGKILL" else ""
    return f"killed by {killed}{memory}"


def runs_elsewhere(end: Ended) -> bool:
    """Whether a subprocess found its folder in use by another one."""
    return end.code == MISTAKE and "is in use by" in last_words(end.job.folder)


def last_words(folder: str) -> str:
    """The last line of the folder's log that says something, or ''."""
    try:
        content = read_file(os.path.join(folder, LOG), 8192)
        lines = content.decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    lines = [line.strip() for line in lines if line.strip() and not line.startswith("$ ")]
    errors = [line for line in lines if line.startswith("error:")]
    return (errors or lines or [""])[-1]
