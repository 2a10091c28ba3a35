"""Runs one row: devices, data, model, optimizer, the loop, and the files that tell of it."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from largebatch.experiments.costs import micro_batch
from largebatch.experiments.costs.compiled_batches import largest_compiled
from largebatch.experiments.costs.micro_batch import automatic_micro_batch, device_memory
from largebatch.experiments.launching import mlperf_log
from largebatch.experiments.launching.kept_sources import keep_sources
from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.provenance import commit, versions
from largebatch.experiments.records.result import headline, outcome_record
from largebatch.experiments.records.row_record import row_record
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tasks import encoders, finetuning, workload
from largebatch.stack import quiet_tensorflow
from largebatch.tpu.lowering.topologies import generation_here

if TYPE_CHECKING:
    from largebatch.experiments.tasks.workload import Workload
    from largebatch.tpu.loop.observer import Observer

FINISHED, DIVERGED, PEER_LOST = 0, 3, 4
CHECKPOINTS_IN_A_RUN = 20
# A loop on the device hides the host's work; on a CPU there is none to hide, and a stop is quicker.
STEPS_PER_LOOP = {"cpu": 10, "gpu": 100, "tpu": 100}
RELEASED_ROW = "table1/baseline"
# What must agree for a folder to be resumed by a run.
IDENTITY = ("name", "scale", "seed", "overrides", "row")


def launch(
    row: Row, settings: RunSettings, new_observer: Callable[[Row, Workload], Observer] | None = None
) -> int:
    """Runs a row in `settings.output_dir`, resuming what lies there; returns the exit code.

    Args:
      row: What is run.
      settings: How it is run.
      new_observer: Given the row and its workload, returns a `tpu.Observer` of the training.

    Returns:
      0 finished, 3 diverged, 4 another host was lost, 128 + the signal's number if one stopped it.

    Raises:
      ValueError: For a user's mistake, before anything is overwritten.
    """
    # It starts here, once the row is known to be good.
    quiet_tensorflow(onednn=row.task == "pretraining")
    from largebatch import data, optimizers, tpu
    from largebatch.tpu.hosts import devices

    missing = optimizers.why_missing(row.optimizer)
    if missing:
        raise UserError(f"{row.name}: {missing}")

    cluster = tpu.Cluster.find(settings.workers, settings.worker_index, os.environ)
    _check_chain(row, settings, cluster)
    folder_type = tpu.RunFolder if cluster is None or cluster.is_chief else tpu.PeerFolder
    with folder_type(settings.output_dir) as folder:
        earlier = _earlier_result(folder, row, settings)
        if earlier is not None:
            print(f"{row.name} is {earlier['status']} already: {headline(earlier)}")
            print(f"see {folder.path / 'result.json'}")
            return DIVERGED if earlier["status"] == "diverged" else FINISHED
        devices.configure_threads(settings.threads)
        try:
            strategy = tpu.configure_devices(
                settings.device, settings.num_devices, settings.tpu, cluster, settings.peer_timeout
            )
            devices.configure_precision(row.precision)
            devices.seed_everything(settings.seed, settings.deterministic)
            outcome, result = _run(row, settings, strategy, folder, new_observer)
        except Exception as error:
            lost = isinstance(error, tpu.PeerLost)
            # On the host whose data are damaged, the others seem to be lost, too.
            damage = data.reading_error(error.__cause__ if lost else error)
            if damage is not None:
                raise UserError(damage) from error
            if not lost:
                raise
            print(f"error: {error}", file=sys.stderr)
            return PEER_LOST
    print(f"{row.name} {outcome.status}: {headline(result)}")
    if outcome.status == "interrupted":
        return 128 + (outcome.signum or signal.SIGTERM)
    return DIVERGED if outcome.status == "diverged" else FINISHED


def _run(row: Row, settings: RunSettings, strategy, folder, new_observer):
    """Trains, then fine-tunes if asked to; returns (outcome, the result file's object)."""
    from largebatch import tpu
    from largebatch.experiments.tasks.schedule import optimizer_of

    # Read before hours of pre-training: a chain that cannot end is not begun.
    squad = finetuning.load(settings.squad_dir) if settings.squad_dir else None
    skipped = log = None
    if settings.init_checkpoint:
        encoder = encoders.released(settings.init_checkpoint)
        work, pieces = None, [None]
    else:
        log = mlperf_log.start(settings.mlperf_log, row, settings.seed, folder)
        skipped = _skipped_images(settings, folder)
        work = workload.load(row, settings.data_dir, settings.seed, skipped, settings.image_cache)
        pieces = _micro_batches(row, settings, strategy)
    experiment = _experiment(row, settings, strategy, work, pieces)
    _say_if_elsewhere(folder.read_json("experiment.json"), experiment)
    folder.write_json("experiment.json", experiment)
    folder.remove("result.json")
    if work is None:
        outcome = tpu.Outcome("finished", {}, 0, None, 0, 0.0)
    else:
        observer = new_observer(row, work) if new_observer else None
        with mlperf_log.logged(folder, log, experiment, row, work.eval_every) as told:
            options = _fit_options(row, settings, work, pieces, _device_kind(strategy))
            options = dataclasses.replace(options, observer=observer)
            keep_sources()
            outcome = tpu.fit(work.task, lambda: optimizer_of(row), strategy, told, options)
            told.end(outcome.status)
        if squad:
            encoder = encoders.of_run(row, folder.checkpoints, work.data)
    result = {**experiment, **outcome_record(outcome, row, folder)}
    if skipped is not None:
        result["skipped_images"] = sorted(skipped.places)
        print(f"{len(skipped.places)} corrupt images were left out: skipped_images in result.json")
    if squad and outcome.status == "finished":
        outcome, fine_tuned = _fine_tune(row, settings, squad, encoder, strategy, folder)
        result = {**result, **fine_tuned, "metrics": {**result["metrics"], **fine_tuned["metrics"]}}
    folder.write_json("result.json", result)
    return outcome, result


def _skipped_images(settings: RunSettings, folder):
    """Takes the images that are left out, with those of the run's interrupted part; or None."""
    from largebatch.data import SkippedImages

    if not settings.skip_corrupt:
        return None
    return SkippedImages((folder.read_json("result.json") or {}).get("skipped_images", ()))


def _fine_tune(row: Row, settings: RunSettings, squad, encoder, strategy, folder):
    """Returns (the fine-tuning's outcome, what it adds to the result)."""
    stage = finetuning.stage_of(row, squad)
    keep_sources()
    pieces = _micro_batches(row, settings, strategy, [stage])
    with folder.subfolder(finetuning.FOLDER) as squad_folder:
        outcome, score = finetuning.run(
            row, stage, squad, encoder, settings.seed, pieces, strategy, squad_folder
        )
    return outcome, {
        "status": outcome.status,
        "metrics": score or {},
        "squad": {
            "encoder": encoder.origin,
            "last_step": outcome.last_step,
            "last_loss": outcome.last_loss,
            "wall_seconds": outcome.wall_seconds,
        },
    }


def _check_chain(row: Row, settings: RunSettings, cluster) -> None:
    """Refuses flags that do not fit the row or each other."""
    if settings.squad_dir and cluster is not None:
        raise UserError(
            "--squad_dir with several hosts: fine-tune afterwards, by the same command on one host"
        )
    if settings.init_checkpoint:
        if row.name != RELEASED_ROW:
            raise UserError(
                f"--init_checkpoint is for {RELEASED_ROW}, whose F1 the paper took from the "
                f"released model; {row.name} is pre-trained by its own recipe"
            )
        if not settings.squad_dir:
            raise UserError("--init_checkpoint needs --squad_dir: there is nothing else to run")
    if settings.squad_dir and row.task != "pretraining":
        raise UserError(f"--squad_dir: {row.name} has no text to be fine-tuned on")


def _fit_options(row: Row, settings: RunSettings, work, pieces, device_kind: str):
    from largebatch import tpu

    return tpu.FitOptions(
        steps_per_epoch=work.steps_per_epoch,
        steps_per_loop=settings.steps_per_loop or STEPS_PER_LOOP[device_kind],
        eval_every=work.eval_every,
        eval_batch=work.eval_batch,
        checkpoint_every=settings.checkpoint_every or -(-row.steps // CHECKPOINTS_IN_A_RUN),
        micro_batch=pieces,
        clip_norm=row.clip_norm,
        clip_batch=row.clip_batch,
        keep_moments=row.keep_moments is not False,
        hparams={"seed": settings.seed, **row_record(row)["row"]},
    )


def _micro_batches(row: Row, settings: RunSettings, strategy, stages=None) -> list[int | None]:
    """For each of `stages` (the row's); None is a replica's whole share in one pass."""
    stages = row.stages if stages is None else stages
    replicas, kind = strategy.num_replicas_in_sync, _device_kind(strategy)
    if settings.micro_batch:
        for stage in stages:
            micro_batch.check_groups(row, stage, replicas, settings.micro_batch)
        return [settings.micro_batch] * len(stages)
    available = device_memory(kind, replicas)
    tpu_kind = generation_here(os.environ) if kind == "tpu" else None
    pieces = []
    for stage in stages:
        compiled = largest_compiled(row, stage, tpu_kind)
        short = None if compiled else micro_batch.shortage(row, stage, available)
        if short:
            raise UserError(
                f"{row.name}: {short}; take a larger machine, a smaller model or fewer "
                "--num_devices on it, or --micro_batch=1 to try all the same"
            )
        pieces.append(automatic_micro_batch(row, stage, replicas, available, compiled))
        micro_batch.check_groups(row, stage, replicas, pieces[-1])
        said = micro_batch.passes(row, stage, replicas, pieces[-1])
        if said:
            print(f"{row.name}: {said}")
    return pieces


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
    if not result or result.get("status") not in ("finished", "diverged"):
        return None
    to_score = settings.squad_dir and "f1" not in result["metrics"]
    return None if to_score and result["status"] == "finished" else result


def _say_if_elsewhere(stored: dict[str, Any] | None, experiment: dict[str, Any]) -> None:
    """Tells of a run that goes on with other devices: its global batch stays what it is."""
    before, now = (stored or {}).get("num_devices"), experiment["num_devices"]
    if before not in (None, now):
        settings = experiment["row"]
        changes = "dropout" if settings["task"] == "pretraining" else "batch norm"
        but = f", but for {changes} where a micro-batch changes its size"
        print(
            f"this run was on {before} devices and goes on with {now}: the same global batches, "
            f"equal to rounding{'' if settings['norm_batch'] else but}"
        )


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
    """A value as JSON gives it back: tuples are lists. None is 'default': as if it were absent, so
    that a setting which a later version adds does not tell a run of today from one of then."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
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
        "data": work.data if work else {"init_checkpoint": settings.init_checkpoint},
        "versions": versions(),
        "commit": commit(),
    }


def _device_kind(strategy) -> str:
    """`cpu`, `gpu` or `tpu`, from a name such as /job:localhost/replica:0/task:0/device:CPU:0."""
    return strategy.extended.worker_devices[0].rsplit("/", 1)[-1].split(":")[1].lower()
