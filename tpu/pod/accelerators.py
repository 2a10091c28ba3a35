"""Cloud TPU's accelerator types: which there are, and the image that each stack needs.

A size counts cores up to v5p, except for v5e and v6e, where it counts chips; those names are
Cloud TPU's own. Sizes: https://cloud.google.com/tpu/docs/regions-zones and the page of each
generation; software: https://cloud.google.com/tpu/docs/runtimes (read in 2026).
"""

from __future__ import annotations

import difflib
from typing import NamedTuple

TENSORFLOW = "2.15.1"
LIBTPU = "1.9.0"  # the libtpu.so of TensorFlow 2.15.0 and 2.15.1 in Cloud TPU's table

STACKS = CLASSIC, MODERN = ("classic", "modern")  # see docs/install.md

_CUBES = (8, 16, 32, 64)  # below one cube of 4 x 4 x 4 chips; above it, whole cubes
_CHIPS = (1, 4, 8, 16, 32, 64, 128, 256)


class _Generation(NamedTuple):
    sizes: tuple[int, ...]
    one_host: int  # the largest size that one machine holds
    # Cloud TPU builds its image for 2.15 twice: with the stream executor (se), which v2 to v4 have
    # always used, and with PJRT, the only one that later chips have.
    device_api: str
    base_image: str  # Ubuntu 22.04 without a framework, for the modern stack


_GENERATIONS = {
    "v2": _Generation((8, 32, 128, 256, 512), 8, "se", "tpu-ubuntu2204-base"),
    "v3": _Generation((8, 32, 64, 128, 256, 512, 1024, 2048), 8, "se", "tpu-ubuntu2204-base"),
    "v4": _Generation((*_CUBES, *range(128, 4096 + 1, 128)), 8, "se", "tpu-ubuntu2204-base"),
    "v5litepod": _Generation(_CHIPS, 8, "pjrt", "v2-alpha-tpuv5-lite"),
    "v5p": _Generation((*_CUBES, *range(128, 12288 + 1, 128)), 8, "pjrt", "v2-alpha-tpuv5"),
    "v6e": _Generation(_CHIPS, 8, "pjrt", "v2-alpha-tpuv6e"),
}


class Accelerator(NamedTuple):
    """A type that exists, for example v3-2048: 2,048 cores on 256 hosts."""

    generation: str
    size: int

    @property
    def name(self) -> str:
        return f"{self.generation}-{self.size}"

    @property
    def is_pod(self) -> bool:
        """Whether it has more than one host."""
        return self.size > _GENERATIONS[self.generation].one_host

    @property
    def device_api(self) -> str:
        return _GENERATIONS[self.generation].device_api

    def runtime_version(self, stack: str = CLASSIC) -> str:
        """The image of its hosts.

        The classic stack's has TensorFlow's workers running on each host of a pod. The modern
        stack's has none: no image of TensorFlow 2.20 is in Cloud TPU's table, which ends with 2.18.
        """
        if stack == MODERN:
            return _GENERATIONS[self.generation].base_image
        return f"tpu-vm-tf-{TENSORFLOW}{'-pod' if self.is_pod else ''}-{self.device_api}"


def accelerator(name: str) -> Accelerator:
    """The accelerator of a name; `v5e-16` is taken for Cloud TPU's `v5litepod-16`.

    Raises:
      ValueError: If there is none; the message names the nearest.
    """
    generation, _, size = name.partition("-")
    generation = {"v5e": "v5litepod"}.get(generation, generation)
    if generation not in _GENERATIONS or not size.isdecimal():
        near = difflib.get_close_matches(name.lower(), _names(), n=1, cutoff=0.5)
        nearest = near[0] if near else "v3-8"
        raise ValueError(
            f"--accelerator={name} is no TPU, the nearest is {nearest}; a name is GENERATION-SIZE "
            f"with one of {', '.join(_GENERATIONS)}"
        )
    sizes = _GENERATIONS[generation].sizes
    if int(size) not in sizes:
        nearest = min(sizes, key=lambda known: abs(known - int(size)))
        shown = sizes if len(sizes) < 12 else (*_CUBES, f"multiples of 128 up to {sizes[-1]}")
        raise ValueError(
            f"--accelerator={name} is no size of {generation}, the nearest is "
            f"{generation}-{nearest}; there are {', '.join(map(str, shown))}"
        )
    return Accelerator(generation, int(size))


def _names() -> list[str]:
    return [f"{name}-{size}" for name, (sizes, *_) in _GENERATIONS.items() for size in sizes]
