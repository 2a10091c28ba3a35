"""f as a function of the weights, and the program that measures how sharp its minima are."""

import json

import numpy as np
import pytest
import tensorflow as tf

from largebatch.experiments.analyses import box_maximum, sharpness
from largebatch.experiments.analyses.objective import Objective, first_batch, first_examples
from largebatch.experiments.launching import launch
from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled

pytestmark = pytest.mark.usefixtures("small_network_of_module")


class Paraboloid:
    """f(x) = mean over examples of (x - example)^2 / 2 summed over x's entries: known by hand."""

    def forward(self, model, batch, training):
        return model(batch["target"], training=training)

    def loss(self, outputs, batch):
        losses = tf.reduce_sum(tf.square(outputs), axis=-1) / 2
        return tf.reduce_sum(losses * batch["weight"]), tf.reduce_sum(batch["weight"])


class Offset(tf.keras.layers.Layer):
    def build(self, shape):
        self.x = self.add_weight("x", [shape[-1]], initializer="zeros")
        self.calls = self.add_weight("calls", [], initializer="zeros", trainable=False)

    def call(self, target, training=None):
        if training:
            self.calls.assign_add(1.0)
        return self.x - target


@pytest.fixture
def paraboloid():
    model = tf.keras.Sequential([tf.keras.Input((2,)), Offset()])
    batches = [
        {"target": tf.constant([[1.0, 0.0], [3.0, 2.0]]), "weight": tf.constant([1.0, 1.0])},
        {"target": tf.constant([[5.0, 1.0], [9.0, 9.0]]), "weight": tf.constant([2.0, 0.0])},
    ]
    return Objective(Paraboloid(), model, batches, training=True), model


def test_f_is_the_weighted_mean_over_all_batches_whatever_their_sizes(paraboloid):
    objective, _ = paraboloid
    value, gradient = objective.value_and_gradient(np.array([1.0, 2.0]))
    # Weights 1, 1, 2, 0: ((0 + 4) + (4 + 0) + 2 (16 + 1)) / 2 / 4, mean target (3.5, 1).
    assert value == pytest.approx(42 / 8)
    np.testing.assert_allclose(gradient, [1 - 3.5, 2 - 1], rtol=1e-6)


def test_the_gradient_is_that_of_its_finite_differences(paraboloid):
    objective, _ = paraboloid
    x = np.array([0.3, -0.7])
    _, gradient = objective.value_and_gradient(x)
    for axis in np.eye(2):
        ahead, behind = (objective.value_and_gradient(x + h * axis)[0] for h in (0.01, -0.01))
        assert (ahead - behind) / 0.02 == pytest.approx(gradient @ axis, rel=1e-3)


def test_an_evaluation_in_training_leaves_the_models_other_variables_as_they_were(paraboloid):
    objective, model = paraboloid
    objective.value_and_gradient(np.array([1.0, 2.0]))
    assert model.non_trainable_variables[0].numpy() == 0
    np.testing.assert_array_equal(objective.weights, [1.0, 2.0])


def test_the_first_examples_are_the_same_for_all_batch_sizes():
    row = scaled(registry.find("table7/lamb"), "smoke")
    pixels = []
    for batch in ("16", "48"):
        at = apply_overrides(row, {"batch_size": batch})
        _, batches = first_examples(at, None, 0, 96, stage=-1)
        pixels.append(np.concatenate([b["image"].numpy() for b in batches]))
    np.testing.assert_array_equal(*pixels)
    assert len(pixels[0]) == 96


def test_the_first_batch_is_the_whole_first_update_in_passes_that_fit():
    row = apply_overrides(scaled(registry.find("table7/lamb"), "smoke"), {"batch_size": "600"})
    task, batches = first_examples(row, None, 0, 600, stage=0)
    sizes = [len(b["label"]) for b in batches]
    assert sizes == [200, 200, 200]
    (whole,) = task.train_dataset(0, tf.distribute.InputContext(1, 0, 1), 600, 0).take(1)
    labels = np.concatenate([b["label"].numpy() for b in first_batch(task)])
    np.testing.assert_array_equal(labels, whole["label"].numpy())


def test_more_examples_than_there_are_is_a_mistake():
    row = scaled(registry.find("table7/lamb"), "smoke")
    with pytest.raises(UserError, match="--examples=2000: table7/lamb has 1437 training examples"):
        first_examples(row, None, 0, 2000, stage=-1)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, small_network_of_module):
    """Two finished runs of one row at two batch sizes."""
    root, folders = tmp_path_factory.mktemp("runs"), []
    for batch in ("16", "48"):
        row = apply_overrides(scaled(registry.find("table7/lamb"), "smoke"), {"batch_size": batch})
        folders.append(str(root / batch))
        assert launch.launch(row, RunSettings(output_dir=folders[-1], checkpoint_every=4)) == 0
    return folders


def call(*arguments):
    return sharpness.program(["sharpness", *arguments])


def test_the_program_measures_each_run_at_its_checkpoint_for_each_width(runs, tmp_path, capsys):
    arguments = [*(f"--run={run}" for run in runs), "--examples=64", "--iterations=3"]
    assert call(*arguments, "--epsilon=1e-2,1e-3", f"--output={tmp_path}") == 0
    points = json.loads((tmp_path / "sharpness.json").read_text())["points"]
    assert [(p["batch_size"], p["box"], p["epsilon"]) for p in points] == [
        *((16, "keskar", 0.01), (16, "keskar", 0.001)),
        *((48, "keskar", 0.01), (48, "keskar", 0.001)),
    ]
    for wide, narrow in (points[:2], points[2:]):
        assert wide["sharpness"] > narrow["sharpness"] > 0
        assert wide["loss"] == narrow["loss"]
        expected = 100 * (wide["largest_loss"] - wide["loss"]) / (1 + wide["loss"])
        assert wide["sharpness"] == pytest.approx(expected)
    assert points[0]["loss"] != points[2]["loss"]
    assert "</svg>" in (tmp_path / "sharpness.svg").read_text()
    assert capsys.readouterr().out.count("\n") == 1 + 4 + 1


def test_each_box_has_its_name_and_its_own_width(runs, tmp_path, monkeypatch):
    widths = []

    def noted(function, width, **effort):
        widths.append(width)
        return box_maximum.Maximum(function(width)[0], width, 1)

    monkeypatch.setattr(box_maximum, "maximise", noted)
    arguments = (f"--run={runs[0]}", "--examples=32", "--epsilon=0.01", f"--output={tmp_path}")
    assert call(*arguments, "--box=keskar,slides") == 0
    points = json.loads((tmp_path / "sharpness.json").read_text())["points"]
    assert [point["box"] for point in points] == ["keskar", "slides"]
    keskar, slides = widths
    # A weight of 0 has epsilon in Keskar et al.'s box, a larger one more; the slides' box is as
    # wide for all: 0.01 from side to side.
    assert keskar.min() == pytest.approx(0.01, rel=1e-3) and keskar.max() > 0.011
    np.testing.assert_array_equal(slides, 0.005)
    picture = (tmp_path / "sharpness.svg").read_text()
    assert "Keskar et al.'s box" in picture and "the slides' box" in picture


def test_an_unknown_box_is_one_line(make_run, capsys):
    assert call(f"--run={make_run('table7/lamb')}", "--box=kesker") == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "error: --box=kesker: unknown box (did you mean keskar?); valid: keskar, slides"
    )


def test_sharpness_of_a_run_is_the_same_twice(runs, tmp_path):
    for name in ("one", "other"):
        arguments = ("--examples=64", "--iterations=2", f"--output={tmp_path / name}")
        assert call(f"--run={runs[0]}", *arguments) == 0
    one, other = ((tmp_path / name / "sharpness.json").read_text() for name in ("one", "other"))
    assert one == other


def test_a_run_that_has_not_finished_is_refused(make_run, capsys):
    folder = make_run("table7/lamb", status="diverged")
    assert call(f"--run={folder}") == 2
    assert "is diverged; want a finished run" in capsys.readouterr().err


def test_a_folder_without_a_run_and_no_folder_are_one_line(tmp_path, capsys):
    assert call(f"--run={tmp_path}") == 2
    assert "no run's files are there" in capsys.readouterr().err
    assert call() == 2
    assert "--run is missing" in capsys.readouterr().err


def test_a_finished_run_without_its_checkpoint_says_so(make_run, capsys):
    folder = make_run("table7/lamb", scale="smoke")
    assert call(f"--run={folder}", "--examples=8") == 2
    assert "holds no whole checkpoint" in capsys.readouterr().err
