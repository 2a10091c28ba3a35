"""Programs that a GPU only times: updates of the large networks, and of optimizers alone.

Each is one folder entry of PACK/steps, with a manifest as an exported folder's: no data, no
weights; inputs are filled with noise where they are timed (`gpu_steps`).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Step(NamedTuple):
    """An update that is timed: a row's recipe at a batch that one device takes."""

    row: str
    settings: Mapping[str, Any]
    batch: int


STEPS = {
    "davidnet": Step("table6/lamb-as-run", {}, 512),
    "resnet50": Step("table5/lamb-32768-as-run", {}, 256),
    "bert_base": Step("table1/lamb-32768", {"model": "bert_base"}, 128),
}
# As optax's are made: the same decay, and no correction of LAMB's moments, which optax has.
OPTIMIZERS = {
    "lamb": {"weight_decay": 0.01, "bias_correction": True},
    "adamw": {"weight_decay": 0.01},
}
# For a rehearsal: what a CPU compiles in seconds.
SMALL = {
    "davidnet": Step("table6/momentum", {"model_width": 4}, 8),
    "bert_tiny": Step("table1/lamb-32768", {"model": "bert_tiny", "vocabulary_size": 500}, 2),
}
SMALL_SHAPES = {"layers": 1, "hidden": 64, "heads": 2, "vocabulary": 500}


def write(folder: Path, small: bool = False) -> None:
    """Writes the programs; with `small` of toy sizes."""
    from largebatch.benchmarks.optimizer_step import bert_shapes
    from largebatch.tpu.lowering.conversion import ConversionEnvironment

    shapes = bert_shapes(**SMALL_SHAPES) if small else bert_shapes()
    lowered, about = {}, {}
    for name, step in (SMALL if small else STEPS).items():
        lowered[name], about[name] = _update(step)
    for name, settings in OPTIMIZERS.items():
        lowered[f"update-{name}"] = optimizer_update(name, shapes, **settings)
    folder.mkdir(parents=True, exist_ok=True)
    files = ConversionEnvironment().convert({n: p.hlo for n, p in lowered.items()}, folder)
    programs = {
        name: {
            "inputs": [list(value) for value in program.inputs],
            "outputs": [list(value) for value in program.outputs],
            "files": {"default": files[name].name},
        }
        for name, program in lowered.items()
    }
    manifest = {"programs": programs, "steps": about}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def optimizer_update(name: str, shapes, **settings):
    """A program of one update of variables of these [(path, shape)], the gradients given."""
    import tensorflow as tf

    from largebatch import optimizers
    from largebatch.optimizers.keras_internals import rate_variable
    from largebatch.optimizers.schedules import Constant
    from largebatch.tpu.lowering.portable_program import portable_program

    weights = [tf.Variable(tf.zeros(shape), name=path) for path, shape in shapes]
    optimizer = optimizers.create(name, Constant(1e-4), **settings)
    optimizer.build(weights)
    state = {f"weight/{path}": variable for (path, _), variable in zip(shapes, weights)}
    for number, variable in enumerate(optimizer.variables):
        state[f"v/{number}"] = variable  # second moments among them: filled with what is positive
    state["rate"] = rate_variable(optimizer)

    def update(**gradients):
        optimizer.apply_gradients(zip(gradients.values(), weights))
        return {"done": tf.identity(optimizer.iterations)}

    arguments = {f"gradient/{path}": tf.TensorSpec(shape) for path, shape in shapes}
    return portable_program(update, arguments, state)


def _update(step: Step):
    from largebatch.experiments.compile import shape_only
    from largebatch.experiments.costs.example_cost import TRAINING, cost
    from largebatch.experiments.export_program.programs import RowPrograms
    from largebatch.experiments.rows.overrides import apply_overrides
    from largebatch.experiments.tables import registry
    from largebatch.tpu.hosts.devices import configure_devices, configure_precision

    settings = {field: str(value) for field, value in step.settings.items()}
    row, batch = apply_overrides(registry.find(step.row), settings), step.batch
    configure_precision(row.precision)
    task = shape_only.task(row, batch)
    later = batch if row.stage2_batch_size else None
    row = dataclasses.replace(row, batch_size=batch, stage2_batch_size=later)
    programs = RowPrograms(row, task, configure_devices("cpu", 1), None)
    about = {
        "row": step.row,
        "model": row.model,
        "precision": row.precision,
        "batch": batch,
        "sequence_length": row.sequence_length,
        "image_size": row.image_size,
        # Counted here: XLA's own count leaves out what a library computes, as convolutions on GPUs.
        "flops": TRAINING * cost(row, row.stages[0]).forward_flops * batch,
        "parameters": sum(v.shape.num_elements() for v in programs.model.trainable_variables),
    }
    return programs.update(0), about
