"""The distance from the initial point: its observer, its fits, the program."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from largebatch.experiments.analyses import distance


def call(*arguments):
    return distance.program(["distance", *arguments])


def test_the_observer_measures_trainable_weights_from_where_they_began():
    model = tf.keras.Sequential(
        [tf.keras.Input((3,)), tf.keras.layers.Dense(2), tf.keras.layers.BatchNormalization()]
    )
    observer = distance.DistanceObserver([0, 1])
    observer.begin(model)
    assert observer.observe(0, model) == {"distance": 0.0}
    kernel, bias = model.trainable_variables[:2]
    kernel.assign_add(tf.fill(kernel.shape, 2.0))  # 6 entries
    bias.assign_add([1.0, 0.0])
    model.non_trainable_variables[0].assign_add([100.0, 100.0])
    assert observer.observe(1, model)["distance"] == pytest.approx(5.0)
    kernel.assign(tf.fill(kernel.shape, math.nan))
    assert observer.observe(1, model) == {"distance": None}


def test_the_looks_are_even_in_the_logarithm_and_have_both_ends():
    steps = distance.even_in_log(1000, 4)
    assert steps == [0, 1, 10, 100, 1000]
    assert distance.even_in_log(3, 40) == [0, 1, 2, 3]


def test_each_fit_is_exact_on_its_own_law_and_not_on_the_others():
    t = np.unique(np.geomspace(1, 1000, 30).round())
    slow = distance.fits([(int(s), 2 + 0.5 * math.log(s)) for s in t])
    assert (slow["a"], slow["b"], slow["r2_log"]) == pytest.approx((2, 0.5, 1))
    free = distance.fits([(int(s), 0.3 * s**0.5) for s in t])
    assert (free["c"], free["p"], free["r2_power"]) == pytest.approx((0.3, 0.5, 1))
    assert slow["r2_power"] < 0.999 and free["r2_log"] < 0.9


def test_t_0_is_left_out_and_two_points_are_no_fit():
    curve = [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert distance.fits(curve) is None
    assert distance.fits([*curve, (4, 3.0)])["b"] == pytest.approx(1 / math.log(2))


@pytest.fixture(scope="module")
def output(tmp_path_factory, small_network_of_module):
    folder = tmp_path_factory.mktemp("distance")
    arguments = ("--experiment=table7/momentum", "--scale=smoke", "--points=6", "--until=0.9")
    assert call(*arguments, "--batch_sizes=16,32", f"--output={folder}") == 0
    return folder


def test_the_program_runs_each_batch_size_and_fits_it(output):
    runs = json.loads((output / "distance.json").read_text())["runs"]
    assert [(run["batch_size"], run["steps"]) for run in runs] == [(16, 16), (32, 8)]
    for run in runs:
        assert run["curve"][0] == {"step": 0, "distance": 0.0}
        assert run["curve"][-1]["step"] == run["steps"]
        fitted = [
            (p["step"], p["distance"]) for p in run["curve"] if p["step"] <= 0.9 * run["steps"]
        ]
        assert run["fit"] == pytest.approx(distance.fits(fitted))
    assert "</svg>" in (output / "distance.svg").read_text()


def test_its_end_is_the_distance_of_the_checkpoint_from_the_weights_of_the_seed(output):
    """From files alone: another way to the same number."""
    from largebatch import tpu
    from largebatch.experiments.records.reopen import open_run
    from largebatch.experiments.tasks import workload
    from largebatch.tpu.hosts import devices

    (folder,) = output.glob("runs/**/*batch_size=16*/seed=0")
    run, row = open_run(str(folder))
    devices.seed_everything(run.seed, deterministic=False)
    model = workload.load(row, None, run.seed).task.build_model()
    start = model.get_weights()
    tpu.restore_model(model, folder / "checkpoints")
    moved = sum(np.sum((w - w0) ** 2) for w0, w in zip(start, model.get_weights()))
    runs = json.loads((output / "distance.json").read_text())["runs"]
    assert runs[0]["curve"][-1]["distance"] == pytest.approx(math.sqrt(moved), rel=1e-5)


def test_a_run_of_the_program_can_be_read_again(output, tmp_path, capsys):
    (folder,) = output.glob("runs/**/*batch_size=16*/seed=0")
    assert call(f"--run={folder}", "--until=0.9", f"--output={tmp_path}") == 0
    again = json.loads((tmp_path / "distance.json").read_text())["runs"]
    assert again[0]["fit"] == json.loads((output / "distance.json").read_text())["runs"][0]["fit"]
    assert "p of t^p" in capsys.readouterr().out


def test_a_run_without_distances_and_a_share_that_is_none_are_one_line(make_run, capsys):
    assert call(f"--run={make_run('table7/lamb')}") == 2
    assert "this run recorded no 'distance'" in capsys.readouterr().err
    assert call("--until=0") == 2
    assert "--until=0.0: want a share" in capsys.readouterr().err
    assert call("--since=0") == 2
    assert "--since=0: want 1 or more" in capsys.readouterr().err
