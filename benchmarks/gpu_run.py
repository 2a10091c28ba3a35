"""Runs a packed plan on the GPU of this machine; needs jax, numpy and optax alone.

    benchmarks/on_a_gpu.sh --pack=PACK --seconds=500 --output=OUT      (see there)

Programs are compiled by threads while the first runs train; runs go one after another in this
process, and the image sets stay on the device between them. Whatever has ended is in
OUT/results.tar at once, so that a stopped call loses only the run that it was in.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import copy
import dataclasses
import io
import json
import os
import platform
import signal
import sys
import tarfile
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from largebatch.benchmarks import gpu_data, gpu_steps, gpu_text, gpu_trainer
from largebatch.benchmarks.gpu_compiler import Compiler
from largebatch.benchmarks.gpu_schedule import Job, Schedule, read_jobs

RESULTS = "results.tar"
SPARE = 12.0  # seconds that are kept for the last files
UPDATES_A_LOOP = 200
CHECKED_UPDATES = 60
SECONDS_A_LOG = 10.0
STEPS_SECONDS = 90.0  # in which step times can be measured


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
    add("--threads", type=int, default=8, help="Programs that are compiled at the same time.")
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

    def add_json(self, name: str, value) -> None:
        self.add(name, (json.dumps(value, indent=1) + "\n").encode())


class Deadline:
    """What a run asks whether to go on: until a time, or a signal."""

    def __init__(self):
        self.signum, self.end = 0, float("inf")
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self._note)

    def _note(self, signum, frame):
        self.signum = signum

    @property
    def asked(self) -> bool:
        return bool(self.signum) or time.monotonic() > self.end


class Runs:
    """Makes runs of exported folders, with the suite's own portable runner.

    Args:
      pack: The packed folder.
      scratch: Where programs are unpacked and runs write their files.
      sets: name -> arrays of an image set.
      orders: name -> seed -> the order in which a run takes the images, int32.
      text: A `gpu_text.TextStore`, or None.
    """

    def __init__(self, pack: Path, scratch: Path, sets, orders, text, options, results):
        import device
        import jax
        import runner

        self._runner, self._types = runner, gpu_trainer.types_of(device)
        self._folders, self._runs = scratch / "folders", scratch / "runs"
        self._options, self._results = options, results
        self._on_device = {
            name: {key: jax.device_put(value) for key, value in arrays.items()}
            for name, arrays in sets.items()
        }
        self._orders, self._text = orders, text
        self._floors = _json(pack / "data" / "floors.json")
        self.deadline = Deadline()
        self.scores: dict[str, dict[float, float]] = collections.defaultdict(dict)

    def trainer(self, program: str):
        """The compiled trainer of a folder."""
        programs = self._types.programs(self._folders / program)
        kind = programs.manifest["record"]["row"]["dataset"]
        trainer = self._types.trainer(
            programs, self._on_device.get(kind), self._orders.get(kind), self._text,
            self._options.loops or None,
        )  # fmt: skip
        trainer.compile()
        return trainer

    def run(self, job: Job, trainer, seconds: float) -> Mapping[str, Any]:
        """Makes a job's run; returns what the log keeps of it."""
        manifest = copy.deepcopy(trainer.manifest)
        rate = self._rate(job, manifest)
        options = argparse.Namespace(
            matmul_precision="default", checkpoint_every=0, output_dir=str(self._runs),
            steps_per_loop=max(1, (self._options.max_steps or 2 * UPDATES_A_LOOP) // 2),
            max_steps=self._options.max_steps,
        )  # fmt: skip
        record = self._runner.experiment(manifest, trainer, options, job.seed, rate)
        _scale_second_rate(record, manifest, rate)
        if self._floors and job.name.startswith("prose/"):
            record["floors"] = self._floors
        self.deadline.end = time.monotonic() + seconds
        with self._runner.locked(self._runs, manifest["folder"], record) as path:
            quiet = io.StringIO()
            with contextlib.redirect_stdout(quiet):
                self._runner.Run(path, record, manifest, trainer, options, self.deadline).run()
            result = json.loads((path / "result.json").read_text())
            name = str(path.relative_to(self._runs.parent) / "result.json")
            self._results.add(name, (path / "result.json").read_bytes())
        self._note(job, manifest, rate, result)
        told = {f: result[f] for f in ("status", "last_step", "last_loss", "wall_seconds")}
        told["update_seconds"] = _update_seconds(path, result["row"])
        if self._options.max_steps and told["status"] == "interrupted":
            told["status"] = "checked"
        kept = ("accuracy", "accuracy_subset", "masked_lm_accuracy", "next_sentence_accuracy")
        figures = {k: result["metrics"][k] for k in kept if k in result["metrics"]}
        return {**told, "rate": rate, **figures}

    def _rate(self, job: Job, manifest) -> float:
        own = manifest["rates"]["own"]
        if "factor" in job.settings:
            name = job.name.split("/")[1].split("-")[0]
            scores = self.scores[name]
            # Rates of trials, relative to the rate that their row has.
            return own * (max(scores, key=scores.get) if scores else 1.0)
        return float(job.settings.get("learning_rate", own))

    def _note(self, job: Job, manifest, rate: float, result) -> None:
        if job.part == "prose trials" and result["status"] == "finished":
            name = job.name.split("/")[1].split("-")[0]
            score = result["metrics"]["masked_lm_accuracy"]
            self.scores[name][rate / manifest["rates"]["own"]] = score


def _update_seconds(path: Path, row: Mapping[str, Any]) -> float | None:
    """Seconds an update, of the last loop that the run noted."""
    records = map(json.loads, (path / "metrics.jsonl").read_text().splitlines())
    train = [record for record in records if record["kind"] == "train"]
    if not train:
        return None
    batch = row["stages"][0 if train[-1]["step"] <= row["stages"][0]["steps"] else -1]["batch_size"]
    return batch / train[-1]["examples_per_second"]


def _scale_second_rate(record: dict, manifest: dict, rate: float) -> None:
    """A factor on the rate is one on both stages' rates, where the second has its own."""
    factor = rate / manifest["rates"]["own"]
    second = record["row"].get("stage2_learning_rate")
    if factor == 1.0 or not second:
        return
    record["row"]["stage2_learning_rate"] = second * factor
    record["overrides"]["stage2_learning_rate"] = second * factor
    record["row"]["stages"][1]["learning_rate"] *= factor
    manifest["stages"][1]["follows_rate"] = True


def main(options) -> int:
    clock_start = time.monotonic() - (time.time() - options.started)
    pack, output = Path(options.pack), Path(options.output)
    results = Results(output)
    log = open(output / "log.txt", "a", encoding="utf-8")  # noqa: SIM115 (as long as the process)

    def say(line: str) -> None:
        stamped = f"[{time.monotonic() - clock_start:6.1f}] {line}"
        print(stamped, flush=True)
        print(stamped, file=log, flush=True)

    jobs = [job for job in read_jobs(pack / "jobs.json") if options.only in job.title]
    every = jobs
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
            text = gpu_text.TextStore(pack / "data", jax.device_put)
            say("read the text")
        runs = Runs(pack, scratch, sets, orders, text, options, results)
        seconds = options.seconds - SPARE
        entries = _schedule(jobs, runs, results, clock_start, seconds, options.threads, say)
        if options.part == "check":
            _expect(every, entries, results, say)

        def left() -> float:
            return clock_start + seconds - time.monotonic()

        if (pack / "steps").exists() and (options.part == "check" or left() > STEPS_SECONDS):
            _steps(pack / "steps", results, left, options.small, say)
    counts = collections.Counter(entry["state"] for entry in entries)
    say(", ".join(f"{count} {state}" for state, count in counts.items()))
    return 1 if counts["failed"] else 0


def _schedule(jobs, runs, results, clock_start, seconds, threads, say) -> list[dict[str, Any]]:
    compiled = Compiler(threads, runs.trainer, say)
    compiled.begin(list(dict.fromkeys(job.program for job in jobs)))
    schedule = Schedule(jobs, seconds, clock_start, time.monotonic, say)

    def make(job: Job, left: float):
        return runs.run(job, compiled.get(job.program), left)

    def ready(program: str) -> bool:
        return compiled.ready(program) and not runs.deadline.signum

    def keep(entry) -> None:
        if time.monotonic() - keep.last > SECONDS_A_LOG:  # it is written whole
            results.add_json("log.json", schedule.entries)
            keep.last = time.monotonic()

    keep.last = 0.0
    entries = schedule.run(make, ready, lambda: not runs.deadline.signum and compiled.wait(), keep)
    compiled.give_up()
    results.add_json("log.json", entries)
    return entries


def _expect(jobs, entries, results, say) -> None:
    """What the whole plan would take, from the updates that were measured."""
    measured = {entry["program"]: entry.get("update_seconds") for entry in entries}
    total, lines = 0.0, []
    for job in jobs:
        seconds = measured.get(job.program)
        total += (seconds or job.guess) * job.updates
        lines.append({"title": job.title, "update_seconds": seconds, "until": total})
    results.add_json("schedule.json", lines)
    for line in lines:
        seconds = line["update_seconds"]
        shown = "not measured" if seconds is None else f"{1e3 * seconds:.2f} ms"
        say(f"until {line['until']:7.1f} s  {shown:>12} an update  {line['title']}")


def _steps(folder: Path, results, left, small: bool, say) -> None:
    import device

    found: dict[str, Any] = {}

    def keep(name: str, value) -> None:
        found[name] = value
        results.add_json("steps.json", found)
        say(f"{name}: {json.dumps(value)[:600]}")

    gpu_steps.all_of(device.Programs(folder), small, keep, left)


def _epochs(jobs: list[Job], folders: Path) -> dict[str, dict[int, int]]:
    """image set -> seed -> epochs of the longest run."""
    found: dict[str, dict[int, int]] = {}
    for job in jobs:
        manifest = _json(folders / job.program / "manifest.json")
        if manifest["data"]["kind"] == "set":
            seeds = found.setdefault(manifest["record"]["row"]["dataset"], {})
            seen = sum(place["steps"] * place["batch_size"] for place in manifest["stages"])
            epochs = -(-seen // manifest["data"]["train_examples"])
            seeds[job.seed] = max(epochs, seeds.get(job.seed, 0))
    return found


def _json(path: Path):
    return json.loads(path.read_text()) if path.exists() else None


if __name__ == "__main__":
    try:
        code = main(parse())
    except Exception:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    # Threads may still be compiling: they are not waited for.
    os._exit(code)
