"""Runs one row: devices, data, model, optimizer, the loop, and the files that tell of it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import signal
import subprocess
import warnings
from pathlib import Path
from typing import Any

from largebatch.experiments.errors import UserError
from largebatch.experiments.experiment import Row
from largebatch.experiments.memory import automatic_micro_batch, device_memory
from largebatch.experiments.records import row_record
from largebatch.experiments.settings import RunSettings

FINISHED, DIVERGED = 0, 3
# Curves in a result file: enough points for a picture, few enough to commit.
CURVE_POINTS = 200
CHECKPOINTS_IN_A_RUN = 20
# A loop on the device hides the host's work; on a CPU there is none to hide, and a stop is quicker.
STEPS_PER_LOOP = {"cpu": 10, "gpu": 100, "tpu": 100}
_CURVE_FIELDS = ("step", "epoch", "progress", "loss", "learning_rate")
# What must agree for a folder to be resumed by a run.
IDENTITY = ("name", "scale", "seed", "overrides", "row")


def launch(row: Row, settings: RunSettings) -> int:
    """Runs a row in `settings.output_dir`, resuming what lies there; returns the exit code.

    Returns:
      0 finished, 3 diverged, 128 + the signal's number if a signal stopped it.

    Raises:
      ValueError: For a user's mistake, before anything is overwritten.
    """
    # TensorFlow starts here, once the row is known to be good. Its C++ side reports harmless
    # errors as it loads; real ones come as exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
    from largebatch import tpu
    from largebatch.experiments import workload
    from largebatch.tpu import devices

    with tpu.RunFolder(settings.output_dir) as folder:
        earlier = _earlier_result(folder, row, settings)
        if earlier is not None:
            print(f"{row.name} is {earlier['status']} already: {_headline(earlier)}")
            print(f"see {folder.path / 'result.json'}")
            return DIVERGED if earlier["status"] == "diverged" else FINISHED
        devices.configure_threads(settings.threads)
        strategy = tpu.configure_devices(settings.device, settings.num_devices, settings.tpu)
        devices.configure_precision(row.precision)
        devices.seed_everything(settings.seed, settings.deterministic)
        work = workload.load(row, settings.data_dir, settings.seed)
        pieces = _micro_batches(row, settings, strategy)
        experiment = _experiment(row, settings, strategy, work, pieces)
        folder.write_json("experiment.json", experiment)
        folder.remove("result.json")
        outcome = _fit(row, settings, work, strategy, folder, experiment, pieces)
        result = {**experiment, **_result(outcome, row, folder)}
        folder.write_json("result.json", result)
    print(f"{row.name} {outcome.status}: {_headline(result)}")
    if outcome.status == "interrupted":
        return 128 + (outcome.signum or signal.SIGTERM)
    return DIVERGED if outcome.status == "diverged" else FINISHED


def _fit(row: Row, settings: RunSettings, work, strategy, folder, experiment, pieces):
    from largebatch import optimizers, tpu
    from largebatch.experiments.rates import learning_rate

    def make_optimizer():
        return optimizers.create(row.optimizer, learning_rate(row), **row.optimizer_settings)

    options = tpu.FitOptions(
        steps_per_epoch=work.steps_per_epoch,
        steps_per_loop=settings.steps_per_loop or STEPS_PER_LOOP[_device_kind(strategy)],
        eval_every=work.eval_every,
        eval_batch=work.eval_batch,
        checkpoint_every=settings.checkpoint_every or -(-row.steps // CHECKPOINTS_IN_A_RUN),
        micro_batch=pieces,
        clip_norm=row.clip_norm,
        keep_moments=row.keep_moments is not False,
        hparams={"seed": settings.seed, **experiment["row"]},
    )
    return tpu.fit(work.task, make_optimizer, strategy, folder, options)


def _micro_batches(row: Row, settings: RunSettings, strategy) -> list[int | None]:
    """For each stage; None is a replica's whole share in one pass."""
    if settings.micro_batch or row.task != "pretraining":
        return [settings.micro_batch] * len(row.stages)
    replicas, kind = strategy.num_replicas_in_sync, _device_kind(strategy)
    memory = device_memory(kind, replicas)
    return [automatic_micro_batch(row, stage, replicas, memory) for stage in row.stages]


def _earlier_result(folder, row: Row, settings: RunSettings) -> dict[str, Any] | None:
    """Returns the folder's result if this run has ended in it; refuses another run's folder."""
    stored = folder.read_json("experiment.json")
    if stored is None:
        return None
    wanted = {**row_record(row), "seed": settings.seed}
    for field in IDENTITY:
        if _plain(stored.get(field)) != _plain(wanted[field]):
            raise UserError(
                f"--output_dir={folder.path} holds another run: {_difference(stored, wanted)}; "
                "give another folder, or remove it to start again"
            )
    result = folder.read_json("result.json")
    return result if result and result.get("status") in ("finished", "diverged") else None


def _difference(stored: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Names the first thing in which two runs differ, for the message."""
    for field in ("name", "scale", "seed"):
        if stored.get(field) != wanted[field]:
            return f"{field} {stored.get(field)!r} found, {wanted[field]!r} wanted"
    theirs, mine = stored.get("row") or {}, wanted["row"]
    for field in mine:
        if _plain(theirs.get(field)) != _plain(mine[field]):
            return f"{field} {theirs.get(field)!r} found, {mine[field]!r} wanted"
    return f"overrides {stored.get('overrides')!r} found, {wanted['overrides']!r} wanted"


def _plain(value):
    """A value as JSON gives it back: tuples are lists."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _experiment(row: Row, settings: RunSettings, strategy, work, pieces) -> dict[str, Any]:
    return {
        **row_record(row),
        "seed": settings.seed,
        "device": _device_kind(strategy),
        "num_devices": strategy.num_replicas_in_sync,
        "micro_batch": pieces[0] if len(set(pieces)) == 1 else pieces,
        "deterministic": settings.deterministic,
        "precision": row.precision,
        "data": work.data,
        "versions": _versions(),
        "commit": _commit(),
    }


def _device_kind(strategy) -> str:
    """`cpu`, `gpu` or `tpu`, from a name such as /job:localhost/replica:0/task:0/device:CPU:0."""
    return strategy.extended.worker_devices[0].rsplit("/", 1)[-1].split(":")[1].lower()


def _versions() -> dict[str, str]:
    packages = ("largebatch", "tensorflow", "tensorflow-addons", "tf-models-official")
    found = {"python": platform.python_version()}
    for package in (*packages, "tensorflow-datasets", "numpy"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _commit() -> str | None:
    """The commit of the code, `+changes` added if files differ from it; None outside a checkout."""
    root = Path(__file__).resolve().parents[1]
    try:
        head = _git(root, "rev-parse", "HEAD")
        top = Path(_git(root, "rev-parse", "--show-toplevel")).resolve()
        if top != root:  # installed inside somebody else's repository
            return None
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+changes" if changed else "")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _result(outcome, row: Row, folder) -> dict[str, Any]:
    records = folder.metrics()
    train = [_without(record, "kind") for record in records if record["kind"] == "train"]
    return {
        "status": outcome.status,
        "metrics": dict(outcome.metrics),
        "steps": row.steps,
        "last_step": outcome.last_step,
        "last_loss": outcome.last_loss,
        "refused_steps": outcome.refused_steps,
        "wall_seconds": outcome.wall_seconds,
        "history": [_without(r, "kind", "seconds") for r in records if r["kind"] == "eval"],
        "train_history": _thinned(train),
    }


def _thinned(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most CURVE_POINTS of the training records; a point's loss is the mean since the last."""
    size = max(1, -(-len(records) // CURVE_POINTS))
    points = []
    for start in range(0, len(records), size):
        block = records[start : start + size]
        mean = sum(record["loss"] for record in block) / len(block)
        points.append({**{k: v for k, v in block[-1].items() if k in _CURVE_FIELDS}, "loss": mean})
    return points


def _without(record: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in fields}


def _headline(result: dict[str, Any]) -> str:
    if result["status"] != "finished":
        loss = result["last_loss"]
        text = "none" if loss is None else f"{loss:.5f}"
        return f"step {result['last_step']} of {result['steps']}, last finite loss {text}"
    figures = [f"{k} {v:.4f}" for k, v in result["metrics"].items() if isinstance(v, float)]
    return f"{', '.join(figures)} after {result['steps']} steps, {result['wall_seconds']:.0f} s"
