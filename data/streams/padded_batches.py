"""Splits an evaluation into equally many padded batches per host and replica."""

from __future__ import annotations

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class PaddedBatches:
    """`count` examples in batches of one replica: host h has a run of them, one after another.

    All hosts have the same number of batches, a multiple of their replicas, so that no replica
    waits for a batch that never comes; what fills them up has weight 0.

    Raises:
      ValueError: a batch below 1.
    """

    count: int
    batch: int
    context: tf.distribute.InputContext

    def __post_init__(self):
        if self.batch < 1:
            raise ValueError(f"the evaluation batch is {self.batch}, wanted at least 1")

    @property
    def batches(self) -> int:
        """The batches of each host."""
        hosts = self.context.num_input_pipelines
        replicas = self.context.num_replicas_in_sync // hosts  # on this host
        return -(-self.count // (hosts * replicas * self.batch)) * replicas

    @property
    def first(self) -> int:
        """The position of this host's first example, which may be behind the last there is."""
        return self.context.input_pipeline_id * self.batches * self.batch

    @property
    def examples(self) -> int:
        """How many of the examples are this host's."""
        return min(max(self.count - self.first, 0), self.batches * self.batch)

    def index_and_weight(self, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The examples' int64 [batch] and the weights float32 [batch] of this host's batch."""
        position = self.first + number * self.batch + tf.range(self.batch, dtype=tf.int64)
        index = tf.minimum(position, self.count - 1)  # filling repeats the last example
        return index, tf.cast(position < self.count, tf.float32)

    def among_first(self, number: tf.Tensor, subset: int) -> tf.Tensor:
        """float32 [batch] of this host's batch: 1 for each of the first `subset` examples."""
        position = self.first + number * self.batch + tf.range(self.batch, dtype=tf.int64)
        return tf.cast(position < min(subset, self.count), tf.float32)
