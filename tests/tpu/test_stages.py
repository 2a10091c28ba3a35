"""Runs of several stages: a micro-batch each, moments kept or not, several normalisers."""

import json

import numpy as np
import pytest
import tensorflow as tf

from largebatch.tpu.folder.checkpoints import CheckpointError, restore_model

TWO = ((24, 4), (12, 4))


def weights(state):
    return {name: value for name, value in state.items() if name.startswith("model/")}


def close(left, right):
    assert left.keys() == right.keys() and left
    for name in left:
        np.testing.assert_allclose(left[name], right[name], rtol=2e-5, atol=1e-6, err_msg=name)


def test_each_stage_has_its_own_micro_batch(run, regression, unbroken):
    _, pieces = run(regression(TWO), "pieces", micro_batch=[8, 3])
    close(weights(pieces), weights(unbroken(TWO)[1]))
    with pytest.raises(ValueError, match="micro_batch=8 does not divide the 12 examples"):
        run(regression(TWO), "wrong", micro_batch=8)


def test_moments_are_carried_into_the_next_stage_unless_told_otherwise(run, regression, unbroken):
    _, kept, _ = unbroken(TWO)
    _, reset = run(regression(TWO), "reset", keep_moments=False)
    assert any(not np.array_equal(kept[n], reset[n]) for n in weights(kept))
    # An optimizer that has none does not see the difference.
    plain = {"make_optimizer": lambda: tf.keras.optimizers.SGD(0.05)}
    _, one = run(regression(TWO), "plain", **plain)
    _, other = run(regression(TWO), "plain, reset", keep_moments=False, **plain)
    for name, value in weights(one).items():
        np.testing.assert_array_equal(other[name], value)


def test_a_run_that_resets_moments_resumes_at_the_switch_as_if_unbroken(run, regression, tmp_path):
    options = {"keep_moments": False, "steps_per_loop": 4, "checkpoint_every": 4}
    _, whole = run(regression(TWO), "whole", **options)
    run(regression(TWO[:1]), "cut", **options)
    _, resumed = run(regression(TWO), "cut", **options)
    for name, value in weights(whole).items():
        np.testing.assert_array_equal(resumed[name], value, err_msg=name)


def test_progress_is_the_share_of_examples_where_there_are_no_epochs(run, regression, tmp_path):
    run(regression(TWO), steps_per_epoch=None, steps_per_loop=4, checkpoint_every=4)
    records = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").open()]
    shown = [record["progress"] for record in records if record["kind"] == "train"]
    assert shown == [pytest.approx(2 / 3, abs=1e-4), 1.0]
    assert not any("epoch" in record for record in records)


def test_a_task_without_evaluation_finishes_with_no_metrics(run, regression):
    outcome, _ = run(regression(), eval_batch=None)
    assert (outcome.status, outcome.metrics) == ("finished", {})


def two_terms(regression):
    """The weighted mean of the squared errors, plus the plain mean over all examples."""

    class TwoTerms(regression):
        update_totals = ("total_weight", "total_examples")

        def train_dataset(self, stage, context, micro_batch, first_step):
            size = self.stages[stage].batch_size
            replicas = context.num_replicas_in_sync
            pieces = size // micro_batch
            made = super().train_dataset(stage, context, micro_batch, first_step)

            def with_totals(update):
                weight = tf.reduce_sum(update["weight"]) / replicas
                repeated = {
                    "total_weight": tf.fill([pieces], weight),
                    "total_examples": tf.fill([pieces], tf.constant(size / replicas)),
                }
                return {**update, **repeated}

            return made.batch(pieces).map(with_totals).unbatch()

        def loss(self, outputs, batch):
            losses = tf.reduce_sum(tf.square(outputs - batch["y"]), axis=-1)
            weighted = tf.reduce_sum(losses * batch["weight"])
            if "total_weight" not in batch:
                return weighted, tf.reduce_sum(batch["weight"])
            ratio = batch["total_weight"] / batch["total_examples"]
            return weighted + tf.reduce_sum(losses) * ratio, tf.reduce_sum(batch["weight"])

    return TwoTerms


def test_two_normalisers_are_those_of_the_whole_update(run, regression):
    task = two_terms(regression)(((24, 6),))
    _, whole = run(task, "whole")
    _, pieces = run(task, "pieces", devices=2, micro_batch=3)
    close(weights(pieces), weights(whole))


def test_a_model_is_restored_from_the_newest_whole_checkpoint(run, regression, tmp_path):
    task = regression(((24, 6),))
    _, state = run(task, checkpoint_every=3)
    checkpoints = tmp_path / "run" / "checkpoints"
    model = task.build_model()
    assert restore_model(model, checkpoints).endswith("ckpt-6")
    assert any(np.array_equal(model.get_weights()[0], value) for value in state.values())
    (data,) = checkpoints.glob("ckpt-6.data*")
    data.write_bytes(data.read_bytes()[:100])
    assert restore_model(model, checkpoints).endswith("ckpt-3")
    with pytest.raises(CheckpointError, match="holds no whole checkpoint"):
        restore_model(model, tmp_path)
    other = tf.keras.Sequential([tf.keras.layers.Dense(3, input_shape=(5,))])
    with pytest.raises(CheckpointError):
        restore_model(other, checkpoints)
