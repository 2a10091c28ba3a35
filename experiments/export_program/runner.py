"""Trains an exported row on the device that JAX finds; needs jax and numpy alone.

    python runner.py --output_dir=runs --seeds=0,1,2 --rates=0.01,0.02

It stands in a folder of largebatch's export_program. Each seed and rate is a run in a folder of
its own; what has ended there is skipped, what was cut off continues. Exit code: 0, 2 (a mistake),
3 (a run diverged), 130 or 143 (stopped by a signal).
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import fcntl
import json
import math
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
FINISHED, MISTAKE, DIVERGED = 0, 2, 3
CURVE_POINTS, LAYER_POINTS, MAX_REFUSED_IN_A_ROW = 200, 6, 10
CURVE_FIELDS = ("step", "epoch", "progress", "loss", "learning_rate")
BOOKKEEPING = ("kind", "step", "epoch", "progress", "seconds")
IDENTITY = ("name", "scale", "seed", "overrides", "row")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--folder", default=HERE, help="The exported folder; default: this file's.")
    add("--output_dir", default="runs", help="The folder of all runs.")
    add("--seeds", default=[0], type=numbers, help="One run each: 0,1,2.")
    add("--rates", type=numbers, help="Peak rates, one run each; default: the row's.")
    add("--data", help="Image sets: an .npz to read in place of the folder's data.npz.")
    add("--max_steps", type=int, help="Stop after this many updates; the run can be continued.")
    add("--time_limit", type=float, help="Stop after this many seconds, counted over all runs.")
    add("--steps_per_loop", type=int, help="Updates in one call of the loop on the device.")
    add("--checkpoint_every", type=int, help="Updates between checkpoints; 0: none are written.")
    add("--matmul_precision", default="default", choices=("default", "highest"))
    add("--compile_cache", help="A folder that keeps compiled programs between processes.")
    return parser.parse_args(arguments)


def numbers(text: str) -> list[float]:
    return json.loads(f"[{text}]")


def main(options: argparse.Namespace) -> int:
    manifest = json.loads((Path(options.folder) / "manifest.json").read_text())
    if options.rates and (fixed := manifest["rates"]["fixed_by"]):
        raise ValueError(f"--rates: this row's {fixed} is no multiple of its rate; export it anew")
    known = manifest["weights"]["files"] or manifest["data"].get("batches") or {}
    missing = [seed for seed in options.seeds if known and str(seed) not in known]
    if missing:
        raise ValueError(f"--seeds: {missing[0]} was not exported; there are {', '.join(known)}")
    sys.path.insert(0, str(options.folder))
    import jax
    from device import Programs, Trainer

    if options.compile_cache:
        jax.config.update("jax_compilation_cache_dir", options.compile_cache)
    trainer = Trainer(Programs(options.folder, options.matmul_precision), options.data)
    worst, stop = FINISHED, Stop(options.time_limit)
    for rate in options.rates or [manifest["rates"]["own"]]:
        for seed in options.seeds:
            if not stop.asked:
                record = experiment(manifest, trainer, options, int(seed), float(rate))
                with locked(options.output_dir, manifest["folder"], record) as path:
                    worst = max(worst, Run(path, record, manifest, trainer, options, stop).run())
    return 128 + stop.signum if stop.signum else worst


def experiment(manifest: dict, trainer: Any, options: Any, seed: int, rate: float) -> dict:
    """What experiment.json says: the row's record, with the rate as `--set` would record it."""
    record = copy.deepcopy(manifest["record"])
    own = manifest["rates"]["own"]
    if rate != own:
        record["overrides"]["learning_rate"] = record["row"]["learning_rate"] = rate
        for stage, rules in zip(record["row"]["stages"], manifest["stages"]):
            if rules["follows_rate"]:
                stage["learning_rate"] = rate
        note = f"--set; the row's own value is {own!r}"
        record["sources"]["learning_rate"] = {"kind": "assumed", "note": note}
    data = dict(manifest["run"]["data"])
    if not trainer.same_data:
        data["sha256"] = trainer.data_sha256
        print("the images differ from those that were exported; the run's record says so")
    versions = {name: metadata.version(name) for name in ("jax", "jaxlib", "numpy")}
    return {
        **record,
        **{"seed": seed, "engine": "pjrt", "num_devices": 1, "deterministic": False},
        **{"device": trainer.device.platform, "device_kind": trainer.device.device_kind},
        **{field: manifest["run"][field] for field in ("micro_batch", "precision")},
        **{"matmul_precision": options.matmul_precision, "data": data},
        "same_data": trainer.same_data,
        "versions": {"python": platform.python_version(), **versions},
        "exported_with": manifest["exporter"]["versions"],
        "commit": manifest["exporter"]["commit"],
    }


@contextlib.contextmanager
def locked(root: str, names: dict, record: dict) -> Iterator[Path]:
    """The run's folder, as `sweep` lays it out, and its lock."""
    shown = {**names["shown"], **record["overrides"]}
    parts = ",".join(f"{field}={text(record['row'][field])}" for field in shown)
    path = Path(root, *names["parts"], parts, f"seed={record['seed']}")
    path.mkdir(parents=True, exist_ok=True)
    with open(path / ".lock", "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"{path} is in use by another process") from None
        yield path


def text(value: object) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) and value is not True else str(value)


class Stop:
    """Whether a signal or the time limit asks for the end."""

    def __init__(self, seconds: float | None):
        self.signum, self._end = 0, None if seconds is None else time.monotonic() + seconds
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self._note)

    def _note(self, signum, frame):
        self.signum = signum

    @property
    def asked(self) -> bool:
        return bool(self.signum) or (self._end is not None and time.monotonic() > self._end)


class Run:
    """One run: what was trained before, the loop, and its files."""

    def __init__(
        self, path: Path, record: dict, manifest: dict, trainer: Any, options: Any, stop: Stop
    ):
        self.path, self.record, self.manifest, self.trainer = path, record, manifest, trainer
        self.stop, self.names = stop, manifest["state"]
        self.per_loop = options.steps_per_loop or (10 if trainer.device.platform == "cpu" else 100)
        self.saves = options.checkpoint_every != 0
        self.save_every = options.checkpoint_every or manifest["checkpoint_every"]
        self.total = sum(stage["steps"] for stage in manifest["stages"])
        self.end = min(self.total, options.max_steps or self.total)
        self.seed, self.rate = record["seed"], record["row"]["learning_rate"]

    def run(self) -> int:
        name = f"{self.record['name']} rate={self.rate:g} seed={self.seed}"
        earlier, stored = read(self.path / "result.json"), read(self.path / "experiment.json")
        for field in IDENTITY if stored else ():
            if plain(stored.get(field)) != plain(self.record[field]):
                raise ValueError(f"{self.path} holds another run: its {field} differs; remove it")
        if earlier and earlier["status"] in ("finished", "diverged"):
            print(f"{name} is {earlier['status']} already")
            return DIVERGED if earlier["status"] == "diverged" else FINISHED
        self._restore()
        write(self.path / "experiment.json", json.dumps(self.record, indent=1) + "\n")
        (self.path / "result.json").unlink(missing_ok=True)
        status = self._train()
        metrics = {} if status != "finished" else self.evaluations[self.total]
        self._result(status, metrics)
        print(f"{name} {status}: step {self.step}  loss {self.last_loss}  {figures(metrics)}")
        return DIVERGED if status == "diverged" else FINISHED

    def _restore(self):
        """The newest checkpoint, or the start; later records are dropped."""
        self.step, self.last_loss, self.refused = 0, None, 0
        file = self.path / "checkpoint.npz"
        if file.exists():
            self.state, (self.step, self.last_loss, self.refused) = self.trainer.programs.load(file)
            print(f"resumed at step {self.step} of {self.total}")
        else:
            self.state = self.trainer.programs.initial_state(self.seed)
        records = [r for r in self._records() if r["step"] <= self.step]
        write(self.path / "metrics.jsonl", "".join(json.dumps(r) + "\n" for r in records))
        self.before = max((record["seconds"] for record in records), default=0.0)
        self.evaluations = {r["step"]: r for r in records if r["kind"] == "eval"}
        self.last_step, self.began = self.step, time.monotonic()

    def _train(self) -> str:
        begin = 0
        for number, stage in enumerate(self.manifest["stages"]):
            stage_end = begin + stage["steps"]
            if self.step < min(stage_end, self.end):
                if stage["resets_slots"] and self.step == begin:
                    self.state.update({n: self.state[n] * 0 for n in self.names["slots"]})
                if status := self._train_stage(number, stage, begin, min(stage_end, self.end)):
                    return status
            begin = stage_end
        self._save()
        if self.step == self.total:
            self._evaluate()
        return "finished" if self.step == self.total else "interrupted"

    def _train_stage(self, number, stage, begin, end):
        trainer, every = self.trainer, self.manifest["evaluation"]["every"]
        data = trainer.stage_data(number, self.seed)
        factor = self.rate / self.manifest["rates"]["own"] if stage["follows_rate"] else 1.0
        while self.step < end:
            if self.step and self.step % every == 0:
                self._evaluate()
            began = time.monotonic()
            _, block_end = trainer.block(number, self.seed, self.step - begin)
            intervals = (self.per_loop, self.save_every, every)
            target = min(end, begin + block_end, *(self.step // i * i + i for i in intervals))
            count = target - self.step
            said = trainer.new_said(self.step, self.refused)
            self.state, said = trainer.train(
                number, self.state, said, data, self.seed, factor, self.step - begin, count
            )
            finite, loss_sum = bool(said.finite), float(said.loss_sum)
            self.refused = int(said.refused)
            if int(said.last_step) > self.step:
                self.last_step, self.last_loss = int(said.last_step), float(said.last_loss)
            self.step = target
            if not finite or self.refused >= MAX_REFUSED_IN_A_ROW:
                return "diverged"
            speed = round(count * stage["batch_size"] / max(time.monotonic() - began, 1e-9), 1)
            rate = float(self.state[self.names["rate"]])
            self.last_loss = loss_sum / count
            told = {"loss": self.last_loss, "learning_rate": rate, "examples_per_second": speed}
            self._record("train", **told)
            if self.stop.asked or self.step % self.save_every == 0:
                self._save()
            if self.stop.asked:
                return "interrupted"
        return None

    def _evaluate(self):
        if self.step in self.evaluations:
            return
        if self.names["layers"]:
            layers = {path: self.state[n] for path, n in self.names["layers"].items()}
            self._record("layers", layers={p: np.asarray(v).tolist() for p, v in layers.items()})
        results = {k: v for k, v in self.trainer.evaluate(self.state).items() if math.isfinite(v)}
        self.evaluations[self.step] = self._record("eval", **results)
        print(f"step {self.step}/{self.total}  {figures(results)}", flush=True)

    def _save(self):
        told = (self.step, self.last_loss, self.refused)
        if self.saves:
            self.trainer.programs.save(self.path / "checkpoint.npz", self.state, told)

    def _record(self, kind, **values):
        per_epoch = self.manifest["steps_per_epoch"]
        place = {"epoch": round(self.step / per_epoch, 4)} if per_epoch else self._progress()
        record = {"kind": kind, "step": self.step, **place, **values, "seconds": self._seconds()}
        with open(self.path / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        return record

    def _progress(self):
        """The share of the run's examples that it has seen."""
        seen = whole = begin = 0
        for stage in self.manifest["stages"]:
            seen += min(max(self.step - begin, 0), stage["steps"]) * stage["batch_size"]
            whole += stage["steps"] * stage["batch_size"]
            begin += stage["steps"]
        return {"progress": round(seen / whole, 5)}

    def _seconds(self) -> float:
        return round(self.before + time.monotonic() - self.began, 2)

    def _result(self, status, metrics):
        told = {kind: [] for kind in ("train", "eval", "layers")}
        for record in self._records():
            told[record["kind"]].append(bare(record, ("kind", "seconds")))
        result = {
            **self.record,
            **{"status": status, "metrics": bare(metrics), "steps": self.total},
            **{"last_step": self.last_step, "last_loss": self.last_loss},
            "refused_steps": int(self.state[self.names["refused_steps"]]),
            **{"wall_seconds": self._seconds(), "date": time.strftime("%Y-%m-%d", time.gmtime())},
            **{"history": told["eval"], "train_history": thinned(told["train"])},
            "layers": spread(told["layers"]),
        }
        write(self.path / "result.json", json.dumps(result, indent=1, allow_nan=False) + "\n")

    def _records(self):
        """The whole records; a last line that a crash has cut is left out."""
        file, records = self.path / "metrics.jsonl", []
        with contextlib.suppress(ValueError):
            for line in file.read_text().splitlines() if file.exists() else ():
                records.append(json.loads(line))
        return records


def bare(record: dict, without: tuple[str, ...] = BOOKKEEPING) -> dict:
    return {key: value for key, value in record.items() if key not in without}


def figures(metrics: dict) -> str:
    shown = {k: v for k, v in bare(metrics).items() if isinstance(v, float)}  # and no counts
    return "  ".join(f"{name} {value:.4f}" for name, value in shown.items())


def thinned(records: list[dict]) -> list[dict]:
    """At most CURVE_POINTS of the training records; a point's loss is the mean since the last."""
    size, points = max(1, -(-len(records) // CURVE_POINTS)), []
    for start in range(0, len(records), size):
        block = records[start : start + size]
        mean = sum(record["loss"] for record in block) / len(block)
        points.append({**{k: v for k, v in block[-1].items() if k in CURVE_FIELDS}, "loss": mean})
    return points


def spread(records: list[dict]) -> list[dict]:
    """LAYER_POINTS of the records at even distances, the first and the last among them."""
    last, most = len(records) - 1, LAYER_POINTS - 1
    return [records[round(i * last / most)] for i in range(most + 1)] if last > most else records


def plain(value: Any) -> Any:  # as JSON gives it back, and None as if it were absent
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    return json.loads(json.dumps(value))


def read(path: Path) -> Any:
    return json.loads(path.read_text()) if path.exists() else None


def write(path: Path, content: str) -> None:  # whole or not at all
    scratch = path.with_name(path.name + ".partial")
    scratch.write_text(content, encoding="utf-8")
    os.replace(scratch, path)


if __name__ == "__main__":
    try:
        sys.exit(main(parse()))
    except (ValueError, OSError) as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        sys.exit(MISTAKE)
