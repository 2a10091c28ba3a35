import dataclasses
import functools
import importlib.util
import json
import shutil
import socket

import pytest
import tensorflow as tf

from largebatch.experiments.launching import launch
from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled


@pytest.fixture
def run(launch_row, small_network):
    """Launches a smoke-scale row; returns the exit code and the result."""

    def run(name, folder="run", overrides=None, **settings):
        return launch_row(name, scale="smoke", folder=folder, overrides=overrides, **settings)

    return run


@pytest.fixture(scope="module")
def finished(small_network_of_module, tmp_path_factory):
    """The folder of a row's smoke-scale run, which is made once."""

    @functools.cache
    def finished(name):
        folder = tmp_path_factory.mktemp("finished")
        settings = RunSettings(output_dir=str(folder), checkpoint_every=4)
        assert launch.launch(scaled(registry.find(name), "smoke"), settings) == 0
        return folder

    return finished


@pytest.fixture
def copied(finished, tmp_path):
    """Makes a finished run's folder the test's own, "run"; returns its result."""

    def copied(name):
        shutil.copytree(finished(name), tmp_path / "run")
        return result_of(tmp_path / "run")

    return copied


def result_of(folder):
    return json.loads((folder / "result.json").read_text())


def test_a_result_says_what_was_run_how_it_ended_and_what_came_out(finished):
    result = result_of(finished("table7/lamb"))
    assert (result["name"], result["scale"], result["status"]) == (
        "table7/lamb",
        "smoke",
        "finished",
    )
    assert result["metrics"]["examples"] == 360
    assert 0 <= result["metrics"]["accuracy"] <= 1
    assert result["last_step"] == result["steps"] == 8
    assert [record["step"] for record in result["history"]] == [4, 8]
    assert result["row"]["paper"] == {"accuracy": 0.9945}
    assert result["sources"]["warmup_epochs"]["kind"] == "assumed"
    assert (result["device"], result["num_devices"], result["seed"]) == ("cpu", 1, 0)
    assert result["versions"]["tensorflow"] == tf.__version__
    assert result["refused_steps"] == 0


@pytest.mark.slow
def test_a_launched_row_learns_the_digits(launch_row):
    code, result = launch_row("table7/lamb", scale="laptop", overrides={"epochs": "5"})
    assert code == 0
    accuracies = [record["accuracy"] for record in result["history"]]
    assert accuracies[-1] == result["metrics"]["accuracy"] > 0.95, accuracies
    assert result["last_loss"] < 0.2 * result["train_history"][0]["loss"]


def test_a_row_runs_in_its_own_precision(run, finished):
    of_float32 = result_of(finished("table7/momentum"))
    code, result = run("table7/momentum", overrides={"precision": "bfloat16"})
    assert code == 0
    for found, wanted in ((result, "bfloat16"), (of_float32, "float32")):
        assert found["precision"] == found["row"]["precision"] == wanted


def test_accumulation_and_devices_give_the_run_of_the_whole_batch(run, finished):
    whole = result_of(finished("table7/momentum"))
    _, pieces = run("table7/momentum", "pieces", num_devices=2, micro_batch=4)
    for one, other in zip(whole["train_history"], pieces["train_history"]):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)


def test_the_trust_ratios_of_each_layer_are_in_the_log(finished):
    folder = finished("table7/lamb")
    records = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
    layers = [record["layers"] for record in records if record["kind"] == "layers"]
    assert len(layers) == 2
    for path, (weight_norm, update_norm, trust_ratio) in layers[-1].items():
        # Biases are adapted, too, as by the code of the row; one that is 0 has ratio 1.
        wanted = weight_norm / update_norm if weight_norm else 1
        assert trust_ratio == pytest.approx(wanted, rel=1e-5), path


def test_an_optimizer_whose_package_is_missing_is_refused_before_anything_is_written(
    run, monkeypatch, tmp_path
):
    there = importlib.util.find_spec

    def without_addons(name, package=None):
        return None if name == "tensorflow_addons" else there(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_addons)
    with pytest.raises(UserError, match="table7/lamb: tfa_lamb is tensorflow-addons' LAMB, which"):
        run("table7/lamb", overrides={"optimizer": "tfa_lamb"})
    assert not (tmp_path / "run").exists()


def test_a_rate_that_blows_up_is_a_result_called_diverged(run):
    code, result = run("table7/momentum", overrides={"learning_rate": "1e30"})
    assert code == 3
    assert result["status"] == "diverged"
    assert result["metrics"] == {}
    assert 0 < result["last_step"] < 8 and result["last_loss"] > 0


def test_a_finished_run_is_not_run_again(run, copied, capsys, tmp_path):
    first = copied("table7/adam")
    # Written by a version that lacked a setting, which is at its default today.
    written = json.loads((tmp_path / "run/experiment.json").read_text())
    assert written["row"].pop("clip_norm") is None
    (tmp_path / "run/experiment.json").write_text(json.dumps(written))
    code, second = run("table7/adam")
    assert code == 0 and first == second
    assert "table7/adam is finished already" in capsys.readouterr().out


def test_a_runs_folder_may_be_in_a_bucket(small_network, capsys):
    row = scaled(registry.find("table7/momentum"), "smoke")
    # ram:// stands for gs://
    settings = RunSettings(output_dir="ram://launch/run", checkpoint_every=4)
    assert launch.launch(row, settings) == 0
    assert "this run was on" not in capsys.readouterr().out
    with tf.io.gfile.GFile("ram://launch/run/result.json") as file:
        assert json.load(file)["status"] == "finished"
    assert launch.launch(row, settings) == 0
    assert "table7/momentum is finished already" in capsys.readouterr().out


def test_a_host_that_does_not_come_is_code_4_and_one_line(tmp_path, capsys):
    row = scaled(registry.find("table7/momentum"), "smoke")
    with socket.create_server(("localhost", 0)) as one, socket.create_server(("", 0)) as other:
        ports = [taken.getsockname()[1] for taken in (one, other)]
    workers = [f"localhost:{port}" for port in ports]
    settings = RunSettings(
        output_dir=str(tmp_path), workers=workers, worker_index=0, peer_timeout=0.3
    )
    assert launch.launch(row, settings) == 4
    assert f"error: nobody answered at {workers[1]} within" in capsys.readouterr().err
    with pytest.raises(UserError, match="--squad_dir with several hosts"):
        launch.launch(row, dataclasses.replace(settings, squad_dir="squad"))


def test_the_same_run_may_go_on_with_other_devices_and_says_so(run, copied, capsys, tmp_path):
    first = copied("table7/momentum")
    (tmp_path / "run/result.json").unlink()  # as if it had been cut off at its end
    code, second = run("table7/momentum", num_devices=2)
    assert code == 0
    assert "this run was on 1 devices and goes on with 2: the same" in capsys.readouterr().out
    assert (first["num_devices"], second["num_devices"]) == (1, 2)
    assert second["last_loss"] == first["last_loss"] and second["metrics"] == first["metrics"]


def test_the_folder_of_another_run_is_refused_and_untouched(run, copied):
    before = copied("table7/adam")
    for name, overrides, seed, message in (
        ("table7/lamb", {}, 0, "name 'table7/adam' found, 'table7/lamb' wanted"),
        ("table7/adam", {"learning_rate": "0.1"}, 0, "learning_rate 0.001 found, 0.1 wanted"),
        ("table7/adam", {}, 5, "seed 0 found, 5 wanted"),
    ):
        with pytest.raises(UserError, match=message):
            run(name, overrides=overrides, seed=seed)
        assert run("table7/adam")[1] == before


def test_a_folder_with_a_foreign_experiment_file_is_refused(run, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/experiment.json").write_text('{"half": ')
    with pytest.raises(ValueError, match="experiment.json cannot be read"):
        run("table7/adam")


def test_a_dataset_of_the_wrong_size_is_refused(run, monkeypatch):
    from largebatch import data

    images = data.load("digits")
    short = dataclasses.replace(images, train_labels=images.train_labels[:-1])
    monkeypatch.setattr(data, "load", lambda *arguments, **options: short, raising=False)
    with pytest.raises(UserError, match="1436 training examples here and 1437 in the recipe"):
        run("table7/adam")


def test_a_batch_that_the_devices_do_not_divide_names_the_nearest(run):
    with pytest.raises(ValueError, match=r"batch_size=32 does not divide over 3 devices"):
        run("table7/adam", num_devices=3)
