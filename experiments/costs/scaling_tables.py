"""The scaling model's tables: the lecture's, Table 1 and Figure 8 as predicted, one row's answer.

Each function returns a `Sheet` of strings; `as_text` and `as_markdown` lay one out.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

from largebatch.experiments.costs import all_reduce, example_cost, step_time
from largebatch.experiments.costs.step_time import FITTED, Constants, Machine
from largebatch.experiments.program import text_table
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry

IMAGENET = 1_280_000  # examples, as the lecture rounds them
ITERATION_BATCHES = (512, 1024, 2048, 4096, 8192, 1_280_000)
ONE_NODE = 512  # of a batch
# The lecture's table of networks: latency in seconds, seconds a byte.
NETWORKS = {
    "Mellanox 56Gb/s FDR IB": (0.7e-6, 0.2e-9),
    "Intel 40Gb/s QDR IB": (1.2e-6, 0.3e-9),
    "Intel 10GbE NetEffect NE020": (7.2e-6, 0.9e-9),
}
REFERENCE = "table1/lamb-512"  # of Figure 8's speed-ups


class Sheet(NamedTuple):
    title: str
    header: tuple[str, ...]
    lines: list[tuple[str, ...]]
    notes: tuple[str, ...] = ()


def as_text(sheet: Sheet) -> str:
    notes = ["", *sheet.notes] if sheet.notes else []
    return "\n".join([sheet.title, "", text_table.aligned(_table(sheet), ""), *notes])


def as_markdown(sheet: Sheet) -> str:
    return "\n\n".join([f"**{sheet.title}**", text_table.piped(_table(sheet)), *sheet.notes])


def _table(sheet: Sheet) -> text_table.Sheet:
    return text_table.Sheet(list(sheet.header), [list(line) for line in sheet.lines])


def iterations() -> Sheet:
    """'Fix the number of epochs and increase the batch size', with ResNet-50's gradients."""
    gradients = step_time.FLOAT32 * example_cost.RESNET50.parameters
    lines: list[tuple[str, ...]] = []
    for batch in ITERATION_BATCHES:
        nodes = batch // ONE_NODE
        seconds = (
            all_reduce.tree_seconds(nodes, gradients, alpha, 1 / beta)
            for alpha, beta in NETWORKS.values()
        )
        time = "t1" if nodes == 1 else f"t1 + log2({nodes}) t2"
        count = f"{100 * IMAGENET // batch:,}"
        lines.append((f"{batch:,}", "100", count, f"{nodes}", time, *(f"{s:.3f}" for s in seconds)))
    header = ("batch", "epochs", "iterations", "nodes", "one iteration")
    return Sheet(
        "Iterations of ImageNet at a fixed number of epochs (lecture)",
        (*header, *(f"s on {network}" for network in NETWORKS)),
        lines,
        ("t2 = alpha + |w| beta; seconds: log2(nodes) t2 for ResNet-50's 25 million gradients.",),
    )


def messages() -> Sheet:
    """The lecture's Table 2, computed, each number with the printed one."""
    model, epochs = example_cost.RESNET50, 90
    printed = {32: ("3.6 million", "374TB", "2673"), 32768: ("3686", "374GB", "2.7M")}
    flops = epochs * IMAGENET * model.forward_flops
    lines: list[tuple[str, ...]] = []
    for batch, (count, moved, ratio) in printed.items():
        iterations = epochs * IMAGENET / batch
        size = iterations * step_time.FLOAT32 * model.parameters
        lines.append(
            (f"{batch}", f"{flops:.2g} (10^18)", f"{iterations:,.0f} ({count})",
             f"{size / 1e12:.4g} TB ({moved})", f"{flops / size:,.0f} ({ratio})")
        )  # fmt: skip
    return Sheet(
        "ResNet-50 on ImageNet, 90 epochs: communication (lecture's Table 2), computed (printed)",
        ("batch", "operations", "messages", "data moved", "flops / byte"),
        lines,
        (
            "The printed figures round 8.9e17 up to 10^18, take 26 million parameters where the "
            "lecture's Table 3 has 25, and 3686 is 3.6 x 1024, not 3.6 million / 1024 = 3516.",
        ),
    )


def ratios() -> Sheet:
    """The lecture's Table 3."""
    lines: list[tuple[str, ...]] = []
    for name, model in (("AlexNet", example_cost.ALEXNET), ("ResNet50", example_cost.RESNET50)):
        ratio = f"{model.forward_flops / model.parameters:.3g}"
        lines.append(
            (name, f"{model.parameters / 1e6:g} million", f"{model.forward_flops / 1e9:g} billion",
             ratio, f"{ratio} x B")
        )  # fmt: skip
    return Sheet(
        "Computation / communication (lecture's Table 3)",
        ("model", "parameters", "flops per image", "flops/model", "comp/comm"),
        lines,
    )


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds:.3g} s"


def _percent(share: float) -> str:
    """With its sign; what rounds to nothing is +0.0."""
    return f"{round(100 * share, 1) + 0.0:+.1f} %"


def _printed(row: Row) -> str:
    return f"{row.paper_time[:-1]} {row.paper_time[-1]}"


def _predicted(row: Row, seconds: float) -> str:
    unit = row.paper_time[-1]
    return f"{seconds / {'h': 3600, 'm': 60}[unit]:.1f} {unit}"


def table1(constants: Constants, topology: str) -> Sheet:
    """Table 1's times and Figure 8's efficiencies, printed and predicted."""
    reference = registry.find(REFERENCE)

    def seconds(row: Row) -> float:
        return step_time.run_seconds(row, step_time.paper_machine(row, topology), constants)

    def efficiency(row: Row, time, base: float) -> str:
        return f"{100 * base / time(row) * reference.paper_chips / row.paper_chips:.1f} %"

    lines: list[tuple[str, ...]] = []
    names = ["table1/baseline", *step_time.WEAK_SCALING, FITTED[-1]]
    for row in map(registry.find, names):
        wrong = step_time.error(row, constants, topology)
        held_out = "held out" if row.name in step_time.HELD_OUT else f"as {reference.label}"
        lines.append(
            (row.label, f"{row.paper_chips}", _printed(row), _predicted(row, seconds(row)),
             _percent(wrong), "fitted" if row.name in FITTED else held_out,
             efficiency(row, step_time.printed_seconds, step_time.printed_seconds(reference)),
             efficiency(row, seconds, seconds(reference)))
        )  # fmt: skip
    missed = held_out_errors(constants, topology)
    doubled = _predicted(registry.find(FITTED[-1]), seconds(with_stage_1_doubled()))
    return Sheet(
        f"Table 1's times and Figure 8's efficiencies, TPU v3, {topology}",
        ("solver", "TPUs", "printed", "predicted", "error", "", "efficiency", "predicted"),
        lines,
        (
            f"Fitted: {100 * constants.utilisation:.1f} % of the peak; an update of "
            f"{constants.passes:.1f} passes over the weights; {constants.latency * 1e6:.3g} us a "
            "message of a tensor.",
            f"Held-out rows: mean error {100 * sum(missed) / len(missed):.1f} %, worst "
            f"{100 * max(missed):.1f} %.",
            f"Not so in the paper: with 131072 in stage 1, for which it 'did not observe any "
            f"speedup' over 65536, {doubled} are predicted.",
        ),
    )


def with_stage_1_doubled() -> Row:
    """The mixed batch with 131072 in place of 65536, in half the updates (section 4.1)."""
    row = registry.find(FITTED[-1])
    first = math.ceil((row.total_steps - row.stage2_steps) / 2)
    return dataclasses.replace(
        row, batch_size=2 * row.batch_size, total_steps=first + row.stage2_steps
    )


def held_out_errors(constants: Constants, topology: str) -> list[float]:
    """Without the sign."""
    rows = (registry.find(name) for name in step_time.HELD_OUT)
    return [abs(step_time.error(row, constants, topology)) for row in rows]


def topologies() -> Sheet:
    """The errors of every topology, each with its own fit to the same rows."""
    held_out = [registry.find(name) for name in step_time.HELD_OUT]
    mixed = registry.find(FITTED[-1])
    lines: list[tuple[str, ...]] = []
    for topology in all_reduce.TOPOLOGIES:
        constants = step_time.fit(topology=topology)
        wrong = [step_time.error(row, constants, topology) for row in held_out]
        plain = step_time.fit(step_time.WEAK_SCALING, topology, with_passes=False)
        missed = held_out_errors(constants, topology)
        lines.append(
            (topology, f"{100 * constants.utilisation:.1f} %", f"{constants.passes:.1f}",
             f"{constants.latency * 1e6:.3g}", *map(_percent, wrong),
             f"{100 * sum(missed) / len(missed):.1f} %",
             _percent(step_time.error(mixed, plain, topology)))
        )  # fmt: skip
    return Sheet(
        "Held-out errors by topology",
        ("topology", "utilisation", "passes", "latency, us", *(row.label for row in held_out),
         "mean", "64k/32k predicted"),
        lines,
        (
            "Last column: the mixed batch held out. The other rows, all of 32 sequences a chip, "
            "cannot tell compute from a fixed cost of a step, so that cost is left out there.",
        ),
    )  # fmt: skip


def answer(row: Row, where: Machine, constants: Constants) -> Sheet:
    """What a row takes on a machine, stage by stage."""
    lines, total = [], 0.0
    for number, stage in enumerate(row.stages, start=1):
        step = step_time.step(row, stage, where, constants)
        held = step_time.memory_of(row, stage, where)
        total += stage.steps * step.seconds
        milliseconds = (step.compute, step.update, step.all_reduce, step.seconds)
        lines.append(
            (f"{number}", f"{stage.sequence_length or '-'}", f"{stage.batch_size:,}",
             f"{stage.batch_size / where.chips:g}", f"{stage.steps:,}",
             *(f"{1e3 * value:.3g}" for value in milliseconds),
             _duration(stage.steps * step.seconds), f"{held.micro_batch}",
             f"{held.accumulation}", f"{held.used / 1e9:.1f} of {where.chip.memory / 1e9:.0f} GB")
        )  # fmt: skip
    notes = [f"Total: {_duration(total)}, without evaluation and start."]
    if row.paper_time and not row.overrides:
        notes.append(f"The paper prints {_printed(row)} on {row.paper_chips} chips of TPU v3.")
    notes.append(
        f"Micro-batch: of one device ({where.chip.cores} a chip), as `run` would choose it; the "
        "estimate of memory is cautious, it fills half of what weights leave."
    )
    if where.chip.name != step_time.PAPER_CHIP or row.task != "pretraining":
        notes.append(
            "The constants are fitted on BERT-Large on TPU v3; here they are assumed: "
            "--utilisation and --passes set others."
        )
    return Sheet(
        f"{row.name} on {where.chips} x {where.chip.name}, {where.topology}",
        ("stage", "length", "batch", "a chip", "updates", "compute ms", "update ms",
         "all-reduce ms", "step ms", "time", "micro-batch", "accumulation", "memory"),
        lines,
        tuple(notes),
    )  # fmt: skip
