"""Which of many runs to make in a fixed time, in which order: no run may end the others.

A plan is a list of jobs in the order of their worth. A job is started when its programs are ready
and its expected time still fits; what does not fit is passed over for a later one that does. The
expected time is that of the last run of the same programs; before there is one, the plan's guess.
"""

from __future__ import annotations

import dataclasses
import json
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

DONE, FAILED, LEFT = "done", "failed", "left"
_SLACK = 1.1  # an expected time is exceeded by so much at most, usually


@dataclasses.dataclass(frozen=True)
class Job:
    """One run.

    program: The folder of its programs, which jobs may share; seed: the run's; updates: how many;
    settings: what differs from the program's row, such as a rate; guess: seconds an update, before
    anything was measured; part: what it is reported under; after: titles of jobs that must have
    ended first, as a choice of rate needs its trials.
    """

    program: str
    seed: int
    updates: int
    part: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    guess: float = 0.01
    after: tuple[str, ...] = ()
    name: str = ""  # of the program alone, where a job needs another

    @property
    def title(self) -> str:
        parts = [self.name or self.program, *(f"{k}={v}" for k, v in self.settings.items())]
        return " ".join([*parts, f"seed={self.seed}"])

    def record(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "settings": dict(self.settings)}


def read_jobs(path: str | Path) -> list[Job]:
    """The jobs of a file; ValueError names the first that is none."""
    jobs = []
    for number, record in enumerate(json.loads(Path(path).read_text())):
        try:
            jobs.append(Job(**{**record, "after": tuple(record.get("after", ()))}))
        except TypeError as error:
            raise ValueError(f"{path}: job {number} is not one: {error}") from error
    titles = [job.title for job in jobs]
    twice = sorted({title for title in titles if titles.count(title) > 1})
    if twice:
        raise ValueError(f"{path}: two jobs are {twice[0]!r}")
    unknown = sorted({title for job in jobs for title in job.after} - set(titles))
    if unknown:
        raise ValueError(f"{path}: a job waits for {unknown[0]!r}, which is not there")
    return jobs


def round_robin(groups: Sequence[Sequence[Job]]) -> list[Job]:
    """The first job of every group, then the second of every group, and so on."""
    longest = max(map(len, groups), default=0)
    return [group[turn] for turn in range(longest) for group in groups if turn < len(group)]


class Schedule:
    """Runs jobs until they are done or the time is over.

    Args:
      jobs: In the order of their worth.
      seconds: All that there is, from `started` on.
      clock: Gives seconds; `started` is a reading of it.
      say: Takes a line of progress.
      before: The log of an earlier call whose jobs ended: others may wait for them.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        seconds: float,
        started: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        say: Callable[[str], None] = print,
        before: Sequence[Mapping[str, Any]] = (),
    ):
        self._waiting = list(jobs)
        self._clock, self._say = clock, say
        self._started = clock() if started is None else started
        self._seconds = seconds
        self._measured: dict[str, float] = {}  # program -> seconds an update, the last measured
        # A line of the log for each job that ended.
        self.entries: list[dict[str, Any]] = [dict(entry) for entry in before]
        self._state = {entry["title"]: entry["state"] for entry in self.entries}

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self._started + self._seconds - self._clock()

    @property
    def waiting(self) -> list[Job]:
        return list(self._waiting)

    def expected(self, job: Job) -> float:
        return _SLACK * job.updates * self._measured.get(job.program, job.guess)

    def next(self, ready: Callable[[str], bool]) -> Job | None:
        """Takes the most valuable job that can start now and fits; None: none can."""
        for job in self._waiting:
            over = all(title in self._state for title in job.after)
            if over and ready(job.program) and self.expected(job) <= self.left:
                self._waiting.remove(job)
                return job
        return None

    def drop(self, program: str, reason: str) -> None:
        """Fails all jobs of a program that cannot be made ready."""
        for job in [job for job in self._waiting if job.program == program]:
            self._waiting.remove(job)
            self._ended(job, FAILED, 0.0, {"error": reason})

    def run(
        self,
        make: Callable[[Job, float], Mapping[str, Any]],
        ready: Callable[[str], bool] = lambda program: True,
        pause: Callable[[], bool] = lambda: False,
        ended: Callable[[dict[str, Any]], None] = lambda entry: None,
    ) -> list[dict[str, Any]]:
        """Runs what fits.

        Args:
          make: Makes a run; given the seconds that are left, after which it must have stopped.
            Returns what the log is to keep; `status` "interrupted" is a run that was cut off.
          ready: Whether a program can run now.
          pause: Called where a job waits for its program: waits a little, and returns False where
            nothing more will become ready.
          ended: Takes each job's log entry as it ends.

        Returns:
          The log: an entry a job, done, failed or left.
        """
        while True:
            job = self.next(ready)
            if job is None:
                if not self._waiting or self.left <= 0 or not pause():
                    break
                continue
            begin = self._clock()
            try:
                told = dict(make(job, self.left))
                state = LEFT if told.get("status") == "interrupted" else DONE
            except Exception as error:
                told, state = {"error": _short(error), "trace": traceback.format_exc()}, FAILED
            seconds = self._clock() - begin
            if state == DONE and told.get("status") == "finished":
                self._measured[job.program] = seconds / job.updates
            ended(self._ended(job, state, seconds, told))
        for job in list(self._waiting):
            self._waiting.remove(job)
            ended(self._ended(job, LEFT, 0.0, {"expected_seconds": self.expected(job)}))
        return self.entries

    def _ended(self, job: Job, state: str, seconds: float, told: Mapping) -> dict[str, Any]:
        self._state[job.title] = state
        entry = {"title": job.title, "program": job.program, "part": job.part, "state": state,
                 "seconds": seconds, "at": self._clock() - self._started, **told}  # fmt: skip
        self.entries.append(entry)
        if state != LEFT or seconds:
            words = " ".join(f"{k} {v:.4f}" for k, v in told.items() if isinstance(v, float))
            self._say(f"{entry['at']:6.1f} s  {state:6}  {job.title}  {seconds:.1f} s  {words}"
                      f"{told.get('error', '')}")  # fmt: skip
        return entry


def _short(error: BaseException) -> str:
    return (
        f"{type(error).__name__}: {str(error).strip().splitlines()[0][:300] if str(error) else ''}"
    )
