"""Runs one row: devices, data, model, optimizer, the loop, and the files that tell of it."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from largebatch import cli, stack
from largebatch.experiments.costs import micro_batch
from largebatch.experiments.costs.compiled_batches import largest_compiled
from largebatch.experiments.costs.micro_batch import automatic_micro_batch, device_memory
from largebatch.experiments.launching import mlperf_log, preflight, resume, wandb_log
from largebatch.experiments.launching.kept_sources import keep_sources
from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.provenance import commit, versions
from largebatch.experiments.records.result import headline, outcome_record
from largebatch.experiments.records.row_record import row_record
from largebatch.experiments.rows import scale
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tasks import encoders, finetuning, workload
from largebatch.stack import quiet_tensorflow
from largebatch.tpu.lowering.topologies import generation_here

if TYPE_CHECKING:
    from largebatch.data.imagenet.decoding import SkippedImages
    from largebatch.experiments.tasks.workload import Workload
    from largebatch.tpu.loop.observer import Observer

FINISHED, DIVERGED, PEER_LOST = 0, 3, 4
CHECKPOINTS_IN_A_RUN = 20
# A loop on the device hides the host's work; on a CPU there is none to hide, and a stop is quicker.
STEPS_PER_LOOP = {"cpu": 10, "gpu": 100, "tpu": 100}


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
    with stack.telling(cli.nothing if settings.quiet else cli.say):
        return _launch(row, settings, new_observer)


def _launch(row: Row, settings: RunSettings, new_observer) -> int:
    cluster = preflight.check(row, settings, os.environ)
    if settings.wandb:
        wandb_log.package()
    stack.say(f"{row.name}{scale.at(row)}: {_described(row)}, {row.steps} updates")
    onednn = row.task == "pretraining"
    if settings.init_checkpoint or "://" in settings.output_dir:
        quiet_tensorflow(onednn=onednn)  # It reads the one and reaches the other.
    from largebatch import data, optimizers, tpu

    missing = optimizers.why_missing(row.optimizer)
    if missing:
        raise UserError(f"{row.name}: {missing}")
    encoder = None
    if settings.init_checkpoint:
        row, encoder = encoders.released(row, settings.init_checkpoint, settings.lower_case)
    folder_type = tpu.RunFolder if cluster is None or cluster.is_chief else tpu.PeerFolder
    with folder_type(settings.output_dir) as folder:
        earlier = resume.earlier_result(folder, row, settings)
        if earlier is not None and not settings.eval_only:
            print(f"{row.name} is {earlier['status']} already: {headline(earlier)}")
            print(f"see {folder.path / 'result.json'}")
            return DIVERGED if earlier["status"] == "diverged" else FINISHED
        # It starts here, once the row and the folder are known to be good.
        quiet_tensorflow(onednn=onednn)
        if settings.eval_only:
            return _evaluate(row, settings, cluster, folder)
        try:
            strategy = _strategy(row, settings, cluster)
            outcome, result = _run(row, settings, strategy, folder, new_observer, encoder)
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
    print(f"{row.name} {outcome.status}: {headline(result)} ({_described(row)})")
    if outcome.status == "interrupted" and not _as_asked(outcome, settings):
        return 128 + (outcome.signum or signal.SIGTERM)
    return DIVERGED if outcome.status == "diverged" else FINISHED


def _run(row: Row, settings: RunSettings, strategy, folder, new_observer, encoder):
    """Trains, then fine-tunes if asked to; returns (outcome, the result file's object).

    A released `encoder` takes the place of pre-training.
    """
    from largebatch import tpu
    from largebatch.experiments.tasks.schedule import optimizer_of

    # Read before hours of pre-training: a chain that cannot end is not begun.
    squad = finetuning.load(settings.squad_dir) if settings.squad_dir else None
    skipped = log = None
    if encoder:
        work, pieces = None, [None]
    else:
        log = mlperf_log.start(settings.mlperf_log, row, settings.seed, folder)
        skipped = _skipped_images(settings, folder)
        work = _workload(row, settings, skipped)
        pieces = _micro_batches(row, settings, strategy)
    experiment = _experiment(row, settings, strategy, work, pieces, encoder)
    resume.say_if_elsewhere(folder.read_json("experiment.json"), experiment)
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
            with wandb_log.logged(told, settings.wandb, experiment, settings.quiet) as heard:
                try:
                    outcome = tpu.fit(
                        work.task, lambda: optimizer_of(row), strategy, heard, options
                    )
                except tpu.EmptyUpdate as error:
                    raise UserError(f"{row.name}: {error}{_left_out(skipped)}") from error
            told.end(outcome.status)
        if squad:
            encoder = encoders.of_run(row, folder.checkpoints, work.data)
    result = {**experiment, **outcome_record(outcome, row.steps, folder)}
    if _as_asked(outcome, settings):
        result["max_steps"] = settings.max_steps
    if skipped is not None:
        result["skipped_images"] = sorted(skipped.places)
        print(f"{len(skipped.places)} corrupt images were left out: skipped_images in result.json")
    if squad and outcome.status == "finished":
        outcome, fine_tuned = _fine_tune(row, settings, squad, encoder, strategy, folder)
        result = {**result, **fine_tuned, "metrics": {**result["metrics"], **fine_tuned["metrics"]}}
        if work is None:  # nothing else was trained
            result = {**result, **{k: v for k, v in fine_tuned["squad"].items() if k in result}}
    folder.write_json("result.json", result)
    return outcome, result


def _left_out(skipped: SkippedImages | None) -> str:
    """'; 32 images ...', the first by name."""
    if not (skipped and skipped.places):
        return ""
    return (
        f"; --skip_corrupt has left {len(skipped.places)} images out, the first is "
        f"{skipped.places[0]}: copy the files again"
    )


def _evaluate(row: Row, settings: RunSettings, cluster, folder) -> int:
    """Evaluates the newest checkpoint of the run in the folder; returns the exit code."""
    from largebatch import tpu

    if folder.read_json("experiment.json") is None:
        raise UserError(f"--eval_only: --output_dir={folder.path} holds no run")
    strategy = _strategy(row, settings, cluster)
    skipped = _skipped_images(settings, folder)
    work = _workload(row, settings, skipped)
    step, results = tpu.evaluate(work.task, strategy, folder, work.eval_batch)
    figures = ", ".join(f"{k} {v:.4f}" for k, v in results.items() if isinstance(v, float))
    print(f"{row.name} at update {step}: {figures} ({results['examples']} examples)")
    return FINISHED


def _workload(row: Row, settings: RunSettings, skipped) -> Workload:
    return workload.load(row, settings.data_dir, settings.seed, skipped, settings.image_cache)


def _strategy(row: Row, settings: RunSettings, cluster):
    """The devices, as they are set before the first tensor."""
    from largebatch import tpu
    from largebatch.tpu.hosts import devices

    devices.configure_threads(settings.threads)
    strategy = tpu.configure_devices(
        settings.device, settings.num_devices, settings.tpu, cluster, settings.peer_timeout
    )
    devices.configure_precision(row.precision)
    devices.seed_everything(settings.seed, settings.deterministic)
    return strategy


def _as_asked(outcome, settings: RunSettings) -> bool:
    """Whether the run ended at --max_steps."""
    return bool(settings.max_steps) and outcome.status == "interrupted" and outcome.signum is None


def _described(row: Row) -> str:
    """'mnist, batch 1024'."""
    batches = "/".join(str(stage.batch_size) for stage in row.stages)
    return f"{row.dataset}, batch {batches}"


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
        "metrics": score.metrics if score else {},
        **({"floors": score.floors} if score else {}),
        "squad": {
            "encoder": encoder.origin,
            "steps": stage.steps,
            "last_step": outcome.last_step,
            "last_loss": outcome.last_loss,
            "wall_seconds": outcome.wall_seconds,
        },
    }


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
        keep_checkpoints=settings.keep_checkpoints,
        max_steps=settings.max_steps,
        profile=settings.profile,
        quiet=settings.quiet,
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


def _experiment(row: Row, settings: RunSettings, strategy, work, pieces, encoder) -> dict[str, Any]:
    released = {"init_checkpoint": settings.init_checkpoint}
    return {
        **row_record(row),
        "seed": settings.seed,
        "device": _device_kind(strategy),
        "num_devices": strategy.num_replicas_in_sync,
        "micro_batch": pieces[0] if len(set(pieces)) == 1 else pieces,
        "deterministic": settings.deterministic,
        "tags": list(settings.tags),
        "precision": row.precision,
        "data": work.data if work else {**released, **encoders.record(encoder)},
        "versions": versions(),
        "commit": commit(),
    }


def _device_kind(strategy) -> str:
    """`cpu`, `gpu` or `tpu`, from a name such as /job:localhost/replica:0/task:0/device:CPU:0."""
    return strategy.extended.worker_devices[0].rsplit("/", 1)[-1].split(":")[1].lower()
