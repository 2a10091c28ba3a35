"""Keeps a row running on a TPU that may be taken away: watch, re-create, resume."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any, Callable

from largebatch.tpu.pod.commands import Command, Pod, Source, printed
from largebatch.tpu.pod.scripts import Run, read_progress

# States of a TPU node and of a queued resource (google.cloud.tpu.v2), and two of our own:
# MISSING, there is none; UNKNOWN, gcloud did not answer.
READY = "READY"
GONE = frozenset({"PREEMPTED", "TERMINATED", "SUSPENDED", "FAILED"})
STOPPED = "STOPPED"  # by its owner: not ours to delete
FAILURES = 10  # of gcloud in a row, before giving up
LONGEST_PAUSE = 600.0  # seconds

# Exit codes of the program `run`.
FINISHED, MISTAKE, DIVERGED, INTERRUPTED = 0, 2, 3, 130


class GcloudError(Exception):
    """A command failed, or the run did; the message says which, and what to do next."""

    def __init__(self, message: str, code: int | None = None):
        super().__init__(message)
        self.code = code


def _ended(command: Command, **options: Any) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(command, text=True, **options)
    except FileNotFoundError as error:
        raise GcloudError(
            f"{command[0]} is not installed here; install it "
            "(https://cloud.google.com/sdk/docs/install), or leave --execute out to print the "
            "commands only"
        ) from error


def call(command: Command, advice: str) -> None:
    """Runs a command, whose output goes where ours does.

    Raises:
      GcloudError: If it is not there or fails; its own message has gone to stderr.
    """
    code = _ended(command).returncode
    if code:
        raise GcloudError(f"`{' '.join(command[:6])} …` ended with {code}; {advice}", code)


class Watch:
    """The loop of --restart: one look at the TPU every `poll` seconds, and what follows from it.

    It keeps no state of its own that the TPU does not have: it may be stopped and started anew.
    """

    def __init__(
        self,
        pod: Pod,
        run: Run,
        source: Source,
        *,
        max_restarts: int,
        poll: float,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self._pod, self._run, self._source = pod, run, source
        self._max_restarts, self._poll, self._sleep = max_restarts, poll, sleep
        self._restarts = self._failures = 0
        self._pause = poll
        self._seen = ""
        self._was_ours = False  # the run was seen going on, or started, by this loop
        self._had_one = False  # a TPU that is missing now

    def until_done(self) -> None:
        """Returns when the run has finished.

        Raises:
          GcloudError: If the run cannot go on, or has been restarted too often.
        """
        while True:
            state = self._state()
            if state == READY:
                self._had_one = True
                if self._look_at_run():
                    return
            elif state == "MISSING":
                if self._had_one:
                    self._restart(f"{self._pod.name} is gone")
                self._create()
            elif state in GONE:
                self._restart(f"{self._pod.name} is {state}")
                self._delete()
                self._create()
            elif state == "UNKNOWN":
                self._failed("gcloud does not tell the TPU's state")
            elif state == STOPPED:
                raise GcloudError(
                    f"{self._pod.name} is STOPPED; start it (`gcloud compute tpus tpu-vm start`) "
                    "or delete it (--action=delete), then give the same command again"
                )
            else:
                self._answered()
                self._say(f"{self._pod.name} is {state}: waiting")
            self._sleep(self._pause)

    def _state(self) -> str:
        if self._pod.queued:
            state = self._ask(self._pod.describe_request())
            if state != "ACTIVE":
                return state
            node = self._ask(self._pod.describe())
            return "TERMINATED" if node == "MISSING" else node  # the request is still there
        return self._ask(self._pod.describe())

    def _ask(self, command: Command) -> str:
        ended = _ended(command, capture_output=True)
        if ended.returncode == 0:
            return ended.stdout.strip().upper() or "UNKNOWN"
        if "NOT_FOUND" in ended.stderr or "not found" in ended.stderr.lower():
            return "MISSING"
        sys.stderr.write(ended.stderr)
        return "UNKNOWN"

    def _look_at_run(self) -> bool:
        """Whether the run has finished; sets up and starts what is not there."""
        command = self._pod.progress(self._run, self._source.commit)
        ended = _ended(command, stdout=subprocess.PIPE)
        progress = read_progress(ended.stdout) if ended.returncode == 0 else None
        if progress is None:
            # A host that is just starting, or just being taken away, does not answer.
            self._failed("worker 0 does not answer")
            return False
        word, code = progress
        if word == "other":
            raise GcloudError(
                f"another run is going on on {self._pod.name}; give this one a TPU of its own "
                "(--name), or delete that one (--action=delete)"
            )
        if word == "running":
            self._was_ours = True
            self._answered()
            self._say(f"running on {self._pod.name}")
        elif word == "absent":
            self._set_up()
        elif word == "idle":
            self._start()
        elif code == FINISHED:
            self._say("the run has finished")
            return True
        else:
            self._go_on_after(code)
        return False

    def _go_on_after(self, code: int | None) -> None:
        """After a run that ended otherwise than by finishing."""
        if self._was_ours and code in (MISTAKE, DIVERGED, INTERRUPTED):
            what = {
                MISTAKE: "refused its flags",
                DIVERGED: "diverged; its last good checkpoint is kept",
                INTERRUPTED: "was interrupted by SIGINT after a checkpoint",
            }[code]
            raise GcloudError(f"the run {what} (exit code {code}); --action=logs shows its end")
        self._restart(f"the run ended with {code}")
        self._start()

    def _restart(self, why: str) -> None:
        if self._restarts >= self._max_restarts:
            raise GcloudError(
                f"{why}, after {self._restarts} restarts (--max_restarts); see --action=logs, then "
                "give the same command again: it goes on from the last checkpoint"
            )
        self._restarts += 1
        self._say(f"{why}: restart {self._restarts} of {self._max_restarts}")

    def _delete(self) -> None:
        # It may have vanished by itself meanwhile: what counts is whether create works.
        _ended(self._pod.delete())

    def _create(self) -> None:
        self._was_ours = self._had_one = False
        self._say(f"creating {self._pod.name}")
        self._attempt([self._pod.create()], "the TPU could not be created (--queued waits in line)")

    def _set_up(self) -> None:
        self._say("installing the suite on all hosts")
        self._attempt(self._pod.setup(self._source), "the setup failed")

    def _start(self) -> None:
        self._say("starting the run")
        if self._attempt([self._pod.run(self._run)], "the run could not be started"):
            self._was_ours = True

    def _attempt(self, commands: list[Command], failure: str) -> bool:
        for command in commands:
            try:
                call(command, "see its message above; --action=delete ends the billing")
            except GcloudError as error:
                if error.code == MISTAKE:  # trying again would not help
                    raise
                self._failed(failure)
                return False
        self._answered()
        return True

    def _answered(self) -> None:
        self._failures, self._pause = 0, self._poll

    def _failed(self, what: str) -> None:
        """Notes a failure that may pass; each in a row waits twice as long as the one before."""
        self._failures += 1
        if self._failures >= FAILURES:
            raise GcloudError(
                f"{what}, {FAILURES} times in a row; look at its messages above. The same command "
                "goes on from there, --action=delete ends the billing"
            )
        self._pause = min(max(self._poll, self._pause * 2), LONGEST_PAUSE)
        self._say(f"{what}: trying again ({self._failures} of {FAILURES})")

    def _say(self, text: str) -> None:
        if text != self._seen:
            print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)
        self._seen = text


def plan(pod: Pod, run: Run, source: Source) -> str:
    """The commands of the loop, for a reader."""
    looks = [pod.describe_request()] if pod.queued else []
    parts = [
        ("# again and again:", [*looks, pod.describe(), pod.progress(run, source.commit)]),
        ("# when it was preempted, terminated or suspended:", [pod.delete()]),
        ("# when there is none:", [pod.create()]),
        ("# when the suite is not installed:", pod.setup(source)),
        ("# when the run is not going on (it resumes from its last checkpoint):", [pod.run(run)]),
    ]
    return "\n".join("\n".join([title, *map(printed, commands)]) for title, commands in parts)
