"""The order in which a host reads files of examples: files first, then a shuffle in blocks.

Legend: H hosts, N training examples of all shards.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from largebatch.data.streams.updates import BLOCK_STREAM, SHARD_STREAM, permutation, stream_seed


class Shard(Protocol):
    """A file of examples, and how many there are in it."""

    path: str
    examples: int


@dataclasses.dataclass(frozen=True)
class Run:
    """Records first, ..., first + count - 1 of a shard: what is read at once."""

    shard: int
    first: int
    count: int


def cut(counts: Sequence[int], hosts: int, most: int) -> list:
    """Every shard's records as runs of at most `most`; at least one run a host.

    A run is a whole shard where shards are many and small, as they should be. Fewer shards than
    hosts are cut, all into equally many runs: hosts then share shards, but no record.

    Raises:
      ValueError: fewer records than hosts.
    """
    if sum(counts) < hosts:
        raise ValueError(f"{sum(counts)} training examples cannot be shared by {hosts} hosts")
    parts, runs = -(-hosts // len(counts)) - 1, []
    while len(runs) < hosts:
        parts += 1
        runs = []
        for shard, count in enumerate(counts):
            pieces = min(max(parts, -(-count // most)), count)
            edges = [count * piece // pieces for piece in range(pieces + 1)]
            runs += [Run(shard, start, end - start) for start, end in zip(edges, edges[1:])]
    return runs


class ShardOrder:
    """An endless list of examples for each host, a pure function of (seed, host).

    Epoch e is a permutation of all runs, drawn from (seed, e); host h takes each H-th of them from
    the h-th on. Successive runs of a host make a block, of at most twice `block` examples; a
    block's examples are permuted, drawn from (seed, e, number of the block in the epoch).

    Args:
      block: About the number of examples of a block; a host holds about three blocks.
    """

    def __init__(self, shards: Sequence[Shard], seed: int, hosts: int, host: int, block: int):
        self._seed, self._hosts, self._host = seed, hosts, host
        self._block = block
        counts = [shard.examples for shard in shards]
        runs = cut(counts, hosts, block)
        with tf.device("CPU:0"):
            self._paths = tf.constant([shard.path for shard in shards])
            self._totals = tf.constant(counts, tf.int64)
            self._table = tf.constant([dataclasses.astuple(run) for run in runs], tf.int64)
        self._examples = sum(counts)

    def position(self, consumed: int) -> tuple:
        """(epoch, examples of it that are gone) after `consumed` examples of this host's list."""
        if self._hosts == 1:
            return divmod(consumed, self._examples)
        length = tf.function(lambda epoch: tf.reduce_sum(self._runs(epoch)[:, 2]), autograph=False)
        epoch = 0
        while True:
            with tf.device("CPU:0"):  # where pipelines run: equal keys may be sorted otherwise
                here = int(length(tf.constant(epoch, tf.int64)))
            if consumed < here:
                return epoch, consumed
            consumed -= here
            epoch += 1

    def blocks(self, consumed: int) -> tf.data.Dataset:
        """The host's blocks without end, from the one in which example `consumed` lies.

        An element: `run_path` string [r], `run_first`, `run_count`, `run_total` int64 [r] of the
        runs in the block; `count`, its examples; `order` int64 [at most count]: which of them, in
        which order, come (all, but for those of the first block that are gone).
        """
        first_epoch, gone = self.position(consumed)
        return tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max).flat_map(
            functools.partial(self._blocks_of, first_epoch=first_epoch, gone=gone)
        )

    def _runs(self, epoch) -> tf.Tensor:
        """This host's runs in an epoch, rows of (shard, first, count)."""
        order = permutation(len(self._table), stream_seed(self._seed, SHARD_STREAM + epoch))
        return tf.gather(self._table, order[self._host :: self._hosts])

    def _blocks_of(self, epoch, first_epoch: int, gone: int) -> tf.data.Dataset:
        runs = self._runs(epoch)
        starts = tf.cumsum(runs[:, 2], exclusive=True)  # each run's position in the host's epoch
        block_of = starts // self._block  # no run is longer than a block, so no number is left out
        skipped = tf.where(epoch == first_epoch, tf.constant(gone, tf.int64), 0)
        first_block = block_of[tf.searchsorted(starts, skipped[tf.newaxis], side="right")[0] - 1]

        def block(number):
            chosen = tf.equal(block_of, number)
            mine = runs[chosen]
            count = tf.reduce_sum(mine[:, 2])
            # 24 bits for the block's number, 24 for the epoch's.
            place = BLOCK_STREAM + epoch * (1 << 24) + number
            order = permutation(count, stream_seed(self._seed, place))
            return {
                "run_path": tf.gather(self._paths, mine[:, 0]),
                "run_first": mine[:, 1],
                "run_count": mine[:, 2],
                "run_total": tf.gather(self._totals, mine[:, 0]),
                "count": count,
                "order": order[tf.maximum(skipped - starts[chosen][0], 0) :],
            }

        return tf.data.Dataset.range(first_block, block_of[-1] + 1).map(block)
