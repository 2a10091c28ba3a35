"""The TPUs that libtpu can compile for, and the memory of what a program sees as one core.

A chip of v2 and v3 is two cores with a half of its memory each; one of v4 and v5p has two that a
program sees as one; one of v5e and v6e has one. Memory: the pages of cloud.google.com/tpu/docs.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import NamedTuple

GIB = 2**30
# What the compiler gives to a program: of v3's 16 GiB it says 15.48.
USABLE = 15.48 / 16


class Generation(NamedTuple):
    memory: int  # bytes of a core, as sold; the compiler keeps a little of it for itself
    topology: str  # four chips: one host


GENERATIONS = {
    "v2": Generation(8 * GIB, "v2:2x2"),
    "v3": Generation(16 * GIB, "v3:2x2"),
    "v4": Generation(32 * GIB, "v4:2x2x1"),
    "v5e": Generation(16 * GIB, "v5e:2x2"),
    "v5p": Generation(95 * GIB, "v5p:2x2x1"),
    "v6e": Generation(32 * GIB, "v6e:2x2"),
}


class Topology(NamedTuple):
    name: str  # v3:2x2
    generation: str

    @property
    def memory(self) -> int:
        return GENERATIONS[self.generation].memory

    @property
    def usable(self) -> int:
        """About what a program may take; exactly is known once one does not fit."""
        return int(USABLE * self.memory)


def topology(name: str) -> Topology:
    """'v3:2x2' -> Topology; a generation alone, 'v3', is one host of it.

    Whether libtpu knows the shape is known when it compiles.

    Raises:
      ValueError: An unknown generation, or no shape; the message names the nearest.
    """
    generation, colon, shape = name.partition(":")
    generation = {"v5litepod": "v5e", "v5lite": "v5e"}.get(generation, generation)
    if generation not in GENERATIONS or (colon and not re.fullmatch(r"\d+x\d+(x\d+)?", shape)):
        known = [known.topology for known in GENERATIONS.values()]
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ValueError(
            f"--topology={name} is none{hint}: want GENERATION:SHAPE in chips, for example "
            f"{', '.join(known)}"
        )
    return Topology(f"{generation}:{shape}" if colon else GENERATIONS[generation].topology,
                    generation)  # fmt: skip


def generation_here(environ: Mapping[str, str]) -> str | None:
    """The generation of this machine's TPU, where its environment names the accelerator.

    `tpu.pod` sets $LARGEBATCH_ACCELERATOR; Cloud TPU's containers have $TPU_ACCELERATOR_TYPE.
    """
    for variable in ("LARGEBATCH_ACCELERATOR", "TPU_ACCELERATOR_TYPE"):
        generation = environ.get(variable, "").partition("-")[0]
        generation = {"v5litepod": "v5e"}.get(generation, generation)
        if generation in GENERATIONS:
            return generation
    return None
