"""Batch norm whose statistics are of a stated group: of replicas (the slides), or of images."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


@tf.keras.utils.register_keras_serializable("largebatch")
class GroupedBatchNormalization(tf.keras.layers.BatchNormalization):
    """Batch norm over the joined batch of `group` replicas, or over `batch` images of a replica.

    Groups of replicas. Replicas 0, ..., k - 1 are one group, k, ..., 2k - 1 the next; groups do not
    talk. In training, as the slides have it ("each node computes local mean and variance, each
    group computes distributed mean and variance"), with m_r and v_r of replica r, and sums over the
    group's:

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

    Groups of images (Hoffer et al. 2017's ghost batch norm). A micro-batch of b images [b, ...] is
    taken as [b / g, g, ...], and each g = `batch` images are normalised by their own mean and
    variance; the moving averages move by the mean over the groups of both, the variance with
    Bessel's correction where Keras' own layer has it. So b images compute what b / g replicas of g
    images do. The layer runs once for each micro-batch; that its moving averages move once in an
    update, by the mean over all groups of the update, is up to the training loop.

    Args:
      group: k; 1 is Keras' batch norm, each replica alone.
      batch: g; None: all images of a micro-batch are one group.

    Raises:
      ValueError: a group or a batch below 1, both of them; in training, a number of replicas that k
        does not divide, a micro-batch that g does not divide, or a mask.
    """

    def __init__(self, group: int = 1, batch: int | None = None, **settings: Any):
        if group != int(group) or group < 1:
            raise ValueError(f"group is {group}, wanted a whole number of replicas, at least 1")
        if batch is not None and (batch != int(batch) or batch < 1):
            raise ValueError(f"batch is {batch}, wanted a whole number of images, at least 1")
        if batch is not None and group > 1:
            raise ValueError(
                f"statistics are of groups of {group} replicas or of {batch} images, not both"
            )
        if group > 1:
            settings["fused"] = False  # the fused kernels keep their statistics to themselves
        super().__init__(**settings)
        self.group = int(group)
        self.batch = None if batch is None else int(batch)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "group": self.group, "batch": self.batch}

    def call(
        self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        images = inputs.shape[0]
        # No number of images: Keras draws the model's graph. One group: its own kernels.
        if self.batch is None or images in (None, self.batch) or not training:
            return super().call(inputs, training=training, mask=mask)
        if images % self.batch:
            raise ValueError(
                f"{self.name} shares statistics among {self.batch} images, which do not divide a "
                f"micro-batch of {images}; choose a micro-batch that is a multiple of {self.batch}"
            )
        if mask is not None:
            raise ValueError(f"{self.name} takes no mask: its groups are of one size")
        inputs = tf.cast(inputs, self.compute_dtype)
        # On a TPU one reduction for all groups; elsewhere the kernels are faster, one call a group:
        # 3 times on a CPU.
        by_group = self._by_kernels if self.fused and not on_tpu() else self._by_reduction
        outputs, mean, variance = by_group(inputs)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            self.add_update(
                lambda average=average, value=value: self._assign_moving_average(
                    average, value, self.momentum, None
                )
            )
        return outputs

    def _scale_and_offset(self):
        channels = self.moving_mean.shape
        scale = self.gamma if self.scale else tf.ones(channels, self.moving_mean.dtype)
        return scale, self.beta if self.center else tf.zeros(channels, self.moving_mean.dtype)

    def _by_kernels(self, inputs):
        """(outputs, mean and variance [C] over the groups), by TensorFlow's fused kernels."""
        scale, offset = self._scale_and_offset()
        outputs, means, variances = zip(
            *(
                tf.compat.v1.nn.fused_batch_norm(
                    images, scale, offset, epsilon=self.epsilon, is_training=True
                )
                for images in tf.split(inputs, inputs.shape[0] // self.batch)
            )
        )
        groups = len(outputs)
        return tf.concat(outputs, 0), tf.add_n(means) / groups, tf.add_n(variances) / groups

    def _by_reduction(self, inputs):
        """The same, of all groups at once."""
        scale, offset = self._scale_and_offset()
        # [b / g, g, ..., C]: the first axis alone is cut, which moves nothing in memory.
        grouped = tf.reshape(inputs, [-1, self.batch, *inputs.shape[1:]])
        exact = tf.cast(grouped, scale.dtype)  # float32 of bfloat16
        axes = list(range(1, exact.shape.rank - 1))
        mean, variance = tf.nn.moments(exact, axes, keepdims=True)
        outputs = tf.nn.batch_normalization(exact, mean, variance, offset, scale, self.epsilon)
        outputs = tf.reshape(tf.cast(outputs, inputs.dtype), inputs.shape)
        if self.fused:  # Bessel's correction, as in the kernels
            size = exact.shape[1:-1].num_elements()
            variance *= size / max(size - 1, 1)
        all_groups = list(range(exact.shape.rank - 1))
        return outputs, tf.reduce_mean(mean, all_groups), tf.reduce_mean(variance, all_groups)

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
