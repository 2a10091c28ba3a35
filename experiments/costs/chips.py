"""The chips that the scaling model knows, from their makers' public figures: one line a chip; the
memory of a TPU is that of `topologies`.

Peaks are of bfloat16 matrix multiplication without sparsity. A bandwidth between chips is what one
chip can send, over all its links together, while it receives as much.
"""

from __future__ import annotations

from typing import NamedTuple

from largebatch.experiments.program.errors import UserError, nearest
from largebatch.tpu.lowering.topologies import GENERATIONS


class Chip(NamedTuple):
    """One accelerator and how it is wired to others."""

    name: str
    peak: float  # flops a second
    memory: int  # bytes
    memory_bandwidth: float  # bytes a second
    link_bandwidth: float  # bytes a second to other chips: of the pod, or of the node
    cores: int  # devices that a program sees: each holds a copy of the weights
    topology: str  # of its all-reduce
    dimensions: int  # of the torus; 1 behind a switch
    pod: int | None  # most chips that the links reach; None: no bound
    node: int | None  # chips on the fast links, where a network joins nodes
    network_bandwidth: float | None  # bytes a second of one chip, between nodes
    latency: float | None  # seconds a message; None: as fitted on TPU v3
    source: str


_JOUPPI = "Jouppi et al. 2020, 'A Domain-Specific Supercomputer for Training DNNs' (CACM 63, 7)"
_DOCS = "cloud.google.com/tpu/docs"
_SLIDES = "latency of InfiniBand FDR from the lecture, 'Communication is slower'"
_SOURCES = {
    "tpu-v2": f"{_JOUPPI}: 46 teraflops, 700 GB/s, 4 links of 496 Gbit/s, 256 chips in a 2-D torus",
    "tpu-v3": f"{_JOUPPI}: 4 links of 656 Gbit/s; {_DOCS}/v3: 123 teraflops, 900 GB/s, 1024 chips, "
    "2-D torus, all-reduce 340 TB/s a pod, 332 GB/s a chip",
    "tpu-v4": f"{_DOCS}/v4: 275 teraflops, 1200 GB/s, 4096 chips, 3-D, all-reduce 1.1 PB/s a pod",
    "tpu-v5e": f"{_DOCS}/v5e: 197 teraflops, 819 GB/s, 256 chips, 2-D torus, all-reduce 51.2 TB/s "
    "a pod (400 GB/s a chip, both ways)",
    "tpu-v5p": f"{_DOCS}/v5p: 459 teraflops, 2765 GB/s, 1200 GB/s between chips both ways, "
    "3-D torus, a job of at most 6144 of the 8960 chips",
    "tpu-v6e": f"{_DOCS}/v6e: 918 teraflops, 1638 GB/s, 256 chips, 2-D torus, all-reduce "
    "102.4 TB/s a pod (800 GB/s a chip, both ways)",
    "a100": "NVIDIA's A100 80 GB SXM data sheet: 312 teraflops dense, 2039 GB/s, NVLink 600 GB/s "
    f"both ways; DGX A100: 8 GPUs, 200 Gbit/s InfiniBand each; {_SLIDES}",
    "h100": "NVIDIA's H100 SXM data sheet: 989 teraflops dense, 80 GB at 3350 GB/s, NVLink "
    f"900 GB/s both ways; DGX H100: 8 GPUs, 400 Gbit/s InfiniBand each; {_SLIDES}",
}


def _tpu(generation, peak, bandwidth, links, cores, dimensions, pod) -> Chip:
    name, memory = f"tpu-{generation}", cores * GENERATIONS[generation].memory
    wired = (links, cores, "torus", dimensions, pod, None, None, None)
    return Chip(name, peak, memory, bandwidth, *wired, _SOURCES[name])


def _gpu(name, peak, memory, bandwidth, links, network) -> Chip:
    wired = (links, 1, "halving", 1, None, 8, network, 0.7e-6)
    return Chip(name, peak, memory, bandwidth, *wired, _SOURCES[name])


# fmt: off
CHIPS = {
    chip.name: chip
    for chip in (
        #    kind    peak    bandwidth links       cores dims pod
        _tpu("v2",   46e12,  700e9, 4 * 496e9 / 8,   2, 2, 256),
        _tpu("v3",  123e12,  900e9, 4 * 656e9 / 8,   2, 2, 1024),
        _tpu("v4",  275e12, 1200e9, 1.1e15 / 4096,   1, 3, 4096),
        _tpu("v5e", 197e12,  819e9, 51.2e12 / 256,   1, 2, 256),
        _tpu("v5p", 459e12, 2765e9, 1200e9 / 2,      1, 3, 6144),
        _tpu("v6e", 918e12, 1638e9, 102.4e12 / 256,  1, 2, 256),
        #                     memory               links      network
        _gpu("a100", 312e12, 80 * 10**9, 2039e9, 600e9 / 2, 25e9),
        _gpu("h100", 989e12, 80 * 10**9, 3350e9, 900e9 / 2, 50e9),
    )
}
# fmt: on


def find(name: str) -> Chip:
    """The chip of that name; an unknown one suggests the nearest."""
    if name not in CHIPS:
        raise UserError(
            f"unknown kind of chip {name!r}{nearest(name.lower(), CHIPS)}; "
            f"there are: {', '.join(CHIPS)}"
        )
    return CHIPS[name]
