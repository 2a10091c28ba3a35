"""The tables of docs/results/real_weights.md: released weights, fine-tuned on a sample of SQuAD."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.program.text_table import NOTHING, Sheet, piped
from largebatch.experiments.records.best import summarize
from largebatch.experiments.records.reader import Run, find_runs

NOT_RUN = "Not run."
METRICS = {  # column -> metric
    "dev F1": "f1",
    "dev exact match": "exact_match",
    "training F1": "train_f1",
    "training exact match": "train_exact_match",
}


def seeds(folder: Path) -> str:
    """A line a seed of the rate with most of them, their mean, and the floor on the same dev
    questions."""
    by_rate = _runs(folder)
    if not by_rate:
        return NOT_RUN
    rate, chosen = max(by_rate.items(), key=lambda item: len(item[1]))
    first = chosen[0]
    lines = [[str(run.seed), *_means([run])] for run in chosen]
    if len(chosen) > 1:
        lines.append([f"mean ± standard deviation (n = {len(chosen)})", *_means(chosen)])
    for floor in first.record["floors"]["f1"]:
        known = [first.record["floors"].get(metric, {}).get(floor) for metric in METRICS.values()]
        lines.append([f"floor: {floor}", *(NOTHING if k is None else f"{k:.1f}" for k in known)])
    minutes = sum(run.record["wall_seconds"] for run in chosen) / 60 / len(chosen)
    said = (
        f"`{first.row['model']}`, {first.record['steps']} updates of "
        f"{first.row['squad_batch_size']} windows, rate {rate:g}; "
        f"{first.metrics['squad_questions']:.0f} dev questions; {minutes:.0f} minutes a seed on "
        f"{first.record['num_devices']} {first.record['device']} that had other work."
    )
    return f"{piped(Sheet(['seed', *METRICS], lines))}\n\n{said}"


def rates(folder: Path) -> str:
    """A line a rate that was tried: the mean over its seeds."""
    lines = []
    for rate, runs in sorted(_runs(folder).items()):
        loss = summarize(run.record["last_loss"] for run in runs).mean
        lines.append([f"{rate:g}", str(len(runs)), f"{loss:.2f}", *_means(runs)])
    head = ["rate", "n", "training loss, last update", *METRICS]
    return piped(Sheet(head, lines)) if lines else NOT_RUN


def _runs(folder: Path) -> dict[float, list[Run]]:
    """{rate: its runs, by seed}."""
    runs, problems = find_runs(str(folder))
    if problems:
        raise UserError(f"{problems[0].path}: {problems[0].reason}")
    found: dict[float, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.seed):
        found.setdefault(run.row["squad_learning_rate"], []).append(run)
    return found


def _means(runs: Sequence[Run]) -> list[str]:
    """'31.2 ± 0.4' of each metric; the value alone for one run."""
    found = [summarize(run.metrics[metric] for run in runs) for metric in METRICS.values()]
    return [f"{m.mean:.1f}" + ("" if math.isnan(m.std) else f" ± {m.std:.1f}") for m in found]


BLOCKS: dict[str, Callable[[Path], str]] = {
    "real-weights": lambda results: seeds(results / "real_weights"),
    "real-weights-rates": lambda results: rates(results / "real_weights"),
}
