"""Exported programs, run by JAX on its CPU, against the suite's own loop on TensorFlow's.

These need the second environment, which `make pjrt-environment` makes.
"""

import json
import os
import subprocess

import numpy as np
import pytest

from largebatch.experiments import launch, portable_folder, registry
from largebatch.experiments.folders import run_folder
from largebatch.experiments.overrides import apply_overrides
from largebatch.experiments.scales import scaled
from largebatch.experiments.settings import RunSettings
from largebatch.tpu.conversion import FOLDER, ConversionEnvironment

PYTHON = FOLDER / "bin" / "python"
needs_jax = pytest.mark.skipif(not PYTHON.exists(), reason="`make pjrt-environment` makes it")
UPDATES = 20
DIGITS = 1_437


def row_of(name, overrides=None, scale="smoke"):
    texts = {field: str(value) for field, value in (overrides or {}).items()}
    return apply_overrides(scaled(registry.find(name), scale), texts)


def epochs(updates, batch, examples=DIGITS):
    """Overrides that make a run of so many updates, evaluated once in the middle."""
    share = batch / examples
    return {"batch_size": batch, "epochs": updates * share, "warmup_epochs": 4 * share,
            "eval_every_epochs": updates // 2 * share}  # fmt: skip


def exported(row, folder, **settings):
    settings = {"data_dir": None, "seeds": [0], **settings}
    portable_folder.export(row, folder, ConversionEnvironment(), **settings)
    return folder


def start(folder, runs, *flags):
    command = [str(PYTHON), str(folder / "runner.py"), f"--output_dir={runs}", *flags]
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean
    )


def run_exported(folder, runs, *flags, code=0):
    process = start(folder, runs, *flags)
    printed, _ = process.communicate()
    assert process.returncode == code, printed
    return printed


def records(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").open()]


def without_time(folder):
    times = ("seconds", "examples_per_second")
    return [{k: v for k, v in record.items() if k not in times} for record in records(folder)]


class KeepsWeights:
    """Keeps the weights of a run at its end."""

    kind = "kept"

    def __init__(self, step):
        self.steps = (step,)

    def begin(self, model):
        pass

    def observe(self, step, model):
        names = [variable.name.removesuffix(":0") for variable in model.variables]
        self.weights = {f"model/{n}": v.numpy() for n, v in zip(names, model.variables)}
        return {}


def suites_own(row, folder, seed, data_dir, micro_batch):
    """(the suite's records, its weights at the end)."""
    kept = KeepsWeights(row.steps)
    settings = RunSettings(output_dir=str(folder), data_dir=data_dir, seed=seed, device="cpu",
                           micro_batch=micro_batch, steps_per_loop=1)  # fmt: skip
    assert launch.launch(row, settings, lambda *_: kept) == 0
    return records(folder), kept.weights


def check_equal(row, tmp_path, rtol, weights_atol, data_dir=None, micro_batch=None, seed=3):
    """A run of `row` as a portable program is the suite's own, to rounding."""
    folder = exported(row, tmp_path / "exported", seeds=[seed], data_dir=data_dir,
                      micro_batch=micro_batch)  # fmt: skip
    run_exported(folder, tmp_path / "runs", f"--seeds={seed}", "--steps_per_loop=1")
    mine = tmp_path / run_folder("runs", row, seed)
    wanted, weights = suites_own(row, tmp_path / "own", seed, data_dir, micro_batch)
    wanted = [record for record in wanted if record["kind"] != "kept"]
    found = records(mine)
    assert [(r["kind"], r["step"]) for r in found] == [(r["kind"], r["step"]) for r in wanted]
    for one, other in zip(found, wanted):
        assert set(one) == set(other)
        for key in set(one) - {"kind", "seconds", "examples_per_second", "layers"}:
            # A rounding may turn an image's class: of accuracies that is one image.
            atol = 3 / one["examples"] if "accuracy" in key or key.startswith("top") else 1e-7
            assert one[key] == pytest.approx(other[key], rel=rtol, abs=atol), (key, one["step"])
    with np.load(mine / "checkpoint.npz") as file:
        assert {name for name in file if name.startswith("model/")} == set(weights)
        for name, value in weights.items():
            np.testing.assert_allclose(file[name], value, rtol=0, atol=weights_atol, err_msg=name)
    return folder, mine


@needs_jax
def test_a_network_with_dropout_in_micro_batches_is_the_suites_own(tmp_path):
    # Clipped groups, accumulation, dropout and a part of the test images: all inside the program.
    row = row_of("table7/lamb-as-run", {"model_width": 0.1, "eval_subset": 200, **epochs(6, 32)})
    check_equal(row, tmp_path, 1e-5, 1e-6, micro_batch=16)


@needs_jax
@pytest.mark.slow
def test_lenet_is_the_suites_own(tmp_path):
    check_equal(row_of("table7/lamb", epochs(UPDATES, 100)), tmp_path, 1e-5, 1e-5)


@needs_jax
@pytest.mark.slow
def test_mnists_network_with_dropout_is_the_suites_own(tmp_path):
    check_equal(row_of("table7/lamb-as-run", epochs(UPDATES, 64)), tmp_path, 1e-5, 1e-5)


@needs_jax
@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "rtol", "atol"), [("float32", 1e-4, 1e-4), ("bfloat16", 2e-2, 2e-2)]
)
def test_davidnet_is_the_suites_own(tmp_path, precision, rtol, atol):
    row = row_of("table6/lamb", {"precision": precision, **epochs(UPDATES, 64)})
    check_equal(row, tmp_path, rtol, atol)


@needs_jax
@pytest.mark.slow
def test_both_stages_of_bert_are_the_suites_own(tmp_path):
    row = row_of("table1/lamb-65536-32768", {"total_steps": UPDATES, "stage2_steps": 8})
    folder, mine = check_equal(row, tmp_path, 1e-5, 1e-5, micro_batch=2)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [stage["pieces"] for stage in manifest["stages"]] == [4, 2]


@needs_jax
@pytest.mark.slow
def test_resnet50_is_the_suites_own(tmp_path, imagenet_folder):
    changes = {
        **{"examples": 32, "image_size": 64, "batch_size": 8, "epochs": 5, "warmup_epochs": 1},
        **{"model_width": 16, "eval_every_epochs": 5, "precision": "float32"},
    }
    row = row_of("table5/lamb-512", changes, scale="paper")
    check_equal(row, tmp_path, 1e-3, 1e-3, data_dir=str(imagenet_folder))
