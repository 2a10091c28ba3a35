"""The smoothness and noise of layers in closed form; the program that compares SGD with LARS."""

import json

import numpy as np
import pytest
import tensorflow as tf

from largebatch.experiments import layer_density, layer_looks
from largebatch.experiments.claims import analysed, evidence
from largebatch.experiments.objective import Objective


class Quadratic:
    """loss = sum_ij a_ij x_ij^2 / 2 - s_ij x_ij of each example s, over layers i of a model."""

    def __init__(self, curvature):
        self._curvature = [tf.constant(a, tf.float32) for a in curvature]

    def forward(self, model, batch, training):
        return model(batch["s"])

    def loss(self, outputs, batch):
        count = tf.cast(tf.shape(batch["s"])[0], tf.float32)
        variables = outputs
        bowl = sum(tf.reduce_sum(a * x**2) / 2 for a, x in zip(self._curvature, variables))
        tilt = sum(
            tf.reduce_sum(batch["s"][:, i] * x) for i, x in enumerate(variables)
        )  # the sum over examples
        return count * bowl - tilt, count


class Model(tf.Module):
    def __init__(self, start):
        super().__init__()
        self.trainable_variables_ = [tf.Variable(x, dtype=tf.float32) for x in start]

    @property
    def trainable_variables(self):
        return self.trainable_variables_

    non_trainable_variables = ()

    def __call__(self, _):
        return [tf.identity(v) for v in self.trainable_variables_]


CURVATURE = np.array([[0.1, 0.4, 0.2], [3.0, 1.0, 9.0]])
START = np.array([[1.0, -2.0, 0.5], [0.3, 0.1, 0.2]])


@pytest.fixture(scope="module")
def problem():
    """(objective of all examples, of groups of 4, the examples [n, layers, weights])."""
    examples = np.random.default_rng(0).normal(0, [[[0.1], [0.7]]], (64, 2, 3))
    task, model = Quadratic(CURVATURE), Model(START)

    def batches(size):
        parts = np.split(examples.astype(np.float32), len(examples) // size)
        return [{"s": tf.constant(part)} for part in parts]

    every = Objective(task, model, batches(64), training=True)
    return every, Objective(task, model, batches(4), training=True), examples


def test_the_smoothness_of_a_layer_is_its_largest_curvature(problem):
    every, _, _ = problem
    before = every.weights
    found = layer_looks.smoothness(every, iterations=12)
    np.testing.assert_allclose(found, CURVATURE.max(axis=1), rtol=2e-3)
    np.testing.assert_array_equal(every.weights, before)
    # One product, along the gradient alone, is a lower bound.
    g = every.gradients()[1]
    along = [np.linalg.norm(a * v) / np.linalg.norm(v) for a, v in zip(CURVATURE, g)]
    np.testing.assert_allclose(layer_looks.smoothness(every, iterations=1), along, rtol=2e-3)


def test_the_noise_of_a_layer_is_the_deviation_of_one_example(problem):
    every, groups, examples = problem
    exact = np.sqrt(examples.var(axis=0, ddof=1).sum(axis=1))
    single = Objective(
        every._task, every._model, [{"s": tf.constant(e[None], tf.float32)} for e in examples], True
    )
    np.testing.assert_allclose(layer_looks.noise(single, 1), exact, rtol=1e-4)
    # Of groups: the same in expectation.
    np.testing.assert_allclose(layer_looks.noise(groups, 4), exact, rtol=0.35)
    means = examples.reshape(16, 4, 2, 3).mean(axis=1)
    of_groups = np.sqrt(4 * means.var(axis=0, ddof=1).sum(axis=1))
    np.testing.assert_allclose(layer_looks.noise(groups, 4), of_groups, rtol=1e-4)


def test_a_layer_without_a_gradient_has_no_smoothness_along_it():
    model = Model(np.zeros((2, 3)))
    still = Objective(Quadratic(CURVATURE), model, [{"s": tf.zeros((4, 2, 3))}], training=True)
    np.testing.assert_array_equal(layer_looks.smoothness(still, 3), [0, 0])


def call(*arguments):
    for name in layer_density.FLAGS:
        layer_density.FLAGS[name].unparse()
    return layer_density.program(["layer_density", *arguments])


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = tmp_path_factory.mktemp("density")
    arguments = ["--experiment=table7/momentum", "--scale=smoke", "--sgd_rates=0.01,1e6"]
    arguments += ["--lars_rates=0.01", "--seeds=2", "--points=3", "--full=2", "--iterations=1"]
    assert call(*arguments, "--examples=32", f"--output={folder}") == 0
    return folder


def test_the_program_compares_sgd_with_lars_at_their_best_rates(output):
    record = json.loads((output / "layer_density.json").read_text())
    sgd, lars = (record["optimizers"][name] for name in ("sgd", "lars"))
    assert sgd["best_rate"] == 0.01 and lars["best_rate"] == 0.01
    assert None in sgd["tuning"][1]["stationarity"]  # 1e6 diverges
    assert len(sgd["stationarity"]) == len(lars["psi"]) == 2
    for seed in sgd["psi"] + lars["psi"]:
        assert 1 / seed["layers"] <= seed["gradient_density"] <= 1
        assert seed["gradient_density"] == min(seed["gradient_densities"])
        assert seed["noise_factor"] == pytest.approx(
            seed["noise_density"] / seed["gradient_density"]
        )
        assert (len(seed["steps"]), len(seed["full_steps"])) == (3, 2)
    assert "</svg>" in (output / "layer_density.svg").read_text()


def test_the_criterion_is_the_mean_of_squares_for_sgd_and_the_square_of_the_mean_for_lars(output):
    record = json.loads((output / "layer_density.json").read_text())
    for name, optimizer in (("sgd", "momentum"), ("lars", "lars")):
        (folder,) = (
            output.glob(f"runs/**/*optimizer={optimizer}*rate=0.01*/seed=0")
            if (name == "lars")
            else [
                p
                for p in output.glob("runs/**/seed=0")
                if "lars" not in str(p) and "0.01" in str(p)
            ]
        )
        lines = (folder / "metrics.jsonl").read_text().splitlines()
        looks = [json.loads(line) for line in lines if '"layer_density"' in line]
        whole = [np.linalg.norm(look["gradient"]) for look in looks]
        exact = np.mean(np.square(whole)) if name == "sgd" else np.mean(whole) ** 2
        assert record["optimizers"][name]["stationarity"][0] == pytest.approx(exact)


def test_the_claims_read_its_file(output):
    results = evidence.Results((), evidence.find_analyses(str(output)))
    for criterion in (analysed.Denser("noise_factor"), analysed.Foretold()):
        assert criterion.judge(results, "smoke").word != "not run"
        assert criterion.judge(results, "laptop").word == "not run"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--experiment=table7/lamb", "--experiment=table7/adam"], "found 2 rows"),
        (["--experiment=table7/lamb", "--examples=30"], "a multiple of --group=8"),
        (["--experiment=table7/lamb", "--full=1"], "--full=1: want 2 or more"),
        (["--experiment=table7/lamb", "--sgd_rates=fast"], "--sgd_rates=fast"),
    ],
)
def test_a_mistake_is_one_line(arguments, message, tmp_path, capsys):
    assert call(*arguments, "--scale=smoke", f"--output={tmp_path}") == 2
    assert message in capsys.readouterr().err
