"""The chips that the scaling model knows, from their makers' public figures: one line a chip.

Peaks are of bfloat16 matrix multiplication without sparsity. A bandwidth between chips is what one
chip can send, over all its links together, while it receives as much.
"""

from __future__ import annotations

from typing import NamedTuple

from largebatch.experiments.program.errors import UserError, nearest

_GIB = 2**30


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

# fmt: off
CHIPS = {
    chip.name: chip
    for chip in (
        #    name      peak     memory      bandwidth links         cores topology dims pod
        Chip("tpu-v2",  46e12,  16 * _GIB,  700e9, 4 * 496e9 / 8,   2, "torus", 2, 256, None, None, None,  # noqa: E501
             f"{_JOUPPI}: 46 teraflops, 16 GiB at 700 GB/s, 4 links of 496 Gbit/s, 256 chips in a 2-D torus"),  # noqa: E501
        Chip("tpu-v3", 123e12,  32 * _GIB,  900e9, 4 * 656e9 / 8,   2, "torus", 2, 1024, None, None, None,  # noqa: E501
             f"{_JOUPPI}: 4 links of 656 Gbit/s; {_DOCS}/v3: 123 teraflops, 32 GiB at 900 GB/s, 1024 chips, 2-D torus, all-reduce 340 TB/s a pod, 332 GB/s a chip"),  # noqa: E501
        Chip("tpu-v4", 275e12,  32 * _GIB, 1200e9, 1.1e15 / 4096,   1, "torus", 3, 4096, None, None, None,  # noqa: E501
             f"{_DOCS}/v4: 275 teraflops, 32 GiB at 1200 GB/s, 4096 chips, 3-D, all-reduce 1.1 PB/s a pod"),  # noqa: E501
        Chip("tpu-v5e", 197e12, 16 * 10**9, 819e9, 51.2e12 / 256,   1, "torus", 2, 256, None, None, None,  # noqa: E501
             f"{_DOCS}/v5e: 197 teraflops, 16 GB at 819 GB/s, 256 chips, 2-D torus, all-reduce 51.2 TB/s a pod (400 GB/s a chip, both ways)"),  # noqa: E501
        Chip("tpu-v5p", 459e12, 95 * _GIB, 2765e9, 1200e9 / 2,      1, "torus", 3, 6144, None, None, None,  # noqa: E501
             f"{_DOCS}/v5p: 459 teraflops, 95 GiB at 2765 GB/s, 1200 GB/s between chips both ways, 3-D torus, a job of at most 6144 of the 8960 chips"),  # noqa: E501
        Chip("tpu-v6e", 918e12, 32 * 10**9, 1638e9, 102.4e12 / 256, 1, "torus", 2, 256, None, None, None,  # noqa: E501
             f"{_DOCS}/v6e: 918 teraflops, 32 GB at 1638 GB/s, 256 chips, 2-D torus, all-reduce 102.4 TB/s a pod (800 GB/s a chip, both ways)"),  # noqa: E501
        Chip("a100",   312e12,  80 * 10**9, 2039e9, 600e9 / 2,      1, "halving", 1, None, 8, 25e9, 0.7e-6,  # noqa: E501
             f"NVIDIA's A100 80 GB SXM data sheet: 312 teraflops dense, 2039 GB/s, NVLink 600 GB/s both ways; DGX A100: 8 GPUs, 200 Gbit/s InfiniBand each; {_SLIDES}"),  # noqa: E501
        Chip("h100",   989e12,  80 * 10**9, 3350e9, 900e9 / 2,      1, "halving", 1, None, 8, 50e9, 0.7e-6,  # noqa: E501
             f"NVIDIA's H100 SXM data sheet: 989 teraflops dense, 80 GB at 3350 GB/s, NVLink 900 GB/s both ways; DGX H100: 8 GPUs, 400 Gbit/s InfiniBand each; {_SLIDES}"),  # noqa: E501
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
