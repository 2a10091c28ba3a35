"""A run whose folder is on a file system of TensorFlow's; ram:// stands for gs://."""

import json
import os
import signal
import subprocess
import sys
import uuid

import numpy as np
import pytest
import tensorflow as tf

from largebatch.tpu import (
    CheckpointError,
    FitOptions,
    RunFolder,
    RunFolderError,
    configure_devices,
    fit,
    restore_model,
)
from largebatch.tpu.folder import folder_lock
from largebatch.tpu.folder.checkpoints import Checkpoints
from largebatch.tpu.folder.paths import RemotePath, run_path
from largebatch.tpu.loop import fit as outer_loop


@pytest.fixture(autouse=True)
def quick_beats(monkeypatch):
    monkeypatch.setattr(folder_lock.RemoteLock.__init__, "__defaults__", (0.05,))


@pytest.fixture
def remote():
    return f"ram://{uuid.uuid4().hex}/run"


def run_in(path, task):
    tf.keras.utils.set_random_seed(0)
    options = FitOptions(steps_per_epoch=4, steps_per_loop=3, checkpoint_every=5, eval_every=10)
    with RunFolder(path) as folder:
        outcome = fit(
            task,
            lambda: tf.keras.optimizers.SGD(0.05, momentum=0.9),
            configure_devices("cpu"),
            folder,
            options,
        )
        clock = ("seconds", "examples_per_second")
        log = [{k: v for k, v in r.items() if k not in clock} for r in folder.metrics()]
    steps = Checkpoints(tf.train.Checkpoint(), folder.checkpoints, interval=1).steps()
    reader = tf.compat.v1.train.NewCheckpointReader(str(folder.checkpoints / f"ckpt-{steps[-1]}"))
    names = [n for n in reader.get_variable_to_shape_map() if "GRAPH" not in n]
    return outcome, {name: reader.get_tensor(name) for name in names}, log


def same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def test_a_run_stopped_and_resumed_in_a_bucket_is_the_local_run_in_every_bit(
    regression, monkeypatch, tmp_path, remote
):
    _, whole, log = run_in(tmp_path, regression())
    real = outer_loop._Run._record

    def record(self, kind, **values):
        if self._steps_done == 6:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(self, kind, **values)

    with monkeypatch.context() as patch:
        patch.setattr(outer_loop._Run, "_record", record)
        stopped, _, _ = run_in(remote, regression())
    assert (stopped.status, stopped.last_step) == ("interrupted", 6)
    outcome, resumed, resumed_log = run_in(remote, regression())
    assert outcome.status == "finished"
    same(whole, resumed)
    # The stopped run's loop ends at 6 as the whole run's does.
    assert resumed_log == log
    events = [path.name for path in (run_path(remote) / "events").iterdir()]
    assert any(name.startswith("events.out") for name in events)
    assert restore_model(regression().build_model(), remote + "/checkpoints").endswith("ckpt-20")


def test_a_damaged_newest_checkpoint_in_a_bucket_falls_back_and_none_whole_is_refused(
    regression, remote
):
    _, whole, _ = run_in(remote, regression())
    checkpoints = run_path(remote) / "checkpoints"
    with (checkpoints / "ckpt-20.data-00000-of-00001").open("wb") as file:
        file.write(b"cut")
    (checkpoints / "ckpt-25_temp").mkdir()
    (checkpoints / "ckpt-25_temp" / "part").write_text("left behind")
    _, resumed, _ = run_in(remote, regression())
    same(whole, resumed)
    names = [path.name for path in checkpoints.iterdir()]
    assert not any("temp" in name for name in names)
    for path in checkpoints.iterdir():
        if path.name.endswith(".index"):
            path.write_text("garbage")
    with pytest.raises(CheckpointError, match="no checkpoint that is whole"):
        run_in(remote, regression())


def test_files_in_a_bucket_are_whole_or_absent_and_a_damaged_one_is_named(remote):
    with RunFolder(remote) as folder:
        assert folder.read_json("result.json") is None and folder.metrics() == []
        folder.write_json("result.json", {"status": "finished"})
        with pytest.raises(ValueError):
            folder.write_json("result.json", {"loss": float("nan")})
        assert folder.read_json("result.json") == {"status": "finished"}
        names = sorted(path.name for path in folder.path.iterdir())
        assert names == [".lock", "result.json"]
        (folder.path / "experiment.json").write_text('{"name": "tab')
        with pytest.raises(RunFolderError, match="ram://.*experiment.json cannot be read"):
            folder.read_json("experiment.json")
        folder.remove("result.json")
        folder.remove("result.json")
        for step in (1, 2, 3):
            folder.append_metrics({"step": step})
        with (folder.path / "metrics.jsonl").open("a") as file:
            file.write('{"step": 4, "lo')
        assert [r["step"] for r in folder.keep_metrics(lambda r: r["step"] <= 2)] == [1, 2]
        folder.append_metrics({"step": 3})
        lines = (folder.path / "metrics.jsonl").read_text().splitlines()
        assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]


def test_a_second_run_on_a_bucket_is_refused(remote):
    with RunFolder(remote), pytest.raises(RunFolderError, match="is in use by process"):
        RunFolder(remote).__enter__()


def test_a_file_system_that_is_not_there_is_one_clear_error():
    with pytest.raises(RunFolderError, match="--output_dir=nowhere://bucket/run cannot be written"):
        RunFolder("nowhere://bucket/run").__enter__()


def test_addresses_join_and_name_like_paths():
    path = RemotePath("gs://bucket/run/") / "checkpoints"
    assert (str(path), path.name) == ("gs://bucket/run/checkpoints", "checkpoints")
    assert os.fspath(path) == "gs://bucket/run/checkpoints"
    assert run_path(path) is path


def test_a_local_folder_needs_no_tensorflow(tmp_path):
    program = (
        "import sys\n"
        "from largebatch.tpu.folder.run_folder import RunFolder\n"
        "with RunFolder(sys.argv[1]) as folder:\n"
        "    folder.write_json('a.json', {})\n"
        "    folder.append_metrics({'step': 1})\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True)
