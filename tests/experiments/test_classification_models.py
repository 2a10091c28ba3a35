"""What a classification row gives its model: settings, and seeds of dropout."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from largebatch import data, tpu
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows import choices
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled
from largebatch.experiments.tasks.classification import ImageClassification
from largebatch.models import dawnbench, resnet
from largebatch.tpu.loop.eval_loop import EvalLoop
from largebatch.tpu.loop.train_loop import TrainLoop


def classification(steps=None, **settings):
    row = scaled(registry.find("table7/lamb"), "smoke")
    row = dataclasses.replace(row, **settings)

    class Cut(ImageClassification):
        @property
        def stages(self):
            stage = super().stages[0]
            return [stage if steps is None else stage._replace(steps=steps)]

    return Cut(row, data.load("digits"), seed=1)


def first_batch(task, micro_batch=8):
    context = tf.distribute.InputContext(1, 0, 1)
    return next(iter(task.train_dataset(0, context, micro_batch, 0)))


def test_a_model_gets_the_settings_that_it_reads(monkeypatch):
    monkeypatch.setattr(resnet, "BLOCKS", (1,))
    grouped = classification(model="alexnet_bn", model_width=6, norm_group=2, dropout=0.0)
    layers = grouped.build_model().layers
    assert {layer.group for layer in layers if layer.name.endswith("/norm")} == {2}
    assert not [layer for layer in layers if isinstance(layer, tf.keras.layers.Dropout)]
    residual = classification(model="resnet50", model_width=2, zero_last_scale=False).build_model()
    assert residual.get_layer("stage1/block1/3/norm").gamma.numpy().all()
    dropouts = [la for la in classification(model="alexnet", model_width=6).build_model().layers
                if isinstance(la, tf.keras.layers.Dropout)]  # fmt: skip
    assert [layer.rate for layer in dropouts] == [0.5, 0.5]  # the model's own


@pytest.mark.parametrize("model", choices.IMAGE_MODELS)
def test_seeds_come_with_the_batches_of_models_that_drop(model):
    with_seed = "dropout_seed" in first_batch(classification(model=model))
    assert with_seed == (model in ("mnist_convnet", "alexnet", "alexnet_bn"))


def test_a_run_with_dropout_that_was_stopped_ends_in_the_weights_of_one_that_was_not(tmp_path):
    strategy = tpu.configure_devices("cpu", 1)
    options = tpu.FitOptions(steps_per_epoch=4, eval_batch=None, steps_per_loop=2)

    def weights_after(folder, *steps):
        for end in steps:
            task = classification(end, model="mnist_convnet", model_width=0.1, batch_size=16)
            tf.keras.utils.set_random_seed(0)
            with tpu.RunFolder(tmp_path / folder) as run_folder:
                tpu.fit(task, lambda: tf.keras.optimizers.SGD(0.02), strategy, run_folder, options)
        reader = tf.train.load_checkpoint(str(run_folder.checkpoints / f"ckpt-{steps[-1]}"))
        found = reader.get_variable_to_shape_map()
        return {name: reader.get_tensor(name) for name in found if "GRAPH" not in name}

    straight, stopped = weights_after("straight", 4), weights_after("stopped", 2, 4)
    trained = [name for name in straight if "kernel" in name]
    assert trained
    for name in trained:
        np.testing.assert_array_equal(stopped[name], straight[name], err_msg=name)


def weights_of(strategy, micro_batch, clip=(None, None), **settings):
    """The variables after 3 updates of 16 digits."""
    task = classification(3, batch_size=16, **settings)
    tf.keras.utils.set_random_seed(0)
    with strategy.scope():
        step = tf.Variable(0, dtype=tf.int64, trainable=False)
        model = task.build_model()
        optimizer = tf.keras.optimizers.SGD(0.05)
        optimizer.build(model.trainable_variables)
    loop = TrainLoop(task, model, optimizer, strategy, step, *clip)
    plan = tpu.BatchPlan.make(16, strategy.num_replicas_in_sync, micro_batch)
    loop.start_stage(plan, tpu.distributed_dataset(
        strategy, lambda context: task.train_dataset(0, context, plan.micro_batch, 0)
    ))  # fmt: skip
    loop.train(tf.constant(3))
    return [variable.numpy() for variable in model.variables]


def test_masks_of_dropout_are_those_of_the_batch_on_any_devices_in_any_micro_batches():
    one, two = tpu.configure_devices("cpu", 1), tpu.configure_devices("cpu", 2)
    convnet = {"model": "mnist_convnet", "model_width": 0.1}
    wanted = weights_of(one, None, **convnet)
    for how in ((two, 2), (one, None, (1e6, 4))):
        for found, expected in zip(weights_of(*how, **convnet), wanted):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    kept = weights_of(one, None, **convnet, dropout=0.0)
    assert max(np.abs(a - b).max() for a, b in zip(kept, wanted)) > 1e-3


def test_batch_norm_over_so_many_images_is_the_same_on_any_devices_in_any_micro_batches(
    monkeypatch,
):
    def block(x, norm, channels, name, residual):
        return dawnbench._layer(x, norm, channels, name) if name == "layer1" else x

    # Two of its eight layers: most of the time is tracing them.
    monkeypatch.setattr(dawnbench, "_block", block)
    one, two = tpu.configure_devices("cpu", 1), tpu.configure_devices("cpu", 2)
    davidnet = {"model": "davidnet", "model_width": 2, "norm_batch": 4}
    wanted = weights_of(one, None, **davidnet)  # moving averages among them

    def difference(*arguments, **settings):
        found = weights_of(*arguments, **{**davidnet, **settings})
        return max(np.abs(a - b).max() for a, b in zip(found, wanted))

    assert difference(one, 8) < 1e-5
    # As many devices or micro-batches as groups, with statistics of each one's share.
    assert difference(two, 4, norm_batch=None) < 1e-5
    assert difference(one, None, clip=(1e6, 4), norm_batch=None) < 1e-5
    assert difference(one, None, norm_batch=16) > 1e-3


@pytest.mark.parametrize(("metric", "batch"), [("accuracy", 33), ("top1", 1000)])
def test_the_first_test_images_are_scored_by_themselves_too(metric, batch):
    strategy = tpu.configure_devices("cpu", 2)
    paper = {"paper_accuracy": None, f"paper_{metric}": 0.5}
    task = classification(eval_subset=200, **paper)
    with strategy.scope():
        model = task.build_model()
    labels = data.load("digits").test_labels
    context = tf.distribute.InputContext()
    whole = next(iter(task.eval_dataset(context, len(labels))))
    right = task.forward(model, whole, training=False).numpy().argmax(-1) == labels
    dataset = tpu.distributed_dataset(strategy, lambda context: task.eval_dataset(context, batch))
    results = EvalLoop(task, model, strategy, dataset).evaluate()
    assert (results["examples"], results["subset_examples"]) == (360, 200)
    assert results[metric] == right.sum() / 360
    assert results[f"{metric}_subset"] == right[:200].sum() / 200
    assert ("top5_subset" in results) == (metric == "top1")


def test_a_setting_that_the_model_does_not_read_is_refused():
    assert isinstance(apply_overrides(registry.find("table5/lamb-512"), {"norm_group": "2"}), Row)
    with pytest.raises(
        UserError, match="dropout: the model 'resnet50' has no.*convnet, alexnet, alexnet_bn"
    ):
        apply_overrides(registry.find("table5/lamb-512"), {"dropout": "0.5"})
