"""Runs in processes of their own, to be killed, stopped and started again; with time limits.

The long tests carry the mark `faults` (tests/conftest.py).
"""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import tensorflow as tf

LIMIT = 500  # seconds for anything to happen, on a machine that has much else to do
CLOCK = ("seconds", "examples_per_second")


class Program:
    """One command of `largebatch.experiments.run`, in one folder, as often as it is started."""

    def __init__(self, folder, row, *flags):
        self.folder = folder
        self._command = [
            sys.executable, "-m", "largebatch.experiments.run", f"--experiment={row}",
            "--scale=smoke", "--deterministic", "--threads=1", "--device=cpu",
            "--steps_per_loop=1", f"--output_dir={folder}", *flags,
        ]  # fmt: skip
        self._process = None
        self._lines_before = 0
        self.output = ""

    def start(self):
        self._lines_before = self.lines
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return self

    def end(self, limit=LIMIT):
        """Waits for the process; returns its exit code."""
        self.output, _ = self._process.communicate(timeout=limit)
        return self._process.returncode

    def finish(self):
        return self.start().end()

    def send(self, signum):
        self._process.send_signal(signum)

    def kill(self):
        """Returns whether it was there to be killed."""
        self.send(signal.SIGKILL)
        return self.end() == -signal.SIGKILL

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    @property
    def lines(self):
        log = self.folder / "metrics.jsonl"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def log(self):
        """The metrics log without what the clock says; a line that a kill cut is left out."""
        lines = (self.folder / "metrics.jsonl").read_text().splitlines(keepends=True)
        records = [json.loads(line) for line in lines if line.endswith("\n")]
        return [{k: v for k, v in record.items() if k not in CLOCK} for record in records]

    def wait_for(self, reached):
        """Waits until `reached()`, or the process's end; returns whether it was reached."""
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            if reached():
                return True
            if not self.running:
                return False
            time.sleep(0.01)
        raise AssertionError(f"nothing happened in {LIMIT} s: {self.log()[-3:]}")

    def wait_for_step(self, step):
        def reached():
            try:
                return any(r["step"] >= step for r in self.log() if r["kind"] == "train")
            except (OSError, ValueError):  # not there yet, or half a line
                return False

        if not self.wait_for(reached):
            self.end()
            raise AssertionError(f"step {step} was not reached: {self.output}")

    def wait_for_a_record(self, at_most=math.inf):
        """Of this process: a start shortens the log to the checkpoint, then it grows."""
        changed = [self._lines_before]
        until = time.monotonic() + at_most

        def grown_or_late():
            before, changed[0] = changed[0], self.lines
            return changed[0] > before or time.monotonic() > until

        return self.wait_for(grown_or_late)

    def state(self):
        """Every tensor of the newest checkpoint: weights, slots, counters."""
        steps = [int(p.stem.split("-")[1]) for p in (self.folder / "checkpoints").glob("*.index")]
        reader = tf.train.load_checkpoint(str(self.folder / "checkpoints" / f"ckpt-{max(steps)}"))
        names = reader.get_variable_to_shape_map()
        return {name: reader.get_tensor(name) for name in names if "GRAPH" not in name}

    def result(self):
        return json.loads((self.folder / "result.json").read_text())

    def stop(self):
        if self.running:
            self._process.kill()
            self.end()


@pytest.fixture
def program(tmp_path):
    """Makes a Program in a folder of the test; none outlives it."""
    made = []

    def new(row, *flags, folder="run"):
        made.append(Program(tmp_path / folder, row, *flags))
        return made[-1]

    yield new
    for one in made:
        one.stop()


@pytest.fixture
def free_ports():
    """Returns so many ports of this machine that nobody listens at."""

    def find(count):
        sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
        ports = [one.getsockname()[1] for one in sockets]
        for one in sockets:
            one.close()
        return ports

    return find


@pytest.fixture(autouse=True)
def cache_of_the_test(tmp_path_factory, monkeypatch):
    cache = os.environ.get("XDG_CACHE_HOME") or tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
