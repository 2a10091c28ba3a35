"""Folders of runs as `run` writes them, made without training."""

from __future__ import annotations

import functools
import json
import math
import pathlib
import random

import pytest

from largebatch.experiments.records import folder_name, row_record
from largebatch.experiments.rows import overrides
from largebatch.experiments.tables import registry


def write_run(
    root,
    name,
    /,
    *,
    seed=0,
    scale="paper",
    settings=None,
    accuracy=0.99,
    status="finished",
    with_result=True,
    folder=None,
    **changes,
) -> pathlib.Path:
    """Writes one run's folder under `root` and returns it; `changes` go into the record."""
    row = overrides.apply_overrides(registry.scaled(registry.find(name), scale), settings or {})
    folder = pathlib.Path(folder or folder_name.run_folder(str(root), row, seed))
    folder.mkdir(parents=True, exist_ok=True)
    experiment = {
        **row_record.row_record(row),
        "seed": seed,
        "device": "device:CPU:0",
        "num_devices": 1,
        "micro_batch": None,
        "precision": row.precision,
        "versions": {"tensorflow": "2.15.1", "largebatch": "0.1.0"},
        "commit": "0123456789abcdef0123456789abcdef01234567",
    }
    (folder / "experiment.json").write_text(json.dumps(experiment))
    if not with_result:
        return folder
    noise = random.Random(f"{name} {seed} {settings}")
    epochs = max(1, round(row.epochs))
    history, train = [], []
    for epoch in range(1, epochs + 1):
        progress = 1 - math.exp(-5 * epoch / epochs)
        error = (1 - accuracy) + (0.3 * (1 - progress)) ** 2 * noise.uniform(0.8, 1.2)
        step = round(epoch * (row.steps_per_epoch or row.steps))
        record = {"step": step, "epoch": float(epoch), "loss": 3 * error, "examples": 10_000}
        history.append({**record, "accuracy": 1 - error})
        train.append({"step": step, "epoch": float(epoch), "loss": 2 * error, "learning_rate": 0.1})
    metrics = {"accuracy": accuracy, "loss": 3 * (1 - accuracy), "examples": 10_000}
    result = {
        **experiment,
        "status": status,
        "metrics": metrics if status == "finished" else {},
        "steps": row.steps,
        "last_step": row.steps,
        "last_loss": 0.01,
        "refused_steps": 0,
        "wall_seconds": 40.0,
        "history": history,
        "train_history": train,
        **changes,
    }
    (folder / "result.json").write_text(json.dumps(result))
    return folder


@pytest.fixture
def make_run(tmp_path):
    """write_run under the test's folder."""

    def make(name, /, **arguments):
        return write_run(tmp_path, name, **arguments)

    return make


@pytest.fixture(scope="session")
def run_writer():
    """write_run itself, for what a whole module shares."""
    return write_run


def build_small_network(drops, shape, classes, **settings):
    """Four variables: a convolution and a dense layer, with dropout between them if it `drops`."""
    import tensorflow as tf

    from largebatch.models.seeded_model import seeded_model

    image = tf.keras.Input(tuple(shape), name="image")
    x = tf.keras.layers.Conv2D(3, 4, strides=4, activation="relu", name="conv1/conv")(image)
    x = tf.keras.layers.Flatten(name="flatten")(x)
    if drops:
        x = tf.keras.layers.Dropout(0.4)(x)
    logits = tf.keras.layers.Dense(classes, dtype="float32", name="logits")(x)
    return seeded_model(image, logits, "small") if drops else tf.keras.Model(image, logits)


@pytest.fixture
def small_network(monkeypatch):
    """Stands for every image model, for what does not depend on which one it is: most of the time
    of a short run goes into tracing its layers, and their updates."""
    replace_image_models(monkeypatch)


@pytest.fixture(scope="module")
def small_network_of_module():
    """The same for all tests of a file and the runs that they share."""
    with pytest.MonkeyPatch.context() as patch:
        replace_image_models(patch)
        yield


def replace_image_models(patch):
    from largebatch.models.image_models import ImageModel

    def load(entry):
        return functools.partial(build_small_network, "dropout" in entry.defaults)

    patch.setattr(ImageModel, "load", load)


@pytest.fixture
def launch_row(tmp_path):
    """Launches a row at a scale; returns the exit code and the result."""
    from largebatch.experiments.launching import launch
    from largebatch.experiments.launching.options import RunSettings
    from largebatch.experiments.rows.overrides import apply_overrides
    from largebatch.tpu.hosts import devices

    def launch_row(name, *, scale, folder="run", overrides=None, **settings):
        row = apply_overrides(registry.scaled(registry.find(name), scale), overrides or {})
        if row.steps <= 8:  # by default such a run saves after every update, which takes longer
            settings.setdefault("checkpoint_every", 4)
        output = tmp_path / folder
        try:
            code = launch.launch(row, RunSettings(output_dir=str(output), **settings))
        finally:
            devices.configure_precision("float32")
        return code, json.loads((output / "result.json").read_text())

    return launch_row
