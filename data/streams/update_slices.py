"""What every training stream shares: its random numbers, and a host's part of an update.

Legend: N examples, B the global batch, b a micro-batch of one replica, M = B / hosts / b
micro-batches a host and update.
"""

from __future__ import annotations

import dataclasses

import tensorflow as tf

# Separate streams of the run's seed; a change here changes every run. A stateless seed is two
# words: (run's seed, stream << 48 | epoch or step), which TensorFlow scrambles before use, so near
# seeds give unrelated numbers.
SHUFFLE_STREAM, AUGMENT_STREAM, DROPOUT_STREAM, SHARD_STREAM, BLOCK_STREAM = (
    number << 48 for number in range(1, 6)
)


def stream_seed(seed: int | tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """The stateless seed int64 [2] of a place in a stream: a stream's constant + epoch or step."""
    return tf.stack([tf.convert_to_tensor(seed, tf.int64), place])


def permutation(count: int | tf.Tensor, stateless_seed: tf.Tensor) -> tf.Tensor:
    """A uniform permutation of 0, ..., count - 1, int64 [count]."""
    return tf.random.experimental.stateless_shuffle(
        tf.range(count, dtype=tf.int64), stateless_seed, alg="philox"
    )


def numbered_batches(
    count: int, batch_size: int, seed: int, first_step: int, steps: int
) -> tf.data.Dataset:
    """(step, indices int64 [B]) of the global batches first_step, ..., steps - 1.

    Global batch number s holds positions s B, ..., (s + 1) B - 1 of an endless list: one fresh
    uniform permutation of the N examples after another, the e-th drawn from (seed, e). A batch may
    straddle epochs, or hold several.
    """
    check_steps(first_step, steps)
    first_epoch, offset = divmod(first_step * batch_size, count)
    last_epoch = -(-steps * batch_size // count)

    def order_of(epoch):
        order = permutation(count, stream_seed(seed, SHUFFLE_STREAM + epoch))
        return order[tf.where(epoch == first_epoch, tf.constant(offset, tf.int64), 0) :]

    batches = (
        tf.data.Dataset.range(first_epoch, last_epoch)
        .map(order_of)
        .rebatch(batch_size, drop_remainder=True)
        .take(steps - first_step)
    )
    return tf.data.Dataset.zip((tf.data.Dataset.range(first_step, steps), batches))


def check_steps(first_step: int, steps: int) -> None:
    """Raises ValueError where an update to start at lies outside the run."""
    if not 0 <= first_step <= steps:
        raise ValueError(f"first_step is {first_step}, wanted 0 to steps = {steps}")


@dataclasses.dataclass(frozen=True)
class UpdateSlices:
    """How a global batch falls apart: host h gets the h-th of the equal slices, in micro-batches.

    With `pad` a batch that replicas x micro-batch do not divide is filled up, at its end, to the
    next multiple, with examples of weight 0.

    Raises:
      ValueError: sizes that do not divide, unless they are padded.
    """

    batch_size: int
    micro_batch: int
    context: tf.distribute.InputContext
    pad: bool = False

    def __post_init__(self):
        batch_size, micro_batch = self.batch_size, self.micro_batch
        hosts, replicas = self.context.num_input_pipelines, self.context.num_replicas_in_sync
        if batch_size < 1 or micro_batch < 1:
            raise ValueError(
                f"batch_size {batch_size} and micro_batch {micro_batch} must be positive"
            )
        if replicas % hosts:
            raise ValueError(f"{replicas} replicas cannot be shared evenly by {hosts} hosts")
        if batch_size % (replicas * micro_batch) and not self.pad:
            raise ValueError(
                f"a batch of {batch_size} is not a multiple of {replicas} replicas x "
                f"{micro_batch} examples a micro-batch; choose a batch size that {replicas} "
                "devices divide, or another micro-batch"
            )

    @property
    def size(self) -> int:
        """The batch, filled up."""
        whole = self.context.num_replicas_in_sync * self.micro_batch
        return -(-self.batch_size // whole) * whole

    @property
    def per_host(self) -> int:
        """This host's part of `size`."""
        return self.size // self.context.num_input_pipelines

    @property
    def real_per_host(self) -> int:
        """What of `per_host` is in the batch; what fills it up lies with the last hosts."""
        before = self.context.input_pipeline_id * self.per_host
        return min(max(self.batch_size - before, 0), self.per_host)

    def filled(self, value: tf.Tensor) -> tf.Tensor:
        """[B, ...] -> [size, ...]: examples of the batch once more."""
        if self.size == self.batch_size:
            return value
        return tf.gather(value, tf.range(self.size) % self.batch_size)

    def weights(self) -> tf.Tensor:
        """float32 [M, b] of this host: 1, and 0 for what fills up the batch."""
        place = tf.range(self.per_host) < self.real_per_host
        return self.micro_batches(tf.cast(place, tf.float32))

    @property
    def pieces(self) -> int:
        """M, the micro-batches of this host in one update."""
        return self.per_host // self.micro_batch

    def of_host(self, value: tf.Tensor) -> tf.Tensor:
        """[size, ...] -> this host's [M, b, ...]."""
        start = self.context.input_pipeline_id * self.per_host
        return self.micro_batches(value[start : start + self.per_host])

    def micro_batches(self, value: tf.Tensor) -> tf.Tensor:
        """[B / hosts, ...] -> [M, b, ...]."""
        return tf.reshape(value, [self.pieces, self.micro_batch, *value.shape[1:]])

    def dropout_seeds(self, seed: int, step: tf.Tensor) -> tf.Tensor:
        """int32 [M, 2], drawn from (seed, step) for each micro-batch of the global batch."""
        drawn = _dropout_words(seed, step, self.size // self.micro_batch)
        start = self.context.input_pipeline_id * self.pieces
        return drawn[start : start + self.pieces]

    def example_seeds(self, seed: int, step: tf.Tensor) -> tf.Tensor:
        """int32 [M, b, 2], drawn from (seed, step) for each example of the global batch."""
        return self.of_host(self.filled(_dropout_words(seed, step, self.batch_size)))


def _dropout_words(seed: int, step, count: int) -> tf.Tensor:
    """int32 [count, 2]."""
    return tf.random.stateless_uniform(
        [count, 2],
        stream_seed(seed, DROPOUT_STREAM + step),
        minval=None,
        maxval=None,
        dtype=tf.int32,
        alg="philox",
    )
