"""A run of BERT or ResNet-50 in MLPerf's log format, by the public mlperf-logging package.

    python -m largebatch.experiments.run --experiment=table5/lamb-32768 --mlperf_log=FILE ...

A block is the training between two evaluations. `run_stop` is a success where the last evaluation
reached MLPerf's target, else aborted; the run itself goes on to the row's last update either way,
as the paper's did. The division is open, since LAMB is not in ResNet's closed one; no cache is
cleared; nothing here is a submission.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from largebatch.checkout import PACKAGE
from largebatch.experiments.launching import mlperf_keys
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.row import Row
from largebatch.tpu.loop.batch_plan import BatchPlan

MARK = ":::MLLOG "


class MLPerfLog:
    """Writes the log of one run as it happens; that of an interrupted run is continued."""

    def __init__(self, path: str, row: Row, seed: int):
        """Starts the log with `init_start`.

        Raises:
          ValueError: the row is of another model, the package is not there, or the file holds
            another run's log, or a whole one.
        """
        self._row, self._seed = row, seed
        self._benchmark = mlperf_keys.benchmark(row)
        self._metric, self._target = mlperf_keys.TARGETS[self._benchmark]
        self._who = {"row": row.name, "scale": row.scale, "seed": seed}
        earlier = _earlier(path, self._who)
        self._goes_on = bool(earlier)
        self._told = {e["key"] for e in earlier}
        self._evaluated = {_place(e) for e in earlier if e["key"] == "eval_accuracy"}
        self._accuracy = next(
            (e["value"] for e in reversed(earlier) if e["key"] == "eval_accuracy"), 0.0
        )
        blocks = [e for e in earlier if e["key"] in ("block_start", "block_stop")]
        self._in_block = bool(blocks) and blocks[-1]["key"] == "block_start"
        self._first = blocks[-1]["metadata"]["first_epoch_num"] if self._in_block else 0
        self._last_record = _now()
        self._log = _new_logger(path)
        if not self._goes_on:
            self._log.event("cache_clear", False)
            self._log.start("init_start", metadata=self._who)

    def begin(self, device: str, devices: int, accumulation: int, eval_every: int) -> None:
        """The header, and the start of the run's time: just before the model is built.

        Args:
          device: Its kind.
          devices: How many.
          accumulation: Passes of an update of the first stage.
          eval_every: Updates between two evaluations.
        """
        self._eval_every = eval_every
        self._last_record = _now()
        if not self._goes_on:
            self._header(device, devices, accumulation)
            self._log.end("init_stop")
            self._log.start("run_start")
        if not self._in_block:
            done = max(self._evaluated, default=0)
            self._start_block(done, self._next(done))

    def record(self, record: Mapping[str, Any]) -> None:
        """A line of metrics.jsonl, as it is written."""
        if record["kind"] == "train":
            self._last_record = _now()
        elif record["kind"] == "eval":
            self._evaluation(record)

    def end(self, status: str) -> None:
        """`status` is the run's; an interrupted run's log stays open, to be continued."""
        if status != "interrupted":
            reached = status == "finished" and self._accuracy >= self._target
            said = {"status": "success" if reached else "aborted", "run": status}
            self._log.end("run_stop", metadata=said)
        self.close()

    def close(self) -> None:
        for handler in list(self._log.logger.handlers):
            self._log.logger.removeHandler(handler)
            handler.close()

    def _header(self, device: str, devices: int, accumulation: int) -> None:
        event, row = self._log.event, self._row
        event("submission_benchmark", self._benchmark, metadata=self._who)
        event("submission_division", "open")
        event("submission_org", "largebatch")
        event("submission_platform", f"{devices} x {device}")
        event("submission_status", "research")
        event("seed", self._seed)
        for key, value in mlperf_keys.hyperparameters(row, accumulation).items():
            event(key, value)
        event("train_samples", row.training_examples or self._examples(row.steps))
        if len(row.stages) > 1:
            event("stages", [stage._asdict() for stage in row.stages])

    def _evaluation(self, record: Mapping[str, Any]) -> None:
        place = self._epochs(record["step"])
        if place in self._evaluated:
            return  # Told before the run was cut off.
        # The block ended, and the evaluation began, with its last training record.
        then, said = self._last_record, {"epoch_num": place}
        if self._in_block:
            self._log.end("block_stop", metadata={"first_epoch_num": self._first}, time_ms=then)
        self._log.start("eval_start", metadata=said, time_ms=then)
        if "eval_samples" not in self._told and "examples" in record:
            self._told.add("eval_samples")
            self._log.event("eval_samples", int(record["examples"]))
        if self._metric in record:
            self._accuracy = float(record[self._metric])
            self._log.event("eval_accuracy", self._accuracy, metadata=said)
        self._log.end("eval_stop", metadata=said)
        self._evaluated.add(place)
        self._in_block = False
        if record["step"] < self._row.steps:
            self._start_block(place, self._epochs(self._until(record["step"])))

    def _start_block(self, first: float, until: float) -> None:
        said = {"first_epoch_num": first, "epoch_count": round(until - first, 4)}
        self._log.start("block_start", metadata=said)
        self._first, self._in_block = first, True

    def _next(self, place: float) -> float:
        """The place of the first evaluation after `place`."""
        step = 0
        while step < self._row.steps and self._epochs(step) <= place:
            step = self._until(step)
        return self._epochs(step)

    def _until(self, step: int) -> int:
        """The update of the next evaluation."""
        return min(self._row.steps, (step // self._eval_every + 1) * self._eval_every)

    def _examples(self, step: int) -> int:
        """Seen after `step` updates."""
        seen = begin = 0
        for stage in self._row.stages:
            seen += min(max(step - begin, 0), stage.steps) * stage.batch_size
            begin += stage.steps
        return seen

    def _epochs(self, step: int) -> float:
        """MLPerf's epoch_num: epochs of images; of text, as its benchmark has it, examples."""
        seen, every = self._examples(step), self._row.training_examples
        return seen if every is None else round(seen / every, 4)


class LoggedFolder:
    """A run's folder that tells a log, if there is one, of the metrics as they are appended."""

    def __init__(self, folder: Any, log: MLPerfLog | None):
        self._folder, self._log = folder, log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._folder, name)

    def append_metrics(self, record: Mapping[str, Any]) -> None:
        self._folder.append_metrics(record)
        if self._log:
            self._log.record(record)

    def end(self, status: str) -> None:
        if self._log:
            self._log.end(status)


def start(path: str | None, row: Row, seed: int, folder: Any) -> MLPerfLog | None:
    """The log of a run in `folder`; None where none is asked for, or another host writes it."""
    # A host that is not the first has a scratch folder and appends no metrics.
    return None if path is None or folder.scratch else MLPerfLog(path, row, seed)


@contextlib.contextmanager
def logged(
    folder: Any, log: MLPerfLog | None, experiment: Mapping[str, Any], row: Row, eval_every: int
) -> Iterator[LoggedFolder]:
    """Gives the folder to train in; the log begins here, and is closed in the end."""
    try:
        if log:
            devices, piece = experiment["num_devices"], experiment["micro_batch"]
            piece = piece[0] if isinstance(piece, list) else piece
            plan = BatchPlan.make(row.stages[0].batch_size, devices, piece, pad=True)
            log.begin(experiment["device"], devices, plan.accumulation, eval_every)
        yield LoggedFolder(folder, log)
    finally:
        if log:
            log.close()


def lines(path: str) -> list[dict[str, Any]]:
    """The log's entries; a last line that was cut off is left out."""
    found = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith(MARK):
                try:
                    found.append(json.loads(line[len(MARK) :]))
                except ValueError:
                    break
    return found


def _earlier(path: str, who: dict[str, Any]) -> list[dict[str, Any]]:
    """What the file holds of this run, up to an interruption; refuses any other's."""
    if not os.path.exists(path) or not os.path.getsize(path):
        return []
    try:
        entries = lines(path)
        theirs = [_who(entry) for entry in entries if entry["key"] == "submission_benchmark"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"--mlperf_log={path} cannot be read as a log: {error!r}") from error
    if theirs != [who]:
        found = theirs[0] if theirs else "no run"
        raise UserError(f"--mlperf_log={path} holds another log, of {found}; give another file")
    if any(entry["key"] == "run_stop" for entry in entries):
        raise UserError(f"--mlperf_log={path} holds this run's log to its end; give another file")
    return entries


def _who(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: entry["metadata"].get(key) for key in ("row", "scale", "seed")}


def _place(entry: dict[str, Any]) -> float:
    return entry["metadata"]["epoch_num"]


def _new_logger(path: str):
    try:
        from mlperf_logging.mllog.mllog import MLLogger
    except ImportError as error:
        raise UserError(
            "--mlperf_log needs the package mlperf-logging: pip install 'largebatch[mlperf]', or "
            "pip install mlperf-logging"
        ) from error
    try:
        handler = logging.FileHandler(path)
    except OSError as error:
        raise UserError(
            f"--mlperf_log={path} cannot be written ({error.strerror}); its folder must exist"
        ) from error
    logger = logging.Logger("largebatch.mlperf", logging.INFO)
    logger.addHandler(handler)
    return MLLogger(logger=logger, root_dir=re.escape(str(PACKAGE)))


def _now() -> int:
    return int(time.time() * 1e3)
