"""The blocks of docs/tpu_compile.md, from the reports of `largebatch.experiments.compile`.

    python -m largebatch.experiments.compile_table --reports=FOLDER  # prints the table

`make tpu-compile-table` compiles what is missing in results/tpu_compile, and doc_tables puts the
blocks in. The lint's is made from the rows.
"""

from __future__ import annotations

import json
import pathlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from largebatch import cli
from largebatch.checkout import root
from largebatch.experiments.compile import step_lint
from largebatch.experiments.program.text_table import Sheet, piped
from largebatch.experiments.tables import registry
from largebatch.tpu.lowering.topologies import GIB

REPORTS = root() / "results" / "tpu_compile"
POD = 2048  # cores of the paper's TPU v3 pod
PAPERS = "v3:2x2"  # a topology of the paper's TPU

FLAGS = cli.new_flags()
cli.Define(FLAGS).path("reports", str(REPORTS), "The folder of the reports.")


def read(folder: pathlib.Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def bounds(found: dict[str, Any]) -> tuple[int | None, int | None]:
    """(the largest batch of a core that was compiled and fits, the smallest that does not)."""
    fits = [one["batch_per_core"] for one in found["compilations"] if one["fits"]]
    not_ = [one["batch_per_core"] for one in found["compilations"] if not one["fits"]]
    return max(fits, default=None), min(not_, default=None)


def table(reports: Iterable[dict[str, Any]]) -> str:
    """A line for each step and topology, in Markdown."""
    lines = []
    for report in reports:
        least = least_work(report)
        lines += [_line(_step(report), found, least) for found in report["topologies"]]
    head = ["step", "TPU", "memory of a core, usable", "largest batch of a core", "its memory",
            "does not fit", "work of the largest", "of it recomputed"]  # fmt: skip
    return piped(Sheet(head, lines))


def least_work(report: dict[str, Any]) -> float | None:
    """Flops of an example where they are fewest: the compiler computes things twice when it has no
    room to keep them, and where there is plenty it does not."""
    work = [
        one["flops"] / one["batch_per_core"]
        for found in report["topologies"]
        for one in found["compilations"]
        if one["fits"]
    ]
    return min(work, default=None)


def _step(report: dict[str, Any]) -> str:
    length, side = report["sequence_length"], report["image_size"]
    of = f"sequences of {length}" if length else f"images of {side}"
    name = {"bert_large": "BERT-Large", "resnet50": "ResNet-50"}.get(
        report["model"], report["model"]
    )
    of = f"{name}, {of}, {report['precision']}, {report['optimizer'].upper()}"
    return of if report["program"] == "update" else f"{of}, one of several passes"


def _line(step: str, found: dict[str, Any], least: float | None) -> list[str]:
    fits, too_large = bounds(found)
    size = {one["batch_per_core"]: one for one in found["compilations"]}
    usable = f"{found['usable_bytes'] / GIB:.2f} GiB"
    largest, beyond, work = ["none", ""], "not reached", ["", ""]
    if fits is not None:
        share = f" ({fits * POD:,} on {POD:,} cores)" if found["topology"] == PAPERS else ""
        largest = [f"{fits}{share}", f"{size[fits]['total_bytes'] / GIB:.2f} GiB"]
        flops, moved = size[fits]["flops"], size[fits]["bytes_accessed"]
        work = [f"{flops / 1e12:.1f} Tflop, {moved / 1e9:.0f} GB"]
        work.append(f"{1 - least * fits / flops:.0%}")
    if too_large is not None:
        needed = size[too_large]["total_bytes"]
        beyond = f"{too_large}" + (f": {needed / GIB:.2f} GiB" if needed else "")
    return [step, found["topology"].partition(":")[0], usable, *largest, beyond, *work]


def on_the_papers_tpu(reports: Iterable[dict[str, Any]]) -> str:
    """Each compilation for a TPU v3, from the smallest batch to the one that does not fit."""
    lines = []
    for report in reports:
        least = least_work(report)
        [found] = [one for one in report["topologies"] if one["topology"] == PAPERS]
        for one in sorted(found["compilations"], key=lambda one: one["batch_per_core"]):
            batch, fits = one["batch_per_core"], one["fits"]
            temporaries = one["memory"]["temporaries"] if fits else one["temporaries_bytes"]
            again = f"{1 - least * batch / one['flops']:.0%}" if fits else "does not fit"
            lines.append(
                [_step(report).partition(", bfloat16")[0], f"{batch:,}", f"{batch * POD:,}",
                 f"{temporaries / GIB:.1f}", f"{one['total_bytes'] / GIB:.1f}", again]
            )  # fmt: skip
    head = ["step on TPU v3", "batch of a core", f"on {POD:,} cores", "temporaries, GiB",
            "all, GiB", "recomputed"]  # fmt: skip
    return piped(Sheet(head, lines))


def linted() -> str:
    """What `step_lint --all` covers: the rows, and the steps that stand for them."""
    rows = registry.all_rows().values()
    kinds = step_lint.kinds([row for row in rows if not row.same_run_as], step_lint.step_key)
    models = Counter(kind.row.model for kind in kinds)
    of = ", ".join(f"{number} of {model}" for model, number in models.most_common())
    return f"The {len(rows)} rows share {len(kinds)} steps: {of}."


def main() -> int:
    reports = read(pathlib.Path(FLAGS.reports))
    if not reports:
        raise ValueError(
            f"{FLAGS.reports} holds no report; python -m largebatch.experiments.compile "
            "--output=FILE writes one"
        )
    print(table(reports))
    return 0


BLOCKS: dict[str, Callable[[pathlib.Path], str]] = {
    "tpu-compile": lambda results: table(read(results / "tpu_compile")),
    "tpu-v3-batches": lambda results: on_the_papers_tpu(read(results / "tpu_compile")),
    "step-lint": lambda results: linted(),
}

program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
