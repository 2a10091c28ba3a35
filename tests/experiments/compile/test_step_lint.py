"""The steps of all rows, lowered without data, hold nothing that a TPU cannot run.

Here at small sizes: forward and backward of each model on fewer layers, at the row's batch of a
core; and each optimizer's update, with its schedule and clipping, on a layer of each sort. Whole
steps at full size: python -m largebatch.experiments.step_lint --all.
"""

import dataclasses
import runpy
from pathlib import Path

import pytest
import tensorflow as tf

from largebatch.data import ImageSet, Updates, train_dataset
from largebatch.experiments.compile import lowered_step, shape_only, step_lint
from largebatch.experiments.compile.lowered_step import SQUAD, batch_per_core, lower_row, stage_name
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.tables import registry
from largebatch.models import BERT_SIZES, dawnbench, resnet
from largebatch.models.image_models import ImageModel
from largebatch.tpu import Task

ROWS = [row for row in registry.all_rows().values() if not row.same_run_as]
MODELS = step_lint.kinds(ROWS, step_lint.model_key)
# But for the model: layers of each sort stand in for it.
UPDATES = step_lint.kinds(ROWS, lambda row, stage: step_lint.update_key(row, stage)[1:])
covering = runpy.run_path(str(Path(__file__).parents[1] / "covering.py"))["covering"]


def few(kinds, traits):
    """Few of the kinds of steps that have every trait between them."""
    return [kinds[n] for n in covering({n: traits(kind) for n, kind in enumerate(kinds)})]


def there(value):
    """Of a number whether there is one: any number is the same operation."""
    return bool(value) if isinstance(value, (int, float)) else value


def model_traits(kind):
    """Each setting of a model by itself; of sizes, whether there is one. One BERT for all."""
    model, *key = step_lint.model_key(kind.row, kind.stage)
    if kind.row.task == "pretraining":
        model, key = "bert", key[7:]  # without sizes and words
    return {
        (model, place, tuple(map(there, value)) if isinstance(value, tuple) else there(value))
        for place, value in enumerate(key)
    }


def update_traits(kind):
    """Each setting of an optimizer, of the schedule and of clipping by itself.

    Without a setting there are operations less. Of what is left out of decay or adaptation,
    whether anything is: `Layers` has what is and what is not.
    """
    clip, optimizer, *more = step_lint.update_key(kind.row, kind.stage)[1:]
    settings, *schedule = more or [()]
    traits = {(optimizer,), ("clip", clip)} | {
        (optimizer, field, True if field.startswith("exclude_from") else value)
        for field, value in settings
        if value
    }
    if schedule:
        (name, decay_from, power, end), *others = schedule
        traits |= {("schedule", name), ("decay", decay_from, power is None), ("end", end)}
        traits |= set(enumerate(others))
    return traits


# What an operation is does not depend on how wide its layer is.
NARROW = {"alexnet": 6, "alexnet_bn": 6, "davidnet": 4, "resnet50": 4}


@pytest.fixture
def small(monkeypatch):
    """Makes a row's model one of few layers, and narrow."""

    def block(x, norm, channels, name, residual):
        return dawnbench._layer(x, norm, channels, name) if name == "layer1" else x

    monkeypatch.setattr(dawnbench, "_block", block)
    monkeypatch.setattr(resnet, "BLOCKS", (1, 1))
    monkeypatch.setitem(BERT_SIZES, "bert_tiny", BERT_SIZES["bert_tiny"]._replace(layers=1))

    def small(row):
        if row.task == "pretraining":
            return dataclasses.replace(row, model="bert_tiny")
        return dataclasses.replace(row, model_width=NARROW.get(row.model, row.model_width))

    return small


@pytest.mark.parametrize(
    "kind", few(MODELS, model_traits), ids=lambda kind: f"{kind.row.name}-{kind.stage}"
)
def test_a_rows_forward_and_backward_pass_is_clean(kind, small):
    assert step_lint.lint(small(kind.row), kind.stage, "accumulate") == []


class Layers(Task):
    """Variables of every rank and name that an optimizer tells apart; their sums are updated."""

    stages = ()
    train_dataset = eval_dataset = forward = loss = metrics = None

    def build_model(self):
        layers = tf.keras.layers
        image = tf.keras.Input([8, 8, 3])
        x = layers.Conv2D(4, 3, name="conv")(image)
        x = layers.BatchNormalization(name="norm")(x)
        x = layers.LayerNormalization(name="layer_norm")(layers.Flatten()(x))
        return tf.keras.Model(image, layers.Dense(2, dtype="float32", name="head")(x))


@pytest.mark.parametrize(
    "kind", few(UPDATES, update_traits), ids=lambda kind: f"{kind.row.name}-{kind.stage}"
)
def test_a_rows_update_is_clean(kind):
    assert step_lint.lint(kind.row, kind.stage, "apply", Layers()) == []


def test_every_row_is_of_one_kind_for_each_of_its_stages():
    for key in (step_lint.model_key, step_lint.update_key, step_lint.step_key):
        kinds = step_lint.kinds(ROWS, key)
        assert {name for kind in kinds for name in kind.rows} == {row.name for row in ROWS}
        assert len(kinds) < len(ROWS) / 5


def test_rows_that_differ_in_an_optimizers_switch_are_not_one_kind():
    plain, corrected = (registry.find(f"figure2/{name}") for name in ("neither", "correction"))
    assert len(step_lint.kinds([plain, corrected], step_lint.step_key)) == 2
    other_rate = dataclasses.replace(plain, learning_rate=2 * plain.learning_rate)
    assert len(step_lint.kinds([plain, other_rate], step_lint.step_key)) == 1


# Of a network without dropout, whose batches are images alone.
LENET = apply_overrides(registry.find("table7/lamb"), {"model": "lenet5"})


@pytest.mark.parametrize(
    "name, bad, wanted",
    [
        ("dynamic", lambda x: tf.reduce_sum(tf.where(x > 0)), "depends on values"),
        ("double", lambda x: tf.reduce_sum(tf.cast(x, tf.float64)), "64-bit"),
    ],
)
def test_a_models_slip_is_found_in_the_rows_step_and_named(monkeypatch, name, bad, wanted):
    def build(shape, classes, width=1.0):
        image = tf.keras.Input(shape)
        noise = tf.keras.layers.Lambda(lambda x: tf.cast(bad(x), tf.float32), name="slip")(image)
        logits = tf.keras.layers.Dense(classes)(tf.keras.layers.Flatten()(image))
        return tf.keras.Model(image, logits + noise)

    monkeypatch.setattr(ImageModel, "load", lambda entry: build)
    found = step_lint.lint(LENET, "1")
    assert any(wanted in line for line in found)
    assert name != "dynamic" or any("slip" in line for line in found)


def test_an_operation_that_xla_lacks_is_a_finding(monkeypatch):
    def build(shape, classes, width=1.0):
        image = tf.keras.Input(shape)
        from_host = tf.keras.layers.Lambda(lambda x: tf.numpy_function(lambda y: y, [x], x.dtype))
        flat = tf.keras.layers.Flatten()(tf.ensure_shape(from_host(image), image.shape))
        return tf.keras.Model(image, tf.keras.layers.Dense(classes)(flat))

    monkeypatch.setattr(ImageModel, "load", lambda entry: build)
    (line,) = step_lint.lint(LENET, "1")
    assert line.startswith("no program of XLA's") and "PyFunc" in line


def test_absent_images_have_the_shapes_of_the_real_ones():
    import numpy as np

    row = LENET
    image = np.zeros([96, 28, 28, 1], np.uint8)
    label, channel = np.zeros([96], np.int32), np.ones([1], np.float32)
    images = ImageSet("mnist", image, label, image, label, 10, channel, channel)
    context = tf.distribute.InputContext(1, 0, 1)
    updates = Updates(32, 32, context, seed=0, first_step=0, steps=2)
    wanted = train_dataset(images, updates).element_spec
    assert shape_only.task(row, 32).train_dataset(0, context, 32, 0).element_spec == wanted
    lowered = lower_row(row, "1", 32)
    assert lowered.parameters == 61_706


def test_the_batch_of_a_core_is_the_rows_on_the_papers_chips_of_two_cores():
    row = registry.find("table1/lamb-65536-32768")
    assert [batch_per_core(row, stage) for stage in ("1", "2", SQUAD)] == [32, 16, 24]
    assert batch_per_core(registry.find("table5/lamb-512"), "1") == 128


def test_an_unknown_stage_is_refused_with_those_there_are():
    with pytest.raises(UserError, match="--stage=3: table1/lamb-512 has 1, 2, squad"):
        stage_name(registry.find("table1/lamb-512"), "3")
    assert stage_name(registry.find("table1/lamb-512")) == "2"


def test_a_program_tells_what_it_would_lower_without_tensorflow(capsys):
    flags = ["--experiment=table1/lamb-32768", "--stage=1", "--batch_per_core=64", "--describe"]
    assert lowered_step.program(["lowered_step", *flags]) == 0
    printed = capsys.readouterr().out
    assert '"sequence_length": 128' in printed and '"batch_per_core": 64' in printed


def lint_program(*flags):
    return step_lint.program(["step_lint", *flags])


def test_the_program_lints_the_rows_of_a_glob_and_its_exit_code_says_what_came_out(
    capsys, monkeypatch
):
    assert lint_program("--experiment=table7/lamb") == 0
    assert "lamb, 128 a core (1 rows): clean" in capsys.readouterr().out
    monkeypatch.setattr(
        step_lint, "lint_apart", lambda row, stage: ["64-bit floating point: multiply"]
    )
    assert lint_program("--experiment=table7/*") == step_lint.FOUND
    printed = capsys.readouterr().out
    assert "9 steps of 10 rows, 9 with findings" in printed and "    64-bit" in printed


def test_the_program_lists_what_it_would_lint_and_wants_to_know_which_rows(capsys):
    assert lint_program("--all", "--list") == 0
    assert "bert_large with sequences of 512, lamb, 16 a core" in capsys.readouterr().out
    assert lint_program() == 2 and "or --all" in capsys.readouterr().err
    assert lint_program("--experiment=table4/*") == 2
    assert "runs of other tables" in capsys.readouterr().err
