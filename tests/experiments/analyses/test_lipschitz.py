"""The curvature along the gradient: against an exact Hessian, and as runs record it."""

import json

import numpy as np
import pytest
import tensorflow as tf

from largebatch.experiments.analyses import curvature, lipschitz, observed_runs
from largebatch.experiments.analyses.curvature import along_gradient
from largebatch.experiments.analyses.objective import Objective, first_examples
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled


class SquaredError:
    def forward(self, model, batch, training):
        return model(batch["x"], training=training)

    def loss(self, outputs, batch):
        losses = tf.reduce_sum(tf.square(outputs - batch["y"]), axis=-1)
        return tf.reduce_sum(losses), tf.cast(tf.shape(outputs)[0], tf.float32)


def exact(objective, model, task, batch):
    """g'Hg / |g|^2 by a Hessian-vector product: forward over reverse, no finite difference."""
    variables = model.trainable_variables

    def gradients():
        with tf.GradientTape() as tape:
            loss, weight = task.loss(task.forward(model, batch, training=True), batch)
            mean = loss / weight
        return tape.gradient(mean, variables)

    g = gradients()
    with tf.autodiff.ForwardAccumulator(variables, g) as accumulator:
        again = gradients()
    products = [accumulator.jvp(gradient) for gradient in again]
    top = sum(float(tf.reduce_sum(a * b)) for a, b in zip(g, products))
    return top / sum(float(tf.reduce_sum(a * a)) for a in g)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_hessian_along_the_gradient_of_a_smooth_network(seed):
    tf.keras.utils.set_random_seed(seed)
    model = tf.keras.Sequential(
        [tf.keras.Input((5,)), tf.keras.layers.Dense(8, "tanh"), tf.keras.layers.Dense(3)]
    )
    random = np.random.default_rng(seed)
    batch = {
        "x": tf.constant(random.normal(size=(32, 5)), tf.float32),
        "y": tf.constant(random.normal(size=(32, 3)), tf.float32),
    }
    objective = Objective(SquaredError(), model, [batch], training=True)
    before = objective.weights
    found = along_gradient(objective)
    assert found.lipschitz == pytest.approx(
        exact(objective, model, SquaredError(), batch), rel=1e-3
    )
    np.testing.assert_array_equal(objective.weights, before)


def test_of_lenet_it_is_the_second_difference_of_the_loss_kinks_and_all(monkeypatch):
    # ReLU and max-pooling bend the loss where no Hessian sees it: by a quarter, here.
    monkeypatch.setattr(curvature, "STEP", 0.01)
    row = scaled(registry.find("table7/lamb"), "laptop")
    task, batches = first_examples(row, None, 0, 512, stage=0)
    tf.keras.utils.set_random_seed(0)
    objective = Objective(task, task.build_model(), batches, training=True)
    found = curvature.along_gradient(objective)
    x, (value, gradient) = objective.weights, objective.value_and_gradient()
    h = 0.01 * np.linalg.norm(x)
    u = h * gradient / np.linalg.norm(gradient)
    ahead, behind = (objective.value_and_gradient(place)[0] for place in (x + u, x - u))
    assert found.lipschitz == pytest.approx((ahead - 2 * value + behind) / h**2, rel=0.15)


class Parabola:
    """f = (3 x_0^2 + x_1^2) / 2: L is known at every place."""

    def forward(self, model, batch, training):
        return model.trainable_variables[0]

    def loss(self, outputs, batch):
        return tf.reduce_sum(tf.constant([1.5, 0.5]) * tf.square(outputs)), tf.constant(1.0)


def test_of_a_parabola_it_is_what_is_known_and_at_its_minimum_nothing():
    model = tf.keras.Sequential([tf.keras.Input((1,)), tf.keras.layers.Dense(2, use_bias=False)])
    objective = Objective(Parabola(), model, [tf.constant(0.0)], training=True)
    for x in ([1.0, 0.0], [0.0, 2.0], [1.0, 1.0]):
        objective.weights = np.array(x)
        g = np.array([3 * x[0], x[1]])
        assert along_gradient(objective).lipschitz == pytest.approx(
            (3 * g[0] ** 2 + g[1] ** 2) / (g @ g), rel=1e-3
        )
    objective.weights = np.zeros(2)
    assert along_gradient(objective) == (0.0, 0.0, 0.0)


def call(*arguments):
    return lipschitz.program(["lipschitz", *arguments])


SMOKE = ("--experiment=table7/momentum", "--scale=smoke", "--examples=64", "--points=3")


def test_the_program_runs_each_batch_size_and_draws_its_curve(small_network, tmp_path, capsys):
    arguments = (*SMOKE, "--batch_sizes=16,32", f"--output={tmp_path}")
    assert call(*arguments) == 0
    text = (tmp_path / "lipschitz.json").read_text()
    runs = json.loads(text)["runs"]
    assert [run["batch_size"] for run in runs] == [16, 32]
    assert [[p["step"] for p in run["curve"]] for run in runs] == [[0, 8, 16], [0, 4, 8]]
    small, large = (run["learning_rate"] for run in runs)
    assert large == pytest.approx(small * 2**0.5)
    for run in runs:
        largest = max(point["lipschitz"] for point in run["curve"])
        assert run["peak"]["lipschitz"] == largest > 0
    # The same weights at the start, the same examples: the same L.
    first, other = (run["curve"][0]["lipschitz"] for run in runs)
    assert first == pytest.approx(other, rel=1e-6)
    assert "</svg>" in (tmp_path / "lipschitz.svg").read_text()
    capsys.readouterr()
    assert call(*arguments) == 0  # what has finished is read, not run again
    assert capsys.readouterr().out.count("is finished already") == 2
    assert (tmp_path / "lipschitz.json").read_text() == text


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--output=x",), "--experiment is missing"),
        (("--experiment=table7/lamb",), "--output is missing"),
        ((*SMOKE, "--output=x", "--batch_sizes=16,a"), "--batch_sizes=16,a: want positive whole"),
        ((*SMOKE, "--output=x", "--points=1"), "--points=1: want 2 or more"),
        ((*SMOKE, "--output=x", "--set=precision=bfloat16"), "add --set precision=float32"),
        (
            ("--experiment=table1/lamb-512", "--output=x", "--batch_sizes=16"),
            "table1/lamb-512 is a row of text",
        ),
    ],
)
def test_a_mistake_is_one_line(arguments, said, capsys):
    assert call(*arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_the_rules_carry_rate_and_warm_up_to_another_batch():
    row = scaled(registry.find("table7/lamb"), "laptop")
    larger = observed_runs.at_batch_size(row, 4 * row.batch_size, "sqrt")
    assert larger.learning_rate == pytest.approx(2 * row.learning_rate)
    assert larger.warmup_epochs == pytest.approx(4 * row.warmup_epochs)
    assert abs(larger.warmup_steps - row.warmup_steps) <= 1  # LEGW: its steps stay
    assert set(larger.overrides) == {"batch_size", "learning_rate", "warmup_epochs"}
    linear = observed_runs.at_batch_size(row, 4 * row.batch_size, "linear")
    assert linear.learning_rate == pytest.approx(4 * row.learning_rate)
    same = observed_runs.at_batch_size(row, 4 * row.batch_size, "none")
    assert set(same.overrides) == {"batch_size"}


def test_a_run_that_was_not_observed_is_told(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"kind": "train", "step": 1}\n')
    with pytest.raises(UserError, match="this run recorded no 'lipschitz'"):
        observed_runs.records_of(str(tmp_path), "lipschitz")
