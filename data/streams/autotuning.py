"""Pipelines whose parallelism is stated, not tuned while they run."""

from __future__ import annotations

import tensorflow as tf


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset without tf.data's tuning thread, whose next round an iterator's end waits for."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
