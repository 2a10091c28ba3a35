"""Exported programs, run by JAX on its CPU, against the suite's own loop on TensorFlow's.

These need the second environment, which `make pjrt-environment` makes.
"""

import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest

from largebatch.experiments.export_program import __main__ as export_program
from largebatch.experiments.export_program import folder as portable_folder
from largebatch.experiments.launching import launch
from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.records.folder_name import run_folder
from largebatch.experiments.report import FORMATS
from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled
from largebatch.tpu.lowering.conversion import FOLDER, ConversionEnvironment

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
    ("precision", "rtol", "atol"), [("float32", 1e-5, 1e-4), ("bfloat16", 1e-3, 1e-2)]
)
def test_davidnet_is_the_suites_own(tmp_path, precision, rtol, atol):
    # At a low rate: at the row's own, 20 updates make of a last bit a third digit.
    changes = {"precision": precision, "learning_rate": 5e-4, **epochs(UPDATES, 64)}
    row = row_of("table6/lamb", changes)
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
        "learning_rate": 1e-3,
    }
    row = row_of("table5/lamb-512", changes, scale="paper")
    # Batch norm over 8 images amplifies roundings: after these 20 updates the suite's own weights
    # differ by up to 0.0034 with and without oneDNN's kernels, and its losses by 7e-5 of them.
    check_equal(row, tmp_path, 1e-3, 0.01, data_dir=str(imagenet_folder))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small network's folder: 8 updates on digits, evaluated after 4 and 8."""
    row = row_of("table7/momentum", {"model": "lenet5", "model_width": 0.5, **epochs(8, 32)})
    return row, exported(row, tmp_path_factory.mktemp("small") / "exported", seeds=[0, 1])


@needs_jax
def test_a_run_that_was_cut_off_goes_on_bit_for_bit(small, tmp_path):
    row, folder = small
    run_exported(folder, tmp_path / "whole", "--steps_per_loop=1")
    run_exported(folder, tmp_path / "parts", "--steps_per_loop=1", "--max_steps=3")
    part = tmp_path / run_folder("parts", row, 0)
    assert json.loads((part / "result.json").read_text())["status"] == "interrupted"
    assert "resumed at step 3 of 8" in run_exported(
        folder, tmp_path / "parts", "--steps_per_loop=1"
    )
    whole = tmp_path / run_folder("whole", row, 0)
    assert without_time(whole) == without_time(part)
    with np.load(whole / "checkpoint.npz") as one, np.load(part / "checkpoint.npz") as other:
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


@needs_jax
def test_seeds_and_rates_are_runs_that_a_report_sorts_in(small, tmp_path):
    row, folder = small
    # 1e30 is no rate of a run that ends well.
    run_exported(folder, tmp_path, "--seeds=0,1", f"--rates={row.learning_rate},0.025,1e30", code=3)
    for rate in (None, 0.025, 1e30):
        there = row if rate is None else row_of(
            "table7/momentum",
            {"model": "lenet5", "model_width": 0.5, **epochs(8, 32), "learning_rate": rate},
        )  # fmt: skip
        for seed in (0, 1):
            result = json.loads(
                (tmp_path / run_folder(str(tmp_path), there, seed) / "result.json").read_text()
            )
            assert result["status"] == ("diverged" if rate == 1e30 else "finished")
            assert result["overrides"] == json.loads(json.dumps(dict(there.overrides)))
            assert result["engine"] == "pjrt" and result["versions"]["jax"]
            assert result["seed"] == seed and result["row"]["learning_rate"] == there.learning_rate
    report = gather(str(tmp_path), ["table7"])
    assert not report.left_out and len(report.overridden) == 3
    # What has ended is not run again.
    assert "is finished already" in run_exported(folder, tmp_path, "--seeds=0")


@needs_jax
def test_a_run_of_a_row_as_it_is_fills_its_cell_and_the_report_names_the_engine(tmp_path):
    row = row_of("table7/momentum")
    run_exported(exported(row, tmp_path / "exported"), tmp_path / "runs")
    report = gather(str(tmp_path / "runs"), ["table7"])
    (table,) = (table for table in report.tables if table.scale == "smoke")
    assert [len(cell.runs) for cell in table.cells if cell.row.name == row.name] == [1]
    assert "exported program (pjrt) on JAX" in FORMATS["markdown"](report)


@needs_jax
def test_a_signal_stops_a_run_after_a_checkpoint(tmp_path):
    row = row_of("table7/momentum", {"model": "lenet5", "model_width": 0.5, **epochs(2_000, 32)})
    folder = exported(row, tmp_path / "exported")
    process = start(folder, tmp_path / "runs", "--steps_per_loop=1")
    log = tmp_path / run_folder("runs", row, 0) / "metrics.jsonl"
    while not (log.exists() and log.read_text()) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate()
    assert process.returncode == 130, printed
    result = json.loads((log.parent / "result.json").read_text())
    assert result["status"] == "interrupted" and (log.parent / "checkpoint.npz").exists()
    assert 0 < result["last_step"] < 2_000


@needs_jax
def test_images_can_be_brought_along_and_other_ones_are_noted(small, tmp_path):
    row, folder = small
    left = exported(row, tmp_path / "exported", copy_data=False)
    assert not (left / "data.npz").exists()
    assert "give the images with --data" in run_exported(left, tmp_path / "runs", code=2)
    run_exported(left, tmp_path / "runs", f"--data={folder / 'data.npz'}", "--max_steps=1")
    record = tmp_path / run_folder("runs", row, 0) / "experiment.json"
    assert json.loads(record.read_text())["same_data"]
    with np.load(folder / "data.npz") as file:
        arrays = {name: file[name] for name in file}
    arrays["train_images"] = arrays["train_images"] ^ 1
    np.savez(tmp_path / "other.npz", **arrays)
    run_exported(left, tmp_path / "other", f"--data={tmp_path / 'other.npz'}", "--max_steps=1")
    record = tmp_path / run_folder("other", row, 0) / "experiment.json"
    assert not json.loads(record.read_text())["same_data"]


@needs_jax
def test_every_file_of_a_folder_is_in_its_manifest(small):
    _, folder = small
    manifest = json.loads((folder / "manifest.json").read_text())
    there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert set(manifest["files"]) == there - {"manifest.json"}
    assert manifest["record"]["name"] == "table7/momentum" and manifest["exporter"]["commit"]


def run_program(*flags):
    return export_program.program(["export_program", *flags])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--output=new"], "--experiment is missing"),
        (["--experiment=table7/lamb"], "--output is missing"),
        (["--experiment=table7/lam", "--output=new"], "did you mean"),
        (["--experiment=table7/lamb", "--output=full"], "is there already"),
        (["--experiment=table7/lamb", "--output=new", "--seeds=0,x"], "--seeds=0,x"),
        (["--experiment=table7/lamb", "--output=new", "--environment=full"], "pjrt-environment"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    flags, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert run_program(*flags) == 2
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


@needs_jax
def test_missing_data_are_one_line_and_leave_no_folder(tmp_path, capsys):
    output = tmp_path / "new"
    flags = ["--experiment=table7/lamb", f"--data_dir={tmp_path}", f"--output={output}"]
    assert run_program(*flags) == 2
    assert "lacks mnist" in capsys.readouterr().err and not list(tmp_path.iterdir())
