"""Batch norm whose statistics are shared by groups of replicas (the slides' distributed one)."""

from __future__ import annotations

import tensorflow as tf


@tf.keras.utils.register_keras_serializable("largebatch")
class GroupedBatchNormalization(tf.keras.layers.BatchNormalization):
    """Batch norm over the joined batch of `group` replicas; groups do not talk.

    Replicas 0, ..., k - 1 are one group, k, ..., 2k - 1 the next. In training, as the slides have
    it ("each node computes local mean and variance, each group computes distributed mean and
    variance"), with m_r and v_r of replica r, and sums over the group's:

        mean     = sum m_r / k
        variance = sum (v_r + (m_r - mean)^2) / k

    which is the joined batch's, and loses no digits where E[x^2] - mean^2 does; the replicas'
    batches are of one size. Both sums are differentiated: the gradient of an input passes through
    the statistics of its whole group. With k replicas of b images the effective batch is k b, of
    which the slides say that 64 is enough for ImageNet.

    A TPU sums with the grouped CrossReplicaSum. Elsewhere each replica's part stands in its group's
    row of a table [R / k, C] that all replicas sum: one all-reduce, the same numbers.

    The moving averages follow the group's statistics on each replica. They are read, saved and
    evaluated with as their mean over all replicas, as those of Keras' own layer are. Statistics
    and parameters are float32 under mixed_bfloat16 too.

    Gradient accumulation runs the layer once for each micro-batch: statistics are of k micro-
    batches, not of the whole batch, and moving averages move K times in an update.

    Args:
      group: k; 1 is Keras' batch norm, each replica alone.

    Raises:
      ValueError: a group below 1; in training, a number of replicas that k does not divide, or a
        mask.
    """

    def __init__(self, group: int = 1, **settings):
        if group != int(group) or group < 1:
            raise ValueError(f"group is {group}, wanted a whole number of replicas, at least 1")
        if group > 1:
            settings["fused"] = False  # the fused kernels keep their statistics to themselves
        super().__init__(**settings)
        self.group = int(group)

    def get_config(self):
        return {**super().get_config(), "group": self.group}

    def _calculate_mean_and_var(self, inputs, reduction_axes, keep_dims, mask=None):
        mean, variance = super()._calculate_mean_and_var(inputs, reduction_axes, keep_dims, mask)
        context = tf.distribute.get_replica_context()
        if self.group == 1 or context is None:
            return mean, variance
        if mask is not None:
            raise ValueError(f"{self.name} takes no mask: its replicas' batches are of one size")
        if context.num_replicas_in_sync % self.group:
            raise ValueError(
                f"{self.name} shares statistics among groups of {self.group} replicas, and there "
                f"are {context.num_replicas_in_sync}; choose a group that divides them"
            )
        group_mean = self._group_mean(mean, context)
        spread = tf.math.squared_difference(mean, group_mean)
        return group_mean, self._group_mean(variance + spread, context)

    def _group_mean(self, value, context):
        """The mean of `value` over the group of this replica."""
        replicas = context.num_replicas_in_sync
        share = value / self.group
        if on_tpu():
            members = [list(range(i, i + self.group)) for i in range(0, replicas, self.group)]
            return tf.compat.v1.tpu.cross_replica_sum(share, members)
        groups, own = replicas // self.group, context.replica_id_in_sync_group // self.group
        row = tf.one_hot(own, groups, dtype=share.dtype)
        # [R / k, C]: this replica's share in its group's row, zeros in the others.
        table = tf.reshape(row, [groups] + [1] * share.shape.rank) * share
        return context.all_reduce(tf.distribute.ReduceOp.SUM, table)[own]


def on_tpu() -> bool:
    """Whether the strategy that runs is a TPU's."""
    kinds = (tf.distribute.TPUStrategy, tf.distribute.experimental.TPUStrategy)
    return isinstance(tf.distribute.get_strategy(), kinds)
