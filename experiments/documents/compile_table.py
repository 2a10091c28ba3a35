"""Renders docs/tpu_compile.md from the committed reports of `largebatch.experiments.compile`.

    make tpu-compile-table                          # compiles what is missing, then renders
    python -m largebatch.experiments.compile_table          # renders alone
    python -m largebatch.experiments.compile_table --reports=FOLDER  # prints the table of others

In a checkout the reports are results/tpu_compile and the page is docs/tpu_compile.md; where the
suite was installed without one, the same below the current folder.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterable
from typing import Any

from largebatch import cli
from largebatch.checkout import root
from largebatch.tpu.lowering.topologies import GIB

ROOT = root()
REPORTS = ROOT / "results" / "tpu_compile"
PAGE = ROOT / "docs" / "tpu_compile.md"
POD = 2048  # cores of the paper's TPU v3 pod
BEGIN, END = "<!-- table -->\n", "<!-- /table -->"

FLAGS = cli.new_flags()
cli.Define(FLAGS).path("reports", None, "Print the table of this folder's reports.")


def read(folder: pathlib.Path = REPORTS) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def bounds(found: dict[str, Any]) -> tuple[int | None, int | None]:
    """(the largest batch of a core that was compiled and fits, the smallest that does not)."""
    fits = [one["batch_per_core"] for one in found["compilations"] if one["fits"]]
    not_ = [one["batch_per_core"] for one in found["compilations"] if not one["fits"]]
    return max(fits, default=None), min(not_, default=None)


def table(reports: Iterable[dict[str, Any]]) -> str:
    """A line for each step and topology, in Markdown."""
    lines = [
        "| step | TPU | memory of a core, usable | largest batch of a core | its memory "
        "| does not fit | work of the largest | of it recomputed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for report in reports:
        least = least_work(report)
        for found in report["topologies"]:
            lines.append(_line(_step(report), found, least))
    return "\n".join(lines) + "\n"


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


def _line(step: str, found: dict[str, Any], least: float | None) -> str:
    fits, too_large = bounds(found)
    size = {one["batch_per_core"]: one for one in found["compilations"]}
    usable = f"{found['usable_bytes'] / GIB:.2f} GiB"
    cells = [step, found["topology"].partition(":")[0], usable]
    if fits is None:
        cells += ["none", ""]
    else:
        share = f" ({fits * POD:,} on {POD:,} cores)" if found["topology"] == "v3:2x2" else ""
        cells += [f"{fits}{share}", f"{size[fits]['total_bytes'] / GIB:.2f} GiB"]
    if too_large is None:
        cells.append("not reached")
    else:
        needed = size[too_large]["total_bytes"]
        cells.append(f"{too_large}" + (f": {needed / GIB:.2f} GiB" if needed else ""))
    if fits is None:
        cells += ["", ""]
    else:
        flops, moved = size[fits]["flops"], size[fits]["bytes_accessed"]
        cells += [
            f"{flops / 1e12:.1f} Tflop, {moved / 1e9:.0f} GB",
            f"{1 - least * fits / flops:.0%}",
        ]
    return "| " + " | ".join(cells) + " |"


def rendered(page: str, reports: Iterable[dict[str, Any]]) -> str:
    """The page with its table made anew."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has no lines {BEGIN.strip()} and {END}: where is the table?")
    return before + BEGIN + table(reports) + END + after


def main() -> int:
    folder = REPORTS if FLAGS.reports is None else pathlib.Path(FLAGS.reports)
    reports = read(folder)
    if not reports:
        raise ValueError(
            f"{folder} holds no report; python -m largebatch.experiments.compile --output=FILE "
            "writes one"
        )
    if FLAGS.reports is not None:
        print(table(reports), end="")
        return 0
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8"), reports), encoding="utf-8")
    print(f"wrote {PAGE}")
    return 0


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
