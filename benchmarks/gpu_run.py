"""Runs a packed plan on the GPU of this machine; needs jax, numpy and optax alone.

    benchmarks/on_a_gpu.sh --pack=PACK --seconds=500 --output=OUT      (see there)

Programs are compiled by threads while the first runs train; runs go one after another in this
process, and the image sets stay on the device between them. Whatever has ended is in
OUT/results.tar at once, so that a stopped call loses only the run that it was in.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import functools
import io
import json
import os
import platform
import sys
import tarfile
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from largebatch.benchmarks import gpu_data, gpu_steps, gpu_text
from largebatch.benchmarks.gpu_compiler import Compiler
from largebatch.benchmarks.gpu_runs import Runs
from largebatch.benchmarks.gpu_schedule import DONE, FAILED, Job, Schedule, read_jobs

RESULTS, RUNNING, LOG = "results.tar", "running.txt", "log.json"
SPARE = 12.0  # seconds that are kept for the last files
CHECKED_UPDATES = 30
SECONDS_A_LOG = 10.0
STEPS_SECONDS = 40.0  # that are kept for step times


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--pack", required=True, help="The folder that gpu_pack wrote.")
    add("--output", required=True, help="The folder for results.tar and the log.")
    add("--seconds", type=float, default=500, help="All the time there is.")
    add("--part", default="main", choices=("main", "check"),
        help="main: the runs; check: a few updates of every program, and step times.")  # fmt: skip
    add("--only", default="", help="Only the jobs whose titles contain this.")
    add("--max_steps", type=int, help="End each run after so many updates.")
    add("--threads", type=int, default=2, help="Programs compiled at once.")
    add("--small", action="store_true", help="Small sizes of what is timed: a rehearsal.")
    add("--loops", action="store_true", help="Loops on the device on a CPU, too: a rehearsal.")
    add("--compile_cache", help="A folder that keeps compiled programs between calls.")
    add("--started", type=float, default=time.time(), help="When the call began, in Unix seconds.")
    return parser.parse_args(arguments)


class Results:
    """OUT/results.tar: each file is appended as soon as it is there."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / RESULTS
        self._lock = threading.Lock()

    def add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mtime = len(content), int(time.time())
        with self._lock, tarfile.open(self._path, "a") as tar:
            tar.addfile(member, io.BytesIO(content))

    def log(self) -> list[dict[str, Any]]:
        """The log that was last added."""
        if not self._path.exists():
            return []
        with tarfile.open(self._path) as tar:
            found = [member for member in tar.getmembers() if member.name == LOG]
            return json.load(tar.extractfile(found[-1])) if found else []

    def add_json(self, name: str, value) -> None:
        self.add(name, (json.dumps(value, indent=1) + "\n").encode())


def main(options) -> int:
    clock_start = time.monotonic() - (time.time() - options.started)
    pack, output = Path(options.pack), Path(options.output)
    results = Results(output)
    log = open(output / "log.txt", "a", encoding="utf-8")  # noqa: SIM115 (as long as the process)

    def say(line: str) -> None:
        stamped = f"[{time.monotonic() - clock_start:6.1f}] {line}"
        print(stamped, file=sys.__stdout__, flush=True)  # a run's own words are not shown
        print(stamped, file=log, flush=True)

    jobs = [job for job in read_jobs(pack / "jobs.json") if options.only in job.title]
    every, before = jobs, _before(results, output / RUNNING)
    if options.part == "check":
        options.max_steps = options.max_steps or CHECKED_UPDATES
        firsts = {job.program: job for job in reversed(jobs)}.values()
        jobs = [dataclasses.replace(job, after=()) for job in jobs if job in firsts]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        with tarfile.open(pack / "programs.tar.xz") as tar:
            tar.extractall(scratch, filter="data")
        # Before JAX: processes are forked.
        epochs = _epochs(every, scratch / "folders")
        sets = {name: gpu_data.read(pack / "data", name) for name in epochs}
        orders = gpu_data.orders({n: len(sets[n]["train_labels"]) for n in sets}, epochs)
        say(f"read {', '.join(sets) or 'no image set'}")
        sys.path.insert(0, str(pack / "code"))
        import jax

        jax.config.update("jax_enable_x64", True)
        if options.compile_cache:
            jax.config.update("jax_compilation_cache_dir", options.compile_cache)
        device = jax.devices()[0]
        versions = {"jax": jax.__version__, "numpy": np.__version__}
        told = {"platform": device.platform, "kind": device.device_kind, "cores": os.cpu_count(),
                "python": platform.python_version(), "versions": versions,
                "part": options.part, "seconds": options.seconds}  # fmt: skip
        results.add_json("device.json", told)
        say(f"{told['kind']} ({told['platform']}), {told['cores']} cores, jax {jax.__version__}")
        text = None
        if any(job.name.startswith("prose/") for job in jobs):
            text = gpu_text.TextStore(
                pack / "data", functools.partial(jax.device_put, device=device)
            )
            say("read the text")
        runs = Runs(pack, scratch, sets, orders, text, options, results.add)
        jobs = [job for job in jobs if job.title not in {entry["title"] for entry in before}]
        seconds = options.seconds - SPARE
        steps = Steps(pack / "steps", options.small) if (pack / "steps").exists() else None
        named = steps.names if steps else []

        def prepare(name: str):
            return steps.prepare(name) if name in named else runs.trainer(name)

        compiler = Compiler(options.threads, prepare, say)
        compiler.begin([*dict.fromkeys(job.program for job in jobs), *named])
        spare = STEPS_SECONDS if steps and options.part == "main" else 0.0
        schedule = Schedule(jobs, seconds - spare, clock_start, time.monotonic, say, before)
        entries = _run(schedule, runs, compiler, results, output / RUNNING)
        if options.part == "check":
            _expect(every, entries, results, say)
        if steps and not runs.deadline.signum:
            if options.part == "check":
                while compiler.wait() and clock_start + seconds > time.monotonic():
                    pass
            compiler.give_up()
            steps.measure(compiler, results, lambda: clock_start + seconds - time.monotonic(), say)
    counts = collections.Counter(entry["state"] for entry in entries)
    say(", ".join(f"{count} {state}" for state, count in counts.items()))
    return 1 if counts["failed"] else 0


def _before(results: Results, running: Path) -> list[dict[str, Any]]:
    """The log of a call that was cut off, but for what can still be run: what was done, what
    failed, and the run in which its process ended."""
    log = [entry for entry in results.log() if entry["state"] in (DONE, FAILED)]
    title = running.read_text() if running.exists() else ""
    if title and title not in {entry["title"] for entry in log}:
        error = {"state": FAILED, "error": "the process ended", "seconds": 0.0}
        log.append({"title": title, "program": "", "part": "", **error})
    return log


def _run(schedule, runs, compiler, results, running) -> list[dict[str, Any]]:
    for entry in schedule.entries:
        runs.note(entry)

    def make(job: Job, left: float):
        running.write_text(job.title)
        return runs.run(job, compiler.get(job.program), left)

    def ready(program: str) -> bool:
        return compiler.ready(program) and not runs.deadline.signum

    def keep(entry) -> None:
        if time.monotonic() - keep.last > SECONDS_A_LOG:  # it is written whole
            results.add_json(LOG, schedule.entries)
            keep.last = time.monotonic()

    keep.last = 0.0
    entries = schedule.run(make, ready, lambda: not runs.deadline.signum and compiler.wait(), keep)
    results.add_json(LOG, entries)
    return entries


def _expect(jobs, entries, results, say) -> None:
    """What the whole plan would take, from the updates that were measured."""
    measured = {entry["program"]: entry.get("update_seconds") for entry in entries}
    total, lines = 0.0, []
    for job in jobs:
        seconds = measured.get(job.program)
        total += (seconds or job.guess) * job.updates
        lines.append({"title": job.title, "program": job.program, "updates": job.updates,
                      "update_seconds": seconds, "until": total})  # fmt: skip
    results.add_json("schedule.json", lines)
    for program, line in {line["program"]: line for line in reversed(lines)}.items():
        seconds, shown = line["update_seconds"], "not measured"
        if seconds is not None:
            run = seconds * line["updates"]
            shown = f"{1e3 * seconds:.2f} ms an update, {run:.1f} s a run"
        say(f"until {line['until']:6.0f} s: {program}: {shown}")
    say(f"all {len(lines)} runs: {total:.0f} s, evaluations and compilation apart")


class Steps:
    """Step times: compiled behind the plan's programs, measured when no run is made any more."""

    def __init__(self, folder: Path, small: bool):
        import device

        self._programs, self._small = device.Programs(folder), small
        self.names = gpu_steps.names(self._programs)

    def prepare(self, name: str):
        return gpu_steps.prepare(self._programs, name, self._small)

    def measure(self, compiler: Compiler, results, left, say) -> None:
        """Measures what is compiled; a failure is what was found, too."""
        found: dict[str, Any] = {}
        for name in ("ceilings", *self.names):
            try:
                if left() <= 0 or (name in self.names and not compiler.ready(name)):
                    found[name] = {"left": "no time"}
                elif name == "ceilings":
                    found[name] = gpu_steps.ceilings(self._small)
                else:
                    found[name] = compiler.get(name)()
            except Exception as error:
                found[name] = {"error": f"{type(error).__name__}: {str(error)[:500]}"}
            results.add_json("steps.json", found)
            say(f"{name}: {json.dumps(found[name])[:700]}")


def _epochs(jobs: list[Job], folders: Path) -> dict[str, dict[int, int]]:
    """image set -> seed -> epochs of the longest run."""
    found: dict[str, dict[int, int]] = {}
    for job in jobs:
        manifest = json.loads((folders / job.program / "manifest.json").read_text())
        if manifest["data"]["kind"] == "set":
            seeds = found.setdefault(manifest["record"]["row"]["dataset"], {})
            seen = sum(place["steps"] * place["batch_size"] for place in manifest["stages"])
            epochs = -(-seen // manifest["data"]["train_examples"])
            seeds[job.seed] = max(epochs, seeds.get(job.seed, 0))
    return found


if __name__ == "__main__":
    try:
        code = main(parse())
    except Exception:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    # Threads may still be compiling: they are not waited for.
    os._exit(code)
