"""The ratios of weight and gradient norms, layer by layer."""

import json
import types

import numpy as np
import pytest
import tensorflow as tf

from largebatch.experiments.analyses import layer_ratios
from largebatch.experiments.launching import launch
from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled

pytestmark = pytest.mark.usefixtures("small_network_of_module")

ROW = ("--experiment=table7/lamb", "--scale=smoke")


def call(*arguments):
    return layer_ratios.program(["layer_ratios", *arguments])


def layers_of(folder):
    record = json.loads((folder / "layer_ratios.json").read_text())
    return {layer["path"]: layer for layer in record["layers"]}


class FirstLook:
    """Keeps the weights that a run began with."""

    kind, steps = "first", (0,)

    def begin(self, model):
        self.weights = {v.name: v.numpy() for v in model.trainable_variables}

    def observe(self, step, model):
        return {}


@pytest.fixture(scope="module")
def run(tmp_path_factory, small_network_of_module):
    """A finished smoke run with seed 3: (its folder, its first weights)."""
    row, folder = scaled(registry.find("table7/lamb"), "smoke"), tmp_path_factory.mktemp("run")
    look = FirstLook()
    settings = RunSettings(output_dir=str(folder), seed=3, checkpoint_every=4)
    assert launch.launch(row, settings, lambda row, work: look) == 0
    return folder, look.weights


def test_the_norms_are_those_of_the_weights_that_the_run_begins_with(run, tmp_path):
    assert call(*ROW, "--seed=3", f"--output={tmp_path}") == 0
    layers = layers_of(tmp_path)
    _, weights = run
    assert len(layers) == len(weights)
    for name, weight in weights.items():
        layer = layers[name.split(":")[0]]
        assert layer["weight_norm"] == pytest.approx(np.linalg.norm(weight), rel=1e-6)
        assert layer["adapted"] == ("kernel" in name)


def test_the_gradient_is_that_of_the_whole_first_batch(tmp_path):
    # 600 examples go through in three passes; here in one, by hand.
    batch_size = "--set=batch_size=600"
    assert call(*ROW, batch_size, f"--output={tmp_path}") == 0
    from largebatch.experiments.tasks import workload

    row = apply_overrides(scaled(registry.find("table7/lamb"), "smoke"), {"batch_size": "600"})
    task = workload.load(row, None, 0).task
    tf.keras.utils.set_random_seed(0)
    model = task.build_model()
    (batch,) = task.train_dataset(0, tf.distribute.InputContext(1, 0, 1), 600, 0).take(1)
    with tf.GradientTape() as tape:
        logits = model(batch["image"], training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(batch["label"], logits)
        loss = tf.reduce_mean(losses)
    layers = layers_of(tmp_path)
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables)
    ):
        layer = layers[variable.name.split(":")[0]]
        assert layer["gradient_norm"] == pytest.approx(float(tf.norm(gradient)), rel=1e-4)
        if layer["adapted"]:
            quotient = layer["weight_norm"] / layer["gradient_norm"]
            assert layer["ratio"] == pytest.approx(quotient)


def test_of_a_run_the_weights_are_the_checkpoints(run, tmp_path, capsys):
    folder, first = run
    assert call(f"--run={folder}", f"--output={tmp_path}") == 0
    kernel = next(name for name in first if "logits/kernel" in name)
    found = layers_of(tmp_path)[kernel.split(":")[0]]["weight_norm"]
    assert found != pytest.approx(np.linalg.norm(first[kernel]), rel=1e-4)
    assert "largest / smallest ratio" in capsys.readouterr().out
    assert "</svg>" in (tmp_path / "layer_ratios.svg").read_text()


def test_the_slides_values_stand_beside_alexnet_alone():
    alexnet = types.SimpleNamespace(model="alexnet", run_name="x/alexnet", batch_size=4096)
    layers = [
        {"path": f"l{n}/kernel", "weight_norm": 2.0, "gradient_norm": 1.0, "ratio": 2.0,
         "adapted": True}
        for n in range(8)
    ]  # fmt: skip
    assert "1345" in layer_ratios.as_text(alexnet, layers)
    assert "slides" not in layer_ratios.as_text(alexnet, layers[:7])
    lenet = types.SimpleNamespace(model="lenet5", run_name="x/lenet", batch_size=4096)
    assert "slides" not in layer_ratios.as_text(lenet, layers)
    assert "</svg>" in layer_ratios.draw(alexnet, layers)


def test_the_printed_weight_norms_are_those_of_constant_biases_and_one_kernel():
    biases = {0: (96, 0.01), 1: (256, 0.01), 2: (384, 0.01), 4: (256, 0.01),
              5: (4096, 0.1), 6: (4096, 0.1), 7: (1000, 0.01)}  # fmt: skip
    kernel = {3: (3 * 3 * 192 * 384, 0.01)}  # conv4, in two groups
    for layer, (count, fill) in {**biases, **kernel}.items():
        printed = layer_ratios.PRINTED["weight_norm"][layer]
        assert fill * count**0.5 == pytest.approx(printed, rel=5e-3)


def test_the_printed_ratios_are_the_quotients_of_the_printed_norms_but_for_one():
    norms = zip(layer_ratios.PRINTED["weight_norm"], layer_ratios.PRINTED["gradient_norm"])
    quotients = [weight / gradient for weight, gradient in norms]
    near = [
        abs(quotient / ratio - 1) < 0.05
        for quotient, ratio in zip(quotients, layer_ratios.PRINTED["ratio"])
    ]
    assert near == [True] * 4 + [False] + [True] * 3


@pytest.mark.parametrize("arguments", [(), (*ROW, "--run=x")])
def test_a_row_or_a_run_is_wanted_and_not_both(arguments, capsys):
    assert call(*arguments) == 2
    assert "want either --experiment, a row, or --run" in capsys.readouterr().err
