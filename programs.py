"""The names that programs are started by.

`python -m largebatch.experiments.sharpness` runs `experiments/analyses/sharpness.py`: programs
whose modules lie in a sub-room keep a short name, and the table below holds them all. `run`,
`sweep`, `report`, `claims`, `compile`, `export_program` and the programs of `data` and `tpu` lie
where their names say.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

RUN = "largebatch.experiments.run"  # one run, as `sweep` and `tpu.pod` start it

_ROOMS = {
    "analyses": (
        *("decay_and_l2", "distance", "floors", "layer_density", "layer_ratios"),
        *("lipschitz", "sharpness", "theorem_rates"),
    ),
    "compile": ("lowered_step", "step_lint"),
    "costs": ("scaling_model",),
    "documents": ("assumptions", "compile_table", "doc_tables", "errata", "paper_map"),
    "tools": ("export", "rate_trace"),
}
# The short name -> the module that it runs.
PROGRAMS = {
    f"largebatch.experiments.{program}": f"largebatch.experiments.{room}.{program}"
    for room, programs in _ROOMS.items()
    for program in programs
}
PROGRAMS["largebatch.experiments.figures"] = "largebatch.experiments.reporting.figures.bert_loss"
PROGRAMS["largebatch.data.docstrings"] = "largebatch.data.text.docstrings"
# Rows are known to `experiments` alone, so these two moved there from `tpu`.
PROGRAMS["largebatch.tpu.compile"] = "largebatch.experiments.compile.__main__"
PROGRAMS["largebatch.tpu.compile_table"] = "largebatch.experiments.documents.compile_table"


class _Finder:
    """Finds a program by its short name, once nothing else has that name."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in PROGRAMS:
            return None
        parts = PROGRAMS[name].split(".")[1:]
        file = Path(__file__).parent.joinpath(*parts).with_suffix(".py")
        return importlib.util.spec_from_file_location(name, file)


def settle() -> None:
    """Lets `python -m` find the programs."""
    if _Finder not in sys.meta_path:
        sys.meta_path.append(_Finder)
