"""Are all values of a list of tensors finite?"""

from __future__ import annotations

import tensorflow as tf


def all_finite(tensors, jit_compile: bool):
    """A boolean scalar: no value of any of `tensors` is NaN or infinite."""
    del jit_compile
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(tensor)) for tensor in tensors])
