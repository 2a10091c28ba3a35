"""The cost of an all-reduce in the alpha-beta model, on four ways of wiring P chips.

A message of n bytes takes alpha + beta n seconds: alpha its latency, 1 / beta the bandwidth. Every
algorithm here moves 2 (P - 1) / P n bytes through each chip, a reduce-scatter and an all-gather, so
they differ in how many messages follow each other, their span:

  ring     2 (P - 1)                around a Hamiltonian circuit of all chips: O(P)
  halving  2 log2 P                 recursive halving, then doubling, behind a switch
  torus    2 sum (X_i - 1)          a ring in each dimension X_i in turn; with P = N^2 chips it is
                                    O(N) = O(sqrt P) against the ring's O(N^2) = O(P)
  mesh     the torus, but a dimension that is shorter than the pod's side has no link that closes
           its ring: the ring is folded and each of its messages goes over two links

On a torus each dimension starts with its own part of the tensor, so that all links work at once
(Ying et al. 2018, the lecture's '2D ring'); a single ring uses the links of one dimension.
"""

from __future__ import annotations

import math

TOPOLOGIES = ("ring", "halving", "torus", "mesh")


def grid(chips: int, dimensions: int) -> tuple[int, ...]:
    """The most cubic shape of `dimensions` sides for so many chips: 512 in 2-D is (16, 32)."""
    if dimensions == 1:
        return (chips,)
    sides = (d for d in range(1, math.isqrt(chips) + 1) if chips % d == 0)
    shapes = (tuple(sorted((side, *grid(chips // side, dimensions - 1)))) for side in sides)
    return min(shapes, key=sum)


def span(topology: str, chips: int, dimensions: int = 2, pod: int | None = None) -> float:
    """Consecutive messages of one all-reduce; of a mesh, in links that they pass.

    Args:
      dimensions: Of a torus or mesh.
      pod: The chips of the whole machine, on whose sides a mesh closes; None: it never does.
    """
    if topology == "ring":
        return 2 * (chips - 1)
    if topology == "halving":
        return 2 * math.ceil(math.log2(chips))
    shape = grid(chips, dimensions)
    if topology == "torus":
        return 2 * sum(side - 1 for side in shape)
    if topology == "mesh":
        whole = max(grid(pod, dimensions)) if pod else math.inf
        return 2 * sum((side - 1) * (1 if side in (2, whole) else 2) for side in shape)
    raise ValueError(f"unknown topology {topology!r}; there are: {', '.join(TOPOLOGIES)}")


def transfer_seconds(
    topology: str, chips: int, size: float, bandwidth: float, dimensions: int = 2
) -> float:
    """2 (P - 1) / P x bytes / bandwidth; a ring has one dimension's share of the links."""
    share = bandwidth / dimensions if topology == "ring" else bandwidth
    return 2 * (chips - 1) / chips * size / share


def all_reduce_seconds(
    topology: str,
    chips: int,
    size: float,
    latency: float,
    bandwidth: float,
    dimensions: int = 2,
    messages: int = 1,
) -> float:
    """alpha x span x messages + the transfer, for `size` bytes in so many separate tensors."""
    waits = span(topology, chips, dimensions) * messages * latency
    return waits + transfer_seconds(topology, chips, size, bandwidth, dimensions)


def tree_seconds(nodes: int, size: float, latency: float, bandwidth: float) -> float:
    """log2(nodes) (alpha + beta |w|): the lecture's cost of one iteration's communication."""
    return math.log2(nodes) * (latency + size / bandwidth)
