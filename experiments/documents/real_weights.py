"""The tables of docs/results/real_weights.md: released weights, fine-tuned on a sample of SQuAD."""

from __future__ import annotations

from pathlib import Path

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.program.text_table import NOTHING, Sheet, piped
from largebatch.experiments.records.best import summarize
from largebatch.experiments.records.reader import Run, find_runs

PILOT_SEED = 3  # its runs chose the rate, and are in no mean
NOT_RUN = "Not run."
METRICS = {  # column -> metric
    "dev F1": "f1",
    "dev exact match": "exact_match",
    "training F1": "train_f1",
    "training exact match": "train_exact_match",
}


def seeds(folder: Path) -> str:
    """A line a seed of the chosen rate, their mean, and the floor on the same dev questions."""
    chosen = [run for run in _runs(folder) if run.seed != PILOT_SEED]
    if not chosen:
        return NOT_RUN
    first, rates = chosen[0], {run.row["squad_learning_rate"] for run in chosen}
    if len(rates) != 1:
        raise UserError(f"{folder}: seeds of {len(rates)} rates; want one, and seed {PILOT_SEED}")
    lines = [[str(run.seed), *_scores(run)] for run in sorted(chosen, key=lambda run: run.seed)]
    means = [summarize(run.metrics[metric] for run in chosen) for metric in METRICS.values()]
    lines.append(["mean ± standard deviation", *(f"{m.mean:.1f} ± {m.std:.1f}" for m in means)])
    for floor in first.record["floors"]["f1"]:
        known = [first.record["floors"].get(metric, {}).get(floor) for metric in METRICS.values()]
        lines.append([f"floor: {floor}", *(NOTHING if k is None else f"{k:.1f}" for k in known)])
    minutes = sum(run.record["wall_seconds"] for run in chosen) / 60 / len(chosen)
    said = (
        f"`{first.row['model']}`, {first.record['steps']} updates of "
        f"{first.row['squad_batch_size']} windows, rate {rates.pop():g}; "
        f"{first.metrics['squad_questions']:.0f} dev questions; {minutes:.0f} minutes a seed on "
        f"{first.record['num_devices']} {first.record['device']}."
    )
    return f"{piped(Sheet(['seed', *METRICS], lines))}\n\n{said}"


def rates(folder: Path) -> str:
    """A line a rate that was tried, with one seed."""
    tried = {run.row["squad_learning_rate"]: run for run in _runs(folder) if run.seed == PILOT_SEED}
    lines = [[f"{rate:g}", *_scores(run)] for rate, run in sorted(tried.items())]
    if not lines:
        return NOT_RUN
    return piped(Sheet(["rate", *METRICS], lines))


def _runs(folder: Path) -> list[Run]:
    runs, problems = find_runs(str(folder))
    if problems:
        raise UserError(f"{problems[0].path}: {problems[0].reason}")
    return runs


def _scores(run: Run) -> list[str]:
    return [f"{run.metrics[metric]:.1f}" for metric in METRICS.values()]
