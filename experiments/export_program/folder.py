"""The folder of a portable run: programs, data, initial weights, the runner and the manifest."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from largebatch.experiments.export_program import data as portable_data
from largebatch.experiments.export_program import weights
from largebatch.experiments.export_program.programs import FACTOR, ONE_HOST, RATE, RowPrograms
from largebatch.experiments.launching.launch import CHECKPOINTS_IN_A_RUN
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records import folder_name
from largebatch.experiments.records.provenance import commit, versions
from largebatch.experiments.records.row_record import row_record
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tasks import workload
from largebatch.tpu.hosts import devices
from largebatch.tpu.lowering.conversion import ConversionEnvironment
from largebatch.tpu.lowering.portable_program import PRECISIONS, PortableProgram, with_precision

FORMAT = 1


def export(row: Row, output: Path, environment: ConversionEnvironment, **settings: Any) -> int:
    """Writes the folder, whole or not at all; returns its size in bytes. See `_write`."""
    output = output.absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as scratch:
        size = _write(row, Path(scratch) / output.name, environment, **settings)
        if output.exists():
            output.rmdir()  # It is empty.
        (Path(scratch) / output.name).rename(output)
    return size


def _write(
    row: Row,
    output: Path,
    environment: ConversionEnvironment,
    *,
    data_dir: str | None,
    seeds: Sequence[int],
    micro_batch: int | None = None,
    copy_data: bool = True,
    max_steps: int | None = None,
    precisions: Sequence[str] = tuple(PRECISIONS),
) -> int:
    """Writes the folder, each program with these precisions of products; returns its bytes.

    Text and ImageNet: with batches of `max_steps` updates of each stage; 0: with none.

    Args:
      row: After scale and overrides.
      output: A folder that is not there.
      data_dir: As of a run.
      seeds: The recipes of weights are checked for these; of text and ImageNet, batches and
        weights are written for these alone.
      micro_batch: Examples of one pass; None: the whole batch.
      copy_data: Whether the images of an image set are written.
      max_steps: Of text and ImageNet: batches of so many updates a stage; None: all.

    Raises:
      ValueError: The data are not there, or the batch does not divide.
    """
    strategy = devices.configure_devices("cpu", 1)
    devices.configure_precision(row.precision)
    devices.seed_everything(seeds[0], deterministic=False)
    work = workload.load(row, data_dir, seeds[0])
    programs = RowPrograms(row, work.task, strategy, micro_batch)
    images = getattr(work.task, "images", None)
    in_memory = hasattr(images, "train_images")
    start = weights.snapshot(programs.state)

    output.mkdir()
    (output / "programs").mkdir()
    lowered = {
        f"update-{stage + 1}": programs.update(stage) for stage in range(len(programs.plans))
    }
    eval_data = work.task.eval_dataset(ONE_HOST, work.eval_batch)
    lowered["evaluate"] = programs.evaluate(eval_data.element_spec)
    data: dict[str, Any] = {"kind": "set" if in_memory else "files"}
    if in_memory:
        lowered["batch"] = programs.batch(images)
        lowered["eval_images"] = programs.eval_images(images, work.eval_batch)
        data["sha256"] = portable_data.write_set(images, output / "data.npz" if copy_data else None)
        data["train_examples"] = images.num_train
    else:
        data["batches"] = {
            seed: _write_batches(row, work, programs, data_dir, seed, output, max_steps)
            for seed in (seeds if max_steps != 0 else ())
        }
    eval_batches = portable_data.write_evaluation(
        eval_data, output / "evaluation.npz", ("image",) if in_memory else ()
    )
    pieces = [plan.micro_batch for plan in programs.plans]
    manifest = {
        "format": FORMAT,
        "record": row_record(row),
        "run": {
            "micro_batch": pieces[0] if len(set(pieces)) == 1 else pieces,
            "precision": row.precision,
            "data": work.data,
        },
        "exporter": {"versions": {**versions(), **environment.versions}, "commit": commit()},
        "folder": _folder(row),
        "rates": _rates(row),
        "steps_per_epoch": work.steps_per_epoch,
        "checkpoint_every": -(-row.steps // CHECKPOINTS_IN_A_RUN),
        "stages": _stages(row, programs),
        "programs": _write_programs(lowered, environment, output, precisions),
        "state": _state(programs),
        "weights": _write_weights(row, work, strategy, micro_batch, programs, start, seeds, output),
        "data": data,
        "evaluation": {
            "every": work.eval_every,
            "batch": work.eval_batch,
            "batches": eval_batches,
            "examples": work.task.eval_examples,
            "derived": _derived(work.task, lowered["evaluate"]),
        },
    }
    for name in ("runner", "device", "draws"):
        shutil.copyfile(Path(__file__).with_name(f"{name}.py"), output / f"{name}.py")
    manifest["files"] = {
        str(file.relative_to(output)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(output.rglob("*"))
        if file.is_file()
    }
    (output / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return sum(file.stat().st_size for file in output.rglob("*") if file.is_file())


def _write_programs(
    lowered: Mapping[str, PortableProgram],
    environment: ConversionEnvironment,
    output: Path,
    precisions: Sequence[str],
) -> dict[str, Any]:
    hlo = {
        f"{name}.{precision}": with_precision(program.hlo, precision)
        for name, program in lowered.items()
        for precision in precisions
    }
    files = environment.convert(hlo, output / "programs")
    return {
        name: {
            "inputs": [list(value) for value in program.inputs],
            "outputs": [list(value) for value in program.outputs],
            "files": {p: f"programs/{files[f'{name}.{p}'].name}" for p in precisions},
        }
        for name, program in lowered.items()
    }


def _write_batches(row, work, programs, data_dir, seed, output, max_steps) -> list[list]:
    """For each stage, the files with its updates."""
    task = workload.load(row, data_dir, seed).task
    return [
        portable_data.write_updates(
            task.train_dataset(number, ONE_HOST, plan.micro_batch, 0),
            plan.accumulation,
            min(stage.steps, max_steps or stage.steps),
            output / "batches" / f"seed={seed}" / f"stage={number + 1}",
            output,
        )
        for number, (stage, plan) in enumerate(zip(task.stages, programs.plans))
    ]


def _write_weights(row, work, strategy, micro_batch, programs, start, seeds, output):
    """Recipes that hold for each of the seeds, and files with the rest."""
    recipes = weights.recipes(programs.model, start, seeds[0])
    values = {seeds[0]: start}
    for seed in seeds[1:]:
        devices.seed_everything(seed, deterministic=False)
        again = RowPrograms(row, work.task, strategy, micro_batch)
        values[seed] = weights.snapshot(again.state, like=start)
        recipes = weights.that_hold(recipes, values[seed], seed)
    files = {}
    for seed, variables in values.items():
        rest = {name: value for name, value in variables.items() if name not in recipes}
        if rest:
            (output / "weights").mkdir(exist_ok=True)
            files[seed] = f"weights/seed={seed}.npz"
            np.savez(output / files[seed], **rest)
    return {"recipes": recipes, "files": files}


def _state(programs: RowPrograms) -> dict[str, Any]:
    """Names of the state, by what the runner has to know of it."""
    state = programs.state
    counters = {kind: f"optimizer/{kind}" for kind in ("iteration", "refused_steps")}
    missing = [name for name in counters.values() if name not in state]
    if missing:
        raise ValueError(f"the optimizer has no variable {missing[0]!r}; it has {list(state)}")
    return {
        "names": list(state),
        "model": list(programs.model_state),
        "slots": [n for n, v in state.items() if n.startswith("optimizer/") and v.shape.rank],
        "layers": programs.layers,
        "rate": RATE,
        "factor": FACTOR,
        **counters,
    }


def _stages(row: Row, programs: RowPrograms) -> list[dict[str, Any]]:
    return [
        {
            "batch_size": stage.batch_size,
            "steps": stage.steps,
            "pieces": plan.accumulation,
            "update": f"update-{number + 1}",
            # Whether --rates is this stage's rate, too.
            "follows_rate": not number or row.stage2_learning_rate is None,
            "resets_slots": bool(number) and row.keep_moments is False,
        }
        for number, (stage, plan) in enumerate(zip(row.stages, programs.plans))
    ]


def _folder(row: Row) -> dict[str, Any]:
    """What the path of a run's folder is made of: see `folders.run_folder`."""
    scale = [row.scale] if row.scale != "paper" else []
    return {"parts": [*scale, *row.name.split("/")], "shown": folder_name.shown_settings(row)}


def _rates(row: Row) -> dict[str, Any]:
    """Whether another peak rate is the same schedule times a factor."""
    fixed = [f for f in ("initial_learning_rate", "end_learning_rate") if getattr(row, f)]
    return {"own": row.learning_rate, "fixed_by": fixed[0] if fixed else None}


def _derived(task, evaluate: PortableProgram) -> dict[str, dict[str, float]]:
    """Metrics that the task makes of others, as weights of a sum.

    Raises:
      UserError: The task's own arithmetic is no such sum.
    """
    counts = {"examples", "left_out", "subset"}
    names = sorted({value.name.rpartition("/")[0] for value in evaluate.outputs} - counts)
    derived: dict[str, dict[str, float]] = {}
    for name in names:
        unit = {other: float(other == name) for other in names}
        for result, value in task.finish_evaluation(dict(unit)).items():
            derived.setdefault(result, {})
            if value:
                derived[result][name] = float(value)
    probe = {name: 1.0 + place for place, name in enumerate(names)}
    for result, value in task.finish_evaluation(dict(probe)).items():
        if value != sum(weight * probe[name] for name, weight in derived[result].items()):
            raise UserError(f"the metric {result} is no weighted sum of what the program counts")
    return {r: parts for r, parts in derived.items() if parts != {r: 1.0}}
