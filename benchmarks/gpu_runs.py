"""Makes the runs of a plan out of exported folders, one after another in one process.

The training itself is the suite's portable runner, as each exported folder has it.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import copy
import io
import json
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from largebatch.benchmarks import gpu_trainer
from largebatch.benchmarks.gpu_schedule import Job

UPDATES_A_LOOP = 200
FIGURES = ("accuracy", "accuracy_subset", "masked_lm_accuracy", "next_sentence_accuracy")


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
      options: max_steps, loops: see `gpu_run`.
      add: Takes the name and the content of a result as soon as it is there.
    """

    def __init__(
        self, pack: Path, scratch: Path, sets, orders, text, options,
        add: Callable[[str, bytes], None],
    ):  # fmt: skip
        import device
        import runner

        self._runner, self._types = runner, gpu_trainer.types_of(device)
        self._folders, self._runs = scratch / "folders", scratch / "runs"
        self._options, self._add = options, add
        self._on_device = {name: device.on_device(arrays) for name, arrays in sets.items()}
        self._orders, self._text = orders, text
        floors = pack / "data" / "floors.json"
        self._floors = json.loads(floors.read_text()) if floors.exists() else None
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
        most = self._options.max_steps
        if most:  # of large batches fewer, two at least: the second loop is what is timed
            most = max(2, min(most, most * 2048 // manifest["stages"][0]["batch_size"]))
        options = argparse.Namespace(
            matmul_precision="default", checkpoint_every=0, output_dir=str(self._runs),
            steps_per_loop=max(1, most // 2) if most else UPDATES_A_LOOP, max_steps=most,
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
            self._add(name, (path / "result.json").read_bytes())
        told = {f: result[f] for f in ("status", "last_step", "last_loss", "wall_seconds")}
        told["update_seconds"] = _update_seconds(path, result["row"])
        if self._options.max_steps and told["status"] == "interrupted":
            told["status"] = "checked"
        to_own = rate / manifest["rates"]["own"]
        told |= {"rate": rate, "rate_to_own": to_own}
        told |= {k: result["metrics"][k] for k in FIGURES if k in result["metrics"]}
        self.note({**told, "title": job.title, "part": job.part})
        return told

    def _rate(self, job: Job, manifest) -> float:
        own = manifest["rates"]["own"]
        if "factor" in job.settings:
            name = job.name.split("/")[1].split("-")[0]
            scores = self.scores[name]
            # Rates of trials, relative to the rate that their row has.
            return own * (max(scores, key=scores.get) if scores else 1.0)
        return float(job.settings.get("learning_rate", own))

    def note(self, entry: Mapping[str, Any]) -> None:
        """Keeps the score of a trial: an entry of the log."""
        if entry["part"] == "prose trials" and "masked_lm_accuracy" in entry:
            name = entry["title"].split("/")[1].split("-")[0]
            self.scores[name][entry["rate_to_own"]] = entry["masked_lm_accuracy"]


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
