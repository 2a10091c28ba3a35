"""The blocks of docs/ that say how fast things are, from results/benchmarks and results/gpu.

doc_tables puts them in; the name of a block is its key in BLOCKS.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from largebatch.experiments.program.text_table import Sheet, piped


def _read(results: Path, name: str) -> dict[str, Any]:
    return json.loads((results / "benchmarks" / f"{name}.json").read_text())


def _optimizer_speed(results: Path) -> str:
    measured = _read(results, "optimizer_step")
    by_name: dict[str, dict[str, dict[str, Any]]] = {}
    for row in measured["rows"]:
        by_name.setdefault(row["optimizer"], {})[row["mode"]] = row
    lines = [
        [name, *(f"{modes[m]['ratio']:.2f}" if m in modes else "-" for m in ("graph", "xla")),
         f"{modes['xla']['compile_seconds']:.0f}" if "xla" in modes else "-"]
        for name, modes in by_name.items()
    ]  # fmt: skip
    head = ["optimizer", "time in a graph (lower is better)", "time under XLA (lower is better)",
            "s to compile for XLA"]  # fmt: skip
    rounds = len(measured["rows"][0]["seconds"])
    return (
        f"{piped(Sheet(head, lines))}\n\nMedians of {rounds} paired rounds on "
        f"{measured['cores']} shared cores; {measured['tensors']} variables."
    )


def _gpu_steps(results: Path) -> str:
    """Step times on the GPU, beside what the same device reached in a large product of matrices."""
    measured = json.loads((results / "gpu" / "steps.json").read_text())
    device = json.loads((results / "gpu" / "device.json").read_text())["kind"]
    ceilings = measured["ceilings"]
    lines, missing = [], []
    for name, step in measured.items():
        if "seconds" not in step:
            missing += [name] if name != "ceilings" else []
            continue
        kind = {"float32": "float32_default"}.get(step["precision"], step["precision"])
        share = step["flops_per_second"] / ceilings[f"matmul_{kind}_flops_per_second"]
        lines.append(
            [f"{name}, {step['precision']}", f"{step['batch']:,}", f"{1e3 * step['seconds']:.1f}",
             f"{step['examples_per_second']:,.0f}", f"{step['flops_per_second'] / 1e12:.0f}",
             f"{share:.0%}"]
        )  # fmt: skip
    head = ["step (LAMB)", "batch", "ms (lower is better)", "examples/s", "TFLOP/s",
            "share of a matrix product's rate"]  # fmt: skip
    text = f"{device}; float32 products in TF32.\n\n{piped(Sheet(head, lines))}"
    return f"{text}\n\nNot measured: {', '.join(missing)}." if missing else text


def _start(results: Path) -> str:
    lines = []
    for path in sorted((results / "benchmarks").glob("start*.json")):
        found = json.loads(path.read_text())
        lines.append(
            [f"{found['experiment']}, {found['scale']}",
             *(f"{found[kind]:.1f}" for kind in (
                 "seconds_to_the_first_update", "seconds_to_import_tensorflow",
                 "processor_seconds_to_the_first_update",
                 "processor_seconds_to_import_tensorflow"))]
        )  # fmt: skip
    head = ["row", "s to the first update", "s to import TensorFlow",
            "processor s to the first update", "processor s to import TensorFlow"]  # fmt: skip
    return piped(Sheet(head, lines))


def _training_loop(results: Path) -> str:
    lines = []
    for path in sorted((results / "benchmarks").glob("train_step_*.json")):
        found = json.loads(path.read_text())
        lines.append(
            [f"{found['experiment']}, batch {found['batch_size']:,}", found["precision"],
             found.get("data", "random images").replace("the data folder's", "real JPEGs"),
             f"{found['loop_over_bare']:.2f}", f"{found['loop_images_per_second']:,.1f}"]
        )  # fmt: skip
    head = ["row", "precision", "images", "rate of the loop / of the bare step", "images/s"]
    return piped(Sheet(head, lines))


def _image_input(results: Path) -> str:
    lines = [
        [row["pipeline"], f"{row['images_per_cpu_second']:,.0f}",
         *(f"{row[of]:.2f}" for of in ("of_floor", "of_parser", "of_legacy"))]
        for row in _read(results, "image_input")["rows"]
    ]  # fmt: skip
    head = ["pipeline", "images / processor s", "of decoding alone", "of the official parser",
            "of the legacy ResNet"]  # fmt: skip
    return piped(Sheet(head, lines))


def _bert_step(results: Path) -> str:
    lines = []
    for precision in ("float32", "bfloat16"):
        found = _read(results, f"bert_step_{precision}")
        rate = found["examples_per_second"]
        lines.append(
            [precision, f"{rate['largebatch']:.1f}", f"{rate['tf-models-official']:.1f}",
             f"{found['rate_over_official']:.2f}",
             f"{found['rate_over_official_by_processor_time']:.2f}"]
        )  # fmt: skip
    head = ["precision", "largebatch, examples/s", "tf-models-official, examples/s", "ratio",
            "ratio by processor time"]  # fmt: skip
    return piped(Sheet(head, lines))


def _pretraining_data(results: Path) -> str:
    found = _read(results, "pretraining_data")
    lines = [
        [row["program"], f"{row['seconds']:.1f}", f"{row['times_as_fast']:.1f}",
         f"{row['times_as_fast_by_cpu']:.1f}", f"{row['peak_process_mb']:.0f}"]
        for row in found["rows"]
    ]  # fmt: skip
    table = piped(
        Sheet(["program", "seconds (lower is better)", "times as fast",
               "times as fast by processor time", "memory of its largest process, MB"], lines)
    )  # fmt: skip
    whole = found["whole_input"]
    return (
        f"{table}\n\n{found['text_mb']:.1f} MB of text. All of it, {whole['text_mb']:.1f} MB, "
        f"took {whole['seconds']:.1f} s with {whole['jobs']} processes and gave "
        f"{whole['examples']:,} examples: {whole['times_as_fast']:.1f} times as many a second as "
        f"{found['rows'][0]['program']}, {whole['times_as_fast_by_cpu']:.1f} times by processor "
        "time."
    )


def _checkpoint_cost(results: Path) -> str:
    lines = [
        [f"{row['experiment']}, {row['scale']}", f"{row['updates_between_saves']:,}",
         f"{row['megabytes']:.1f}", f"{row['seconds_of_an_update']:.3f}",
         f"{row['seconds_of_a_save']:.3f}", f"{row['share_of_the_time']:.2%}",
         f"{row['share_of_the_processor_time']:.2%}"]
        for row in _read(results, "checkpoint_cost")["rows"]
    ]  # fmt: skip
    head = ["row", "updates between saves", "MB", "s per update", "s per save",
            "share of the time", "share of processor time"]  # fmt: skip
    return piped(Sheet(head, lines))


def _chosen_rows(results: Path) -> str:
    """Speed of BERT's step with its whole last layer, and with the rows of it that are read."""
    measured = _read(results, "chosen_rows")
    lines = [
        [kind, *(f"{speed[name]:,.0f}" for name in ("all tokens", "chosen rows")),
         f"{measured['rate_over_before'][kind]:.2f}"]
        for kind, speed in measured["tokens_per_core_second"].items()
    ]  # fmt: skip
    head = ["tokens a core-second", "all tokens", "chosen rows", "ratio in one process"]
    both = measured["rate_over_before_of_both"]
    return (
        f"{piped(Sheet(head, lines))}\n\nChosen rows with oneDNN, which runs of BERT use by "
        f"default, against all tokens without it: {both:.2f}. Processor: {measured['processor']}."
    )


BLOCKS: dict[str, Callable[[Path], str]] = {
    "optimizer-speed": _optimizer_speed,
    "gpu-steps": _gpu_steps,
    "start": _start,
    "training-loop": _training_loop,
    "image-input": _image_input,
    "bert-step": _bert_step,
    "chosen-rows": _chosen_rows,
    "pretraining-data": _pretraining_data,
    "checkpoint-cost": _checkpoint_cost,
}
