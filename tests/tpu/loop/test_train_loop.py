"""K micro-batches on R replicas are one batch of K x R x b: in gradients, slots and weights.

In float64, so that a wrong factor is not mistaken for rounding; with SGD as well as LAMB, because
LAMB's update does not change with the gradient's scale and would hide one.
"""

import numpy as np
import pytest
import tensorflow as tf

from largebatch import optimizers
from largebatch.tpu import BatchPlan, configure_devices
from largebatch.tpu.hosts.devices import configure_precision
from largebatch.tpu.loop.inputs import distributed_dataset
from largebatch.tpu.loop.train_loop import MAX_REFUSED_IN_A_ROW, Diverged, TrainLoop

BATCH = 48


@pytest.fixture
def double():
    tf.keras.backend.set_floatx("float64")
    yield
    tf.keras.backend.set_floatx("float32")


def sgd():
    return tf.keras.optimizers.SGD(0.05, momentum=0.9)


def lamb():
    return optimizers.create("lamb", 0.05)


def train(
    task, make_optimizer, *, replicas=1, micro_batch=None, steps=4, clip_norm=None, clip_batch=None
):
    """Trains for some updates; returns the mean losses, weights, slots and the optimizer."""
    strategy = configure_devices("cpu", replicas)
    with strategy.scope():
        global_step = tf.Variable(0, dtype=tf.int64, trainable=False)
        model = task.build_model()
        optimizer = make_optimizer()
        optimizer.build(model.trainable_variables)
    loop = TrainLoop(task, model, optimizer, strategy, global_step, clip_norm, clip_batch)
    plan = BatchPlan.make(BATCH, replicas, micro_batch)
    dataset = distributed_dataset(
        strategy, lambda context: task.train_dataset(0, context, plan.micro_batch, 0)
    )
    loop.start_stage(plan, dataset)
    losses = [loop.train(tf.constant(1))["loss"] for _ in range(steps)]
    read = tf.nest.map_structure(lambda variable: variable.numpy(), model.trainable_variables)
    slots = [v.numpy() for v in optimizer.variables if len(v.shape) and v.dtype == tf.float64]
    return losses, read, slots, optimizer


def close(left, right, tolerance=1e-12):
    assert len(left) == len(right)
    for a, b in zip(left, right):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


ALONE, BOTH = ((1, 8), (2, 24)), (3, 4)  # micro-batches or replicas, and both


@pytest.mark.parametrize(
    ("make_optimizer", "spreads"), [(sgd, (*ALONE, BOTH)), (lamb, [BOTH])], ids=["sgd", "lamb"]
)
def test_pieces_of_a_batch_are_the_batch(double, regression, make_optimizer, spreads):
    task = regression(((BATCH, 4),), dtype="float64")
    losses, weights, slots, _ = train(task, make_optimizer)
    for replicas, micro_batch in spreads:
        again = train(task, make_optimizer, replicas=replicas, micro_batch=micro_batch)
        np.testing.assert_allclose(losses, again[0], rtol=1e-6)  # reported in float32
        close(weights, again[1])
        close(slots, again[2])


def mean_gradients(task, weights, examples=slice(BATCH)):
    """The gradients of the weighted mean loss over the first batch, in NumPy from the formulas."""
    hidden_kernel, hidden_bias, out_kernel, out_bias = weights
    x, y, w = task.inputs[examples], task.targets[examples], task.weights[examples, None]
    hidden = np.tanh(x @ hidden_kernel + hidden_bias)
    error = 2 * (hidden @ out_kernel + out_bias - y) * w / w.sum()
    back = error @ out_kernel.T * (1 - hidden**2)
    return [x.T @ back, back.sum(0), hidden.T @ error, error.sum(0)]


def mean_loss(task, weights):
    """The weighted mean loss over the first batch."""
    hidden_kernel, hidden_bias, out_kernel, out_bias = weights
    hidden = np.tanh(task.inputs[:BATCH] @ hidden_kernel + hidden_bias)
    error = hidden @ out_kernel + out_bias - task.targets[:BATCH]
    return np.average((error**2).sum(1), weights=task.weights[:BATCH])


def test_one_plain_step_moves_by_the_gradient_of_the_weighted_mean(double, regression):
    task = regression(((BATCH, 4),), dtype="float64")
    before = [variable.numpy() for variable in task.build_model().trainable_variables]
    _, after, _, _ = train(task, lambda: tf.keras.optimizers.SGD(0.5), steps=1)
    expected = [b - 0.5 * g for b, g in zip(before, mean_gradients(task, before))]
    close(expected, after)


def test_clipping_is_by_the_norm_of_the_whole_batchs_mean_gradient(double, regression):
    task = regression(((BATCH, 4),), dtype="float64")
    before = [variable.numpy() for variable in task.build_model().trainable_variables]
    gradients = mean_gradients(task, before)
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    for clip_norm, factor in ((norm / 3, 1 / 3), (norm * 3, 1)):
        _, after, _, _ = train(
            task,
            lambda: tf.keras.optimizers.SGD(0.5),
            replicas=2,
            micro_batch=6,
            steps=1,
            clip_norm=clip_norm,
        )
        close([b - 0.5 * factor * g for b, g in zip(before, gradients)], after, 1e-7)


@pytest.mark.parametrize("replicas, micro_batch", [(1, None), (2, 6)])
def test_groups_of_examples_are_clipped_before_the_sum_on_any_devices_in_any_micro_batches(
    double, regression, replicas, micro_batch
):
    task, group = regression(((BATCH, 4),), dtype="float64"), 6
    before = [variable.numpy() for variable in task.build_model().trainable_variables]
    groups = [slice(first, first + group) for first in range(0, BATCH, group)]
    of_groups = [mean_gradients(task, before, examples) for examples in groups]
    norms = [np.sqrt(sum(np.sum(g**2) for g in gradients)) for gradients in of_groups]
    clip_norm = np.median(norms)  # some are clipped, some are not
    assert min(norms) < 0.9 * clip_norm and max(norms) > 1.1 * clip_norm
    weights = [task.weights[examples].sum() for examples in groups]
    factors = [w * min(1, clip_norm / n) for w, n in zip(weights, norms)]
    mean = [sum(f * g for f, g in zip(factors, tensors)) / sum(weights)
            for tensors in zip(*of_groups)]  # fmt: skip
    losses, after, _, _ = train(
        task,
        lambda: tf.keras.optimizers.SGD(0.5),
        replicas=replicas,
        micro_batch=micro_batch,
        steps=1,
        clip_norm=clip_norm,
        clip_batch=group,
    )
    close([b - 0.5 * g for b, g in zip(before, mean)], after, 1e-7)
    np.testing.assert_allclose(losses, [mean_loss(task, before)], rtol=1e-6)


def test_a_group_that_does_not_divide_a_micro_batch_is_an_error(regression):
    task = regression(((BATCH, 4),))
    with pytest.raises(ValueError, match="clip_batch=5 does not divide a micro-batch of 12"):
        train(task, sgd, micro_batch=12, clip_norm=1.0, clip_batch=5)
    with pytest.raises(ValueError, match="clip_batch=6 needs a clip_norm"):
        train(task, sgd, clip_batch=6)


def test_the_schedule_counts_updates_not_micro_batches(regression):
    class Schedule(tf.keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.01 * tf.cast(step + 1, tf.float32)

    _, _, _, optimizer = train(
        regression(((BATCH, 4),)),
        lambda: tf.keras.optimizers.SGD(Schedule()),
        replicas=2,
        micro_batch=4,
    )
    assert int(optimizer.iterations.numpy()) == 4
    assert float(tf.convert_to_tensor(optimizer.learning_rate)) == pytest.approx(0.04)


def test_refused_updates_are_counted_and_too_many_in_a_row_are_a_divergence(regression):
    @tf.custom_gradient
    def broken(loss):
        return loss, lambda upstream: upstream * np.nan

    class Unstable(regression):
        """Its loss is finite; its gradient is not."""

        def loss(self, outputs, batch):
            loss, weight = super().loss(outputs, batch)
            return broken(loss), weight

    made = []

    def make():
        made.append(optimizers.create("lamb", 0.01))
        return made[0]

    with pytest.raises(Diverged) as caught:
        train(Unstable(((BATCH, 20),)), make, steps=20)
    assert int(made[0].refused_steps) == MAX_REFUSED_IN_A_ROW
    assert int(made[0].iterations) == 0
    assert caught.value.last_step == MAX_REFUSED_IN_A_ROW


def test_under_bfloat16_the_sums_of_gradients_the_weights_and_the_slots_are_float32(regression):
    class Mixed(regression):
        def forward(self, model, batch, training):
            outputs = super().forward(model, batch, training)
            assert outputs.dtype == tf.bfloat16
            return tf.cast(outputs, tf.float32)

    configure_precision("bfloat16")
    task = Mixed(((BATCH, 4),))
    _, weights, _, optimizer = train(task, sgd, replicas=2, micro_batch=4, steps=1)
    slots = [variable.numpy() for variable in optimizer.variables if variable.shape.rank]
    assert len(slots) == len(weights)
    for value in [*weights, *slots]:
        assert value.dtype == np.float32
        # Six passes' sums, over two replicas: rounded on the way to bfloat16 they would stay so.
        assert np.any(value != tf.cast(tf.cast(value, tf.bfloat16), tf.float32).numpy())
    exact = mean_gradients(task, [v.numpy() for v in task.build_model().trainable_variables])
    for slot, gradient in zip(slots, exact):
        np.testing.assert_allclose(slot, -0.05 * gradient, rtol=0.05, atol=0.01 * 0.05)
