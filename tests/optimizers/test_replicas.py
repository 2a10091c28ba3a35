"""One, two and three replicas take the steps that one device takes.

A replica's part of a gradient is a multiple of 2^-8, as all gradients of the problem are, so the
sum over replicas is exact and the comparison can be by bits.
"""

import numpy as np
import pytest
import tensorflow as tf


def mirrored(replicas):
    return tf.distribute.MirroredStrategy(
        [f"/cpu:{i}" for i in range(replicas)],
        # The default keeps one size of group a process.
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


class Replicated:
    """An optimizer on mirrored variables.

    by_hand: gradients are summed by an explicit all-reduce, and Keras is told so; else Keras sums.
    """

    def __init__(self, problem, configuration, strategy, by_hand=True, **more):
        self.problem, self.strategy = problem, strategy
        with strategy.scope():
            self.variables = problem.variables()
            self.optimizer = configuration.make(**more)

        def replica(gradients):
            if by_hand:
                context = tf.distribute.get_replica_context()
                # As computed gradients have: a device, which an argument of one replica lacks.
                gradients = [tf.identity(gradient) for gradient in gradients]
                gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
            self.optimizer.apply_gradients(
                zip(gradients, self.variables), skip_gradients_aggregation=by_hand
            )

        @tf.function(autograph=False)
        def step(gradients):
            self.strategy.run(replica, args=(gradients,))

        self._step = step

    def parts(self, gradients):
        """`gradients` in as many unequal parts as there are replicas; they sum to it exactly."""
        count = self.strategy.num_replicas_in_sync
        random = np.random.RandomState(len(gradients))
        parts = [
            [tf.constant(random.randint(-64, 64, g.shape) / 256, tf.float32) for g in gradients]
            for _ in range(count - 1)
        ]
        last = [g - tf.add_n([tf.zeros_like(g), *others]) for g, *others in zip(gradients, *parts)]
        return [*parts, last]

    def step(self, *steps, spoil=None):
        for step in steps:
            parts = self.parts(self.problem.step_gradients(step))
            if spoil is not None:
                replica, value = spoil
                spoilt = parts[replica][1].numpy()
                spoilt[0] = value
                parts[replica][1] = tf.constant(spoilt)
            self._step(
                self.strategy.experimental_distribute_values_from_function(
                    lambda context, parts=parts: parts[context.replica_id_in_sync_group]
                )
            )
        return self

    @property
    def weights(self):
        """Of each replica."""
        copies = zip(*map(self.strategy.experimental_local_results, self.variables))
        return [[copy.numpy() for copy in replica] for replica in copies]

    def state(self):
        return [
            copy.numpy()
            for variable in self.optimizer.variables()
            if variable is not self.optimizer.refused_steps
            for copy in self.strategy.experimental_local_results(variable)
        ]


def test_two_replicas_that_have_summed_their_gradients_step_as_one_device(
    sample, problem, eager, close, same
):
    two = Replicated(problem, sample, mirrored(2)).step(0, 1, 2)
    close(two.weights[0], eager(sample, 3).weights)
    same(two.weights[1], two.weights[0])
    assert two.optimizer.iterations.numpy() == 3
    # One replica alone has a NaN: all refuse.
    before, state = two.weights, two.state()
    two.step(3, spoil=(1, np.nan))
    for found, wanted in zip(two.weights, before):
        same(found, wanted)
    same(two.state(), state)
    assert two.optimizer.refused_steps.numpy() == 1
    # And the next good step is as if it had never been.
    close(two.step(3).weights[0], eager(sample, 4).weights, 2e-6)


@pytest.fixture
def lamb(all_configurations):
    return next(c for c in all_configurations if c.name == "lamb")


def test_three_replicas_step_as_one_device(lamb, problem, eager, close, same):
    many = Replicated(problem, lamb, mirrored(3)).step(0, 1)
    for weights in many.weights:
        same(weights, many.weights[0])
    close(many.weights[0], eager(lamb, 2).weights)
    many.step(2, spoil=(2, np.inf))
    close(many.weights[0], eager(lamb, 2).weights)
    assert many.optimizer.refused_steps.numpy() == 1


# Keras clips each replica's part before it sums them, so clipping has no like on one device.
def test_keras_own_aggregation_steps_as_one_device(unclipped, problem, eager, close, same):
    two = Replicated(problem, unclipped, mirrored(2), by_hand=False).step(0, 1)
    close(two.weights[0], eager(unclipped, 2).weights)
    same(two.weights[1], two.weights[0])
    before = two.weights
    two.step(2, spoil=(0, np.nan))
    for found, wanted in zip(two.weights, before):
        same(found, wanted)
    assert two.optimizer.refused_steps.numpy() == 1


@pytest.mark.parametrize("name", ["lamb", "lars", "adamw"])
def test_replicas_that_compile_their_update_step_as_one_device(
    all_configurations, problem, eager, close, same, name
):
    configuration = next(c for c in all_configurations if c.name == name)
    two = Replicated(problem, configuration, mirrored(2), jit_compile=True).step(0, 1)
    close(two.weights[0], eager(configuration, 2).weights)
    same(two.weights[1], two.weights[0])
    two.step(2, spoil=(1, np.nan))
    close(two.weights[0], eager(configuration, 2).weights)


@pytest.mark.parametrize("mirror", [False, True])
def test_a_strategy_of_one_device_steps_as_no_strategy(lamb, problem, eager, close, mirror):
    strategy = mirrored(1) if mirror else tf.distribute.OneDeviceStrategy("/cpu:0")
    stepped = Replicated(problem, lamb, strategy).step(0, 1)
    close(stepped.weights[0], eager(lamb, 2).weights)


def test_statistics_of_replicas_are_those_of_one_device(lamb, problem, runner):
    one = runner(lamb).step(0, 1).optimizer.layer_statistics()
    two = Replicated(problem, lamb, mirrored(2)).step(0, 1).optimizer.layer_statistics()
    assert list(two) == list(one)
    for path in one:
        np.testing.assert_allclose(np.array(two[path]), np.array(one[path]), rtol=1e-5)


def test_a_checkpoint_of_two_replicas_goes_on_in_three(lamb, problem, eager, close, tmp_path):
    two = Replicated(problem, lamb, mirrored(2)).step(0, 1)
    path = tf.train.Checkpoint(o=two.optimizer, v=two.variables).write(str(tmp_path / "c"))
    three = Replicated(problem, lamb, mirrored(3))
    tf.train.Checkpoint(o=three.optimizer, v=three.variables).read(path)
    close(three.step(2, 3).weights[0], eager(lamb, 4).weights)
    assert three.optimizer.iterations.numpy() == 4
