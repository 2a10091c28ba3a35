"""What the tests of several models share."""

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture
def same_under_xla():
    """Checks that a model has the gradients compiled by XLA that it has in a graph."""

    def check(new_model, shape, **settings):
        tf.keras.utils.set_random_seed(0)
        model = new_model(shape, 10, **settings)
        images, labels = tf.random.normal((8, *shape)), tf.range(8)

        def gradients():
            with tf.GradientTape() as tape:
                logits = model(images, training=True)
                loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            return tape.gradient(loss, model.trainable_variables)

        compiled = tf.function(gradients, jit_compile=True)()
        for plain, fast in zip(tf.function(gradients)(), compiled):
            np.testing.assert_allclose(fast, plain, rtol=1e-3, atol=1e-4)

    return check
