"""How a global batch is spread over replicas and over time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


def share_of(batch_size: int, replicas: int) -> int:
    """How many examples of a batch a replica takes, at most."""
    return -(-batch_size // replicas)


def whole_passes(share: int, group: int = 1) -> list[int]:
    """The micro-batches, multiples of `group`, that a replica's share is a whole number of."""
    return [size for size in range(group, share + 1, group) if share % size == 0]


@dataclasses.dataclass(frozen=True)
class BatchPlan:
    """global batch = accumulation x replicas x micro_batch: exactly, or, padded, at most.

    Attributes:
      batch_size: Examples in one update.
      replicas: Replicas in sync, over all hosts.
      micro_batch: Examples in one forward and backward pass of one replica.
      accumulation: Forward and backward passes of each replica before one update.
    """

    batch_size: int
    replicas: int
    micro_batch: int
    accumulation: int

    @classmethod
    def make(
        cls, batch_size: int, replicas: int, micro_batch: int | None = None, pad: bool = False
    ) -> BatchPlan:
        """Splits `batch_size`; `micro_batch=None` takes a replica's share in one pass.

        With `pad` the last passes may hold examples of weight 0: a batch need not divide.

        Raises:
          ValueError: If the global batch is not a whole number of passes of every replica.
        """
        if pad:
            share = share_of(batch_size, replicas)
            micro_batch = share if micro_batch is None else max(1, min(micro_batch, share))
            return cls(batch_size, replicas, micro_batch, -(-share // micro_batch))
        if batch_size % replicas:
            below = batch_size // replicas * replicas
            above = below + replicas
            nearest = f"{below} or {above}" if below else f"{above}"
            raise ValueError(
                f"batch_size={batch_size} does not divide over {replicas} devices; use a multiple "
                f"of {replicas} (the nearest: {nearest}) or another --num_devices"
            )
        share = batch_size // replicas
        micro_batch = share if micro_batch is None else micro_batch
        if micro_batch < 1 or share % micro_batch:
            nearest = min(whole_passes(share), key=lambda size: abs(size - micro_batch))
            raise ValueError(
                f"micro_batch={micro_batch} does not divide the {share} examples that each of "
                f"{replicas} devices gets of batch_size={batch_size}; the nearest that does is "
                f"{nearest}"
            )
        return cls(batch_size, replicas, micro_batch, share // micro_batch)


def plans_of(
    batch_sizes: Sequence[int], replicas: int, pieces: int | Sequence[int | None] | None, pad: bool
) -> list[BatchPlan]:
    """How each stage's batch is spread: `make` of each, with its own micro-batch or with one."""
    if not isinstance(pieces, Sequence):
        pieces = [pieces] * len(batch_sizes)
    return [
        BatchPlan.make(batch_size, replicas, micro_batch, pad)
        for batch_size, micro_batch in zip(batch_sizes, pieces)
    ]
