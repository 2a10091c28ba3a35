"""Why Nadam is not taken from Keras: what its own does differently, so that a change is noticed."""

import numpy as np
import tensorflow as tf

from largebatch.optimizers import Nadam


def weights_after(optimizer, graph, steps=5):
    random = np.random.RandomState(0)
    variables = [tf.Variable(random.normal(size=3), dtype=tf.float32, name=n) for n in "abc"]
    gradients = [tf.constant(random.normal(size=(3, 3)), tf.float32) for _ in range(steps)]

    def step(gradient):
        optimizer.apply_gradients(zip(tf.unstack(gradient), variables))

    apply = tf.function(step) if graph else step
    for gradient in gradients:
        apply(gradient)
    return np.stack([variable.numpy() for variable in variables])


def difference(a, b):
    return np.abs(a - b).max()


def test_keras_nadam_takes_other_steps_in_a_graph_than_eagerly():
    # It multiplies the schedule's running product once a variable there, not once a step.
    keras = [weights_after(tf.keras.optimizers.Nadam(0.1), graph) for graph in (False, True)]
    assert difference(*keras) > 1e-4
    ours = [weights_after(Nadam(0.1, jit_compile=False), graph) for graph in (False, True)]
    assert difference(*ours) < 1e-6


def test_keras_nadams_momentum_schedule_is_not_dozats():
    # 0.96^t where Dozat has 0.96^(t/250): felt from the first step on.
    arguments = {"beta_1": 0.975, "beta_2": 0.999, "epsilon": 1e-8}
    keras = weights_after(tf.keras.optimizers.Nadam(0.1, **arguments), False, steps=1)
    ours = weights_after(Nadam(0.1, jit_compile=False, **arguments), False, steps=1)
    assert difference(keras, ours) > 1e-4
