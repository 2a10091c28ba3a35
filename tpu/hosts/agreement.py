"""What the hosts of a run must agree on: when to stop, and where to resume."""

from __future__ import annotations

import signal

import tensorflow as tf

from largebatch.tpu.hosts.cluster import PeerLost

# What a collective operation ends in when a host is gone or stands still.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.DeadlineExceededError,
    tf.errors.CancelledError,
    tf.errors.InternalError,
)
_SIGNALS = (0, signal.SIGINT, signal.SIGTERM)


class Hosts:
    """The processes that drive one run together; one process alone agrees with itself.

    A TPU's hosts are driven by one process, and count as one.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self._strategy = strategy
        self.count, self.index = 1, 0
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            resolver = strategy.cluster_resolver
            self.count = resolver.cluster_spec().num_tasks("worker")
            self.index = resolver.task_id
        self._gathered = tf.function(self._gather, autograph=False)

    def input_context(self) -> tf.distribute.InputContext:
        return tf.distribute.InputContext(
            self.count, self.index, self._strategy.num_replicas_in_sync
        )

    def gather(self, value: int) -> list[int]:
        """Every host's value, in the order of the hosts; a collective: all must call it."""
        if self.count == 1:
            return [value]
        replicas = self._gathered(tf.constant(value, tf.float64)).numpy()
        return [int(v) for v in replicas[:: len(replicas) // self.count]]

    def first_signal(self, signum: int | None) -> int | None:
        """The signal that any host was sent, SIGTERM before SIGINT, on all hosts the same."""
        if self.count == 1:
            return signum
        strongest = max(self.gather(_SIGNALS.index(signum) if signum else 0))
        return int(_SIGNALS[strongest]) or None

    def check_same(self, what: str, value: int) -> None:
        """Raises ValueError where the hosts hold different values."""
        values = self.gather(value)
        if len(set(values)) > 1:
            raise ValueError(
                f"the hosts differ in {what}: {', '.join(map(str, values))}; --output_dir must be "
                "one folder that all of them reach by the same path"
            )

    def lost(self, error: BaseException) -> PeerLost | None:
        """What an error of a collective operation means; None where it has another cause."""
        if self.count == 1 or not isinstance(error, _LOST):
            return None
        # The message begins with the graph's whole trace; its class says as much.
        return PeerLost(
            f"host {self.index} of {self.count} lost another one ({type(error).__name__}); once "
            "all are back, the same command on each goes on from the last checkpoint"
        )

    def _gather(self, value: tf.Tensor) -> tf.Tensor:
        """float64 [replicas]."""

        def mine():
            context = tf.distribute.get_replica_context()
            place = tf.one_hot(
                context.replica_id_in_sync_group, context.num_replicas_in_sync, dtype=value.dtype
            )
            return context.all_reduce(tf.distribute.ReduceOp.SUM, place * value)

        return self._strategy.experimental_local_results(self._strategy.run(mine))[0]
