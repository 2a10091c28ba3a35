"""Compiles a row's step for a real TPU, without one: does it fit, and how large a batch would?

    make tpu-compile-environment          # once: libtpu's compiler, 1.3 GB, in .venv-tpu;
                                          # without a checkout, --help says how
    python -m largebatch.experiments.compile --experiment=table1/lamb-32768 --topology=v3:2x2
    python -m largebatch.experiments.compile --experiment=table1/lamb-32768 --stage=1 \\
        --topology=v3:2x2 --batch_per_core=64 --nosearch

Reports the memory of a core that the step takes, its flops and the bytes it moves, whether it fits,
and by bisection the largest batch of a core that does. A step is the whole update of a replica on
each core, with the sum of their gradients. --topology=all is one host of each of v2 to v6e.

A compilation takes a minute on two quiet cores and up to 9 GB. Every result is kept (--cache_dir):
a search that is repeated, or was stopped, takes only what is missing.

The program ends with 0, whether the step fits or not; 1 if a compiler failed; 2 for a mistake in
what was asked for.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
from typing import Any

from largebatch import cli
from largebatch.checkout import root
from largebatch.experiments.compile.compiled_step import (
    MAKE,
    CompileEnvironment,
    CompileError,
    StepCompiler,
)
from largebatch.experiments.compile.largest_batch import largest_batch
from largebatch.experiments.compile.lowered_step import PROGRAMS
from largebatch.experiments.tables import row_flags
from largebatch.tpu.lowering.topologies import GENERATIONS, GIB, Topology, topology

ENVIRONMENT = root() / ".venv-tpu"
OF_STEP = (
    *("experiment", "scale", "overrides", "stage", "model", "dataset", "image_size"),
    *("sequence_length", "vocabulary_size", "precision", "optimizer", "paper_batch_per_core"),
)


def default_cache() -> pathlib.Path:
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(root) / "largebatch" / "tpu_compile"


FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.string("experiment", None, "The row, for example table1/lamb-32768.")
define.string("topology", None, "v2:2x2 to v6e:2x2; a generation alone is one host of it; or all.")
define.string("stage", None, "1, 2 or squad. Default: the row's last one.")
define.integer("batch_per_core", None, "Default: the row's, on the paper's chips.")
define.enum(
    *("program", "update", PROGRAMS), "update, or accumulate: a pass whose gradients are summed up."
)
row_flags.define_set(FLAGS)
define.boolean(
    "search", True, "Search for the largest batch that fits; --nosearch compiles one batch."
)
define.integer("bits", 3, "Search among batches with this many significant binary digits.")
define.path("environment", str(ENVIRONMENT), f"The compiler's environment, made by `{MAKE}`.")
define.output_folder("cache_dir", str(default_cache()), "Where results are kept.")
define.boolean("fresh", False, "Ignore what is kept.")
define.output_file(
    "output",
    None,
    "Where to write the report as JSON; what a report there says of the same step on other "
    "topologies is kept.",
)


def main() -> int:
    if FLAGS.experiment is None:
        raise ValueError("--experiment is missing, for example table1/lamb-32768")
    if FLAGS.topology is None:
        raise ValueError("--topology is missing, for example v3:2x2, or all")
    cli.at_least(FLAGS, batch_per_core=1, bits=1)
    names = list(GENERATIONS) if FLAGS.topology == "all" else FLAGS.topology.split(",")
    chosen = [topology(name) for name in names]
    environment = CompileEnvironment(FLAGS.environment)
    row_flags = [f"--experiment={FLAGS.experiment}"]
    row_flags += [f"--stage={FLAGS.stage}"] if FLAGS.stage is not None else []
    row_flags += [f"--set={assignment}" for assignment in FLAGS.set]
    compiler = StepCompiler(
        row_flags, FLAGS.program, environment, FLAGS.cache_dir, FLAGS.fresh, _say
    )
    described = compiler.describe()
    report = {
        "format": 1,
        **{name: described[name] for name in OF_STEP},
        "program": FLAGS.program,
        "compiler": environment.versions,
    }
    report["topologies"] = _of_others(FLAGS.output, report, chosen)
    batch = described["batch_per_core"] if FLAGS.batch_per_core is None else FLAGS.batch_per_core
    for one in chosen:
        found = look(compiler, one, batch, FLAGS.bits if FLAGS.search else None)
        report["topologies"] = sorted([*report["topologies"], found], key=_place)
        print("\n".join(lines(described, found)), flush=True)
        if FLAGS.output is not None:  # After each: a table of six takes hours.
            _write(FLAGS.output, report)
    return 0


def _of_others(path: str | None, report: dict[str, Any], chosen: list[Topology]) -> list[dict]:
    """What the file at `path` says of the same step by the same compiler on other topologies."""
    if path is None or not os.path.exists(path):
        return []
    try:
        before = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        found = before.pop("topologies")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"--output={path} holds something else than a report: move it") from error
    names = {one.name for one in chosen}
    return [one for one in found if one["topology"] not in names] if before == report else []


def _place(found: dict[str, Any]) -> tuple[int, str]:
    name = found["topology"]
    return list(GENERATIONS).index(name.partition(":")[0]), name


def look(compiler: StepCompiler, one: Topology, batch: int, bits: int | None = 3) -> dict[str, Any]:
    """Compiles `batch` a core, and, where `bits` is given, bisects for the largest."""
    tried = {batch: compiler.compile(batch, one)}
    found = {"topology": one.name, "memory_bytes": one.memory, "batch_per_core": batch}
    if bits is not None:

        def fits(size: int) -> bool:
            if size not in tried:
                tried[size] = compiler.compile(size, one)
            return tried[size]["fits"]

        found["largest"], found["too_large"] = largest_batch(fits, batch, bits)
    limits = [result["limit_bytes"] for result in tried.values() if result["limit_bytes"]]
    found["usable_bytes"] = limits[0] if limits else one.usable
    return {**found, "compilations": [tried[size] for size in sorted(tried)]}


def lines(described: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """The report of one topology, for people."""
    of = f"{described['experiment']}, {described['model']}"
    if described["sequence_length"]:
        of += f", sequences of {described['sequence_length']}"
    printed = [f"{of}, {described['precision']}, {described['optimizer']} on {found['topology']}"]
    for result in found["compilations"]:
        total, usable = result["total_bytes"], found["usable_bytes"] / GIB
        size = "?" if total is None else f"{total / GIB:.2f} GiB"
        verdict = "fits" if result["fits"] else "does not fit"
        line = f"  {result['batch_per_core']:>5} a core: {size} of {usable:.2f}, {verdict}"
        if "memory" in result:
            parts = ", ".join(f"{name} {size / GIB:.2f}" for name, size in result["memory"].items())
            line += (
                f" ({parts}); {result['flops'] / 1e12:.2f} Tflop, "
                f"{result['bytes_accessed'] / 1e9:.1f} GB moved"
            )
        printed.append(line)
    if "largest" in found:
        printed.append(
            f"  largest tried that fits: {found['largest']} a core; {found['too_large']} does not"
        )
    return printed


def _say(line: str) -> None:
    print(f"  {line} ...", file=sys.stderr, flush=True)


def _write(path: str, report: dict[str, Any]) -> None:
    partial = pathlib.Path(f"{path}.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    partial.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, path)


program, console = cli.entry(main, FLAGS, __doc__, failures=CompileError)


if __name__ == "__main__":
    console()
