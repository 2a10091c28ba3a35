"""The smoothness and noise of layers in closed form; the program that compares SGD with LARS."""

import json

import numpy as np
import pytest
import tensorflow as tf

from largebatch.experiments.analyses import density_record, layer_density, layer_looks
from largebatch.experiments.analyses.objective import Objective
from largebatch.experiments.analyses.observed_runs import Observed
from largebatch.experiments.claims import analysed, evidence
from largebatch.experiments.tables import registry


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
    return layer_density.program(["layer_density", *arguments])


def observed(optimizer, rate, gradients, seed=0):
    """A run with so many looks, as the program gets it; a look of None has overflowed."""
    base = registry.scaled(registry.find("table7/momentum"), "smoke")
    row = layer_density.optimizer_row(base, optimizer, rate, layer_density.PHI_BOUNDS)
    steps = [round(row.steps * n / (len(gradients) - 1)) for n in range(len(gradients))]
    records = [{"step": s, "gradient": g, "weights": 100} for s, g in zip(steps, gradients)]
    for record in (records[0], records[-1]):
        record.update(smoothness=[1.0 + seed, 2.0], noise=[3.0, 1.0])
    return Observed(row, "", records)


TUNING = [
    observed("sgd", 0.1, [[3.0, 4.0], [0.3, 0.4]]),
    observed("sgd", 0.2, [[3.0, 4.0], [0.0, 0.1]]),
    observed("sgd", 9.0, [[3.0, 4.0], None]),
    observed("lars", 0.1, [[3.0, 4.0], [0.6, 0.8]]),
]


def test_the_best_rate_is_that_of_the_least_criterion_and_no_diverged_one():
    assert density_record.best_rates(TUNING) == {"sgd": 0.2, "lars": 0.1}
    assert density_record.best_rates(TUNING[3:]) == {"lars": 0.1}  # SGD has a rate given
    with pytest.raises(ValueError, match="SGD diverged at every rate"):
        density_record.best_rates(TUNING[2:])


def test_each_optimizer_is_judged_by_its_own_criterion():
    runs = [
        observed("sgd", 0.2, [[3.0, 4.0], [0.0, 0.1]]),
        observed("lars", 0.1, [[3.0, 4.0], [0.6, 0.8]]),
    ]
    record = density_record.summary(runs[0].row, TUNING, runs)
    sgd, lars = (record["optimizers"][name] for name in ("sgd", "lars"))
    assert sgd["stationarity"] == [pytest.approx((25 + 0.01) / 2)]  # the mean of squares
    assert lars["stationarity"] == [pytest.approx(3**2)]  # the square of the mean
    assert [point["stationarity"] for point in sgd["tuning"]][2] is None
    (found,) = lars["psi"]
    assert found["gradient_densities"] == pytest.approx([49 / 50, 1.96 / 2])
    assert found["gradient_density"] == pytest.approx(0.98)
    assert found["noise_factor"] == pytest.approx(16 / 20 / 0.98)
    assert found["curvature_factor"] == pytest.approx(1.5 / 2 / 0.98)
    assert "one seed: no interval" in layer_density.as_text(record)
    assert "SGD at rate 0.2, the best of 0.1, 0.2, 9; LARS" in layer_density.as_text(record)
    record["optimizers"]["sgd"]["tuning"].pop()
    assert "the best of 0.1, 0.2 and the largest of this grid" in layer_density.as_text(record)
    with pytest.raises(ValueError, match="LARS diverged at 0.1 with another seed"):
        broken = observed("lars", 0.1, [[1.0, 1.0], None])
        density_record.summary(runs[0].row, TUNING, [runs[0], broken])


def test_the_intervals_are_over_the_seeds():
    runs = [
        observed(name, 0.1, [[3.0 + seed, 4.0], [0.3, 0.4]], seed)
        for name in ("sgd", "lars")
        for seed in range(3)
    ]
    record = density_record.summary(runs[0].row, TUNING, runs)
    for found in (
        analysed.gain_interval(record),
        analysed.factor_interval(record, "curvature_factor"),
    ):
        assert found.low < found.effect < found.high
    assert record["seeds"] == 3 and "[" in layer_density.as_text(record).splitlines()[-1]


def test_the_program_trains_both_and_the_claims_read_what_it_writes(small_network, tmp_path):
    arguments = ["--experiment=table7/momentum", "--scale=smoke", "--points=3", "--full=2"]
    arguments += ["--sgd_rates=0.01", "--lars_rates=0.02", "--seeds=1", "--iterations=1"]
    assert call(*arguments, "--examples=32", f"--output={tmp_path}") == 0
    record = json.loads((tmp_path / "layer_density.json").read_text())
    for name, rate in (("sgd", 0.01), ("lars", 0.02)):
        found = record["optimizers"][name]
        assert found["best_rate"] == rate
        (seed,) = found["psi"]
        assert 1 / seed["layers"] <= seed["gradient_density"] <= 1
        assert (len(seed["steps"]), len(seed["full_steps"])) == (3, 2)
    assert "</svg>" in (tmp_path / "layer_density.svg").read_text()
    results = evidence.find(str(tmp_path))
    for criterion in (analysed.Denser("noise_factor"), analysed.Foretold()):
        assert criterion.judge(results, "smoke").word == "cannot tell"  # one seed
        assert criterion.judge(results, "laptop").word == "not run"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--experiment=table7/lamb", "--experiment=table7/adam"], "found 2 rows"),
        (["--experiment=table7/lamb", "--examples=30"], "a multiple of --group=4"),
        (["--experiment=table7/lamb", "--full=1"], "--full=1: want 2 or more"),
        (["--experiment=table7/lamb", "--sgd_rates=fast"], "--sgd_rates=fast"),
    ],
)
def test_a_mistake_is_one_line(arguments, message, tmp_path, capsys):
    assert call(*arguments, "--scale=smoke", f"--output={tmp_path}") == 2
    assert message in capsys.readouterr().err
