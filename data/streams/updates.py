"""What every training stream shares: its random numbers, which updates, a host's part of each.

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


@dataclasses.dataclass(frozen=True)
class Updates:
    """The updates first_step, ..., steps - 1 of a run: what a training stream is asked for.

    A stream gives this host's micro-batches of them, host h the h-th of the equal slices of each
    global batch. What a batch holds is a function of (seed, its number).

    Attributes:
      batch_size: B; a multiple of hosts, and of replicas x micro_batch.
      micro_batch: b.
      context: How many hosts and replicas there are, and which host this is.
      seed: Of all that is random.
      first_step: What comes before is skipped by arithmetic: nothing of it is read.
      steps: The update at which the run ends (not the number of updates from first_step on).
      pad: Fills up a batch that replicas x micro_batch do not divide, with examples of weight 0;
        otherwise it is refused.

    Raises:
      ValueError: sizes that do not divide, a first_step outside [0, steps].
    """

    batch_size: int
    micro_batch: int
    context: tf.distribute.InputContext
    seed: int
    first_step: int
    steps: int
    pad: bool = False

    def __post_init__(self):
        self.slices()
        if not 0 <= self.first_step <= self.steps:
            raise ValueError(f"first_step is {self.first_step}, wanted 0 to steps = {self.steps}")

    def slices(self, may_pad: bool = True) -> UpdateSlices:
        """How each of the batches falls apart; ValueError where `pad` is set and may not be."""
        pad = self.pad and may_pad
        return UpdateSlices(self.batch_size, self.micro_batch, self.context, pad)

    @property
    def left(self) -> int:
        """How many updates there are from first_step on."""
        return self.steps - self.first_step

    @property
    def numbers(self) -> tf.data.Dataset:
        """first_step, ..., steps - 1."""
        return tf.data.Dataset.range(self.first_step, self.steps)

    def numbered_batches(self, count: int) -> tf.data.Dataset:
        """(step, indices int64 [B]) of the global batches, out of `count` = N examples.

        Global batch number s holds positions s B, ..., (s + 1) B - 1 of an endless list: one fresh
        uniform permutation of the N examples after another, the e-th drawn from (seed, e). A batch
        may straddle epochs, or hold several.
        """
        first_epoch, offset = divmod(self.first_step * self.batch_size, count)
        last_epoch = -(-self.steps * self.batch_size // count)

        def order_of(epoch):
            order = permutation(count, stream_seed(self.seed, SHUFFLE_STREAM + epoch))
            return order[tf.where(epoch == first_epoch, tf.constant(offset, tf.int64), 0) :]

        batches = (
            tf.data.Dataset.range(first_epoch, last_epoch)
            .map(order_of)
            .rebatch(self.batch_size, drop_remainder=True)
            .take(self.left)
        )
        return tf.data.Dataset.zip((self.numbers, batches))

    def with_dropout_seeds(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """A stream of these updates, its elements dictionaries, with seeds of dropout.

        To each element comes {"dropout_seed": int32 [b, 2]}: a seed for each example, drawn from
        (seed, step) and its place in the global batch. So neither hosts, replicas nor micro-batches
        change it, nor the step at which a run resumes.
        """
        slices = self.slices()
        seeds = self.numbers.map(lambda step: slices.example_seeds(self.seed, step))
        return tf.data.Dataset.zip((dataset, seeds.unbatch())).map(
            lambda batch, dropout_seed: {**batch, "dropout_seed": dropout_seed}
        )


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
