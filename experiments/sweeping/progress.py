"""What a sweep says while it runs: a line a run that has ended, and on a terminal a live line."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

from largebatch.experiments.records.reader import Run, logged, read_run
from largebatch.experiments.sweeping.pool import Ended, Pool, reason, runs_elsewhere

WORDS = {0: "finished", 3: "diverged", 130: "interrupted", 143: "interrupted"}  # run's exit codes


def duration(seconds: float) -> str:
    """'41 s', '12 min', '3 h 05 min'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


class Progress:
    """Counts the runs of a sweep and guesses the time that is left from those that have ended."""

    def __init__(self, total: int, pool: Pool, stream: TextIO | None = None, quiet: bool = False):
        self.total = total
        self.pool = pool
        self.stream = sys.stdout if stream is None else stream
        self.done = 0
        self.counts: dict[str, int] = {}
        self.failures: list[Ended] = []
        self._seconds = 0.0
        self._measured = 0
        self._quiet = quiet
        self._live = self.stream.isatty() and not quiet
        self._shown_at = 0.0

    def taken(self, title: str, state: str) -> None:
        """A run that another sweep has begun, or ended, before its turn."""
        self.done += 1
        self._say(f"{title}: {state} elsewhere; {self.left()}")

    def ended(self, end: Ended) -> None:
        self.done += 1
        word = "running elsewhere" if runs_elsewhere(end) else WORDS.get(end.code, "failed")
        self.counts[word] = self.counts.get(word, 0) + 1
        if word == "failed":
            self.failures.append(end)
        if word in ("finished", "diverged"):
            self._seconds += end.seconds
            self._measured += 1
        found = read_run(end.job.folder)
        result = word
        if word == "finished" and isinstance(found, Run) and found.status == "interrupted":
            result = f"ended at update {found.record.get('last_step')}, as --max_steps asks"
        elif word == "finished" and isinstance(found, Run) and found.metrics:
            shown = {k: v for k, v in found.metrics.items() if k not in ("examples", "loss")}
            result = " ".join(f"{k} {v:.4f}" for k, v in shown.items())
        elif word == "failed":
            result = f"FAILED: {reason(end)}"
        self._say(f"{end.job.title}: {result} ({duration(end.seconds)}); {self.left()}")

    def _say(self, text: str) -> None:
        if not self._quiet:
            self._clear()
            print(f"[{self.done}/{self.total}] {text}", file=self.stream, flush=True)

    def left(self) -> str:
        """'about 12 min left', once a run has ended."""
        if not self._measured:
            return f"{self.total - self.done} runs left"
        mean = self._seconds / self._measured
        started = [time.monotonic() - start for _, start in self.pool.active.values()]
        # What has been spent on the active runs counts, up to a whole run each.
        remaining = (self.total - self.done) * mean - sum(min(mean, s) for s in started)
        return f"about {duration(max(0.0, remaining) / self.pool.parallel)} left"

    def poll(self) -> None:
        """Rewrites the live line, once a second, on a terminal."""
        now = time.monotonic()
        if not self._live or now - self._shown_at < 1:
            return
        self._shown_at = now
        active = ", ".join(
            f"{job.title} {_step(job.folder)}".strip() for job, _ in self.pool.active.values()
        )
        stopping = "stopping: " if self.pool.stopped_by else ""
        line = f"{stopping}{self.done}/{self.total} done, {self.left()}; now {active}"
        width = os.get_terminal_size(self.stream.fileno()).columns - 1
        print(f"\r\x1b[K{line[:width]}", end="", file=self.stream, flush=True)

    def _clear(self) -> None:
        if self._live:
            print("\r\x1b[K", end="", file=self.stream)


def _step(folder: str) -> str:
    """'step 400', from the last line of the run's metrics."""
    found = logged(folder, last=True)
    return f"step {found[-1]['step']}" if found and "step" in found[-1] else ""
