"""BERT at laptop scale beyond its rows: other rates and lengths at the largest batch; the pilot.

The largest batch: why a row learns nothing there, whether its rate is too high or its updates too
few. The pilot: which model learns more in the same time.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from typing import Any

from largebatch.experiments.program.text_table import Sheet
from largebatch.experiments.records.reader import ENDED, Run
from largebatch.experiments.tables import registry

LARGEST = {
    "table1/lamb-32768": "LAMB",
    "reality_check/adamw-32768": "AdamW",
    "table2/lars-32768": "LARS",
    "reality_check/momentum-32768": "Nesterov",
}
PILOT = "table1/lamb-512"
MODELS = {"bert_tiny": "BERT-Tiny", "bert_mini": "BERT-Mini"}
SCORES = {"masked-word accuracy": "masked_lm_accuracy", "masked-word loss": "masked_lm_loss"}


def is_shown(run: Run) -> bool:
    """Whether a run is in one of the sheets: of the laptop's text, and ended."""
    ended = run.scale == "laptop" and run.status in ENDED
    ours = run.name in LARGEST or run.name == PILOT and run.row.get("model") in MODELS
    return ended and ours and run.row.get("dataset") == "text_folder"


def largest_batch(runs: Iterable[Run]) -> Sheet:
    """A line a setting, by optimizer, length and rate; the row's own is marked."""
    lines = []
    for (label, steps, rate), same in _grouped(runs, LARGEST, lambda run: LARGEST[run.name]):
        row = registry.scaled(registry.find(same[0].name), "laptop")
        own = " *" if (rate, steps) == (row.learning_rate, row.steps) else ""
        lines.append([label, f"{rate:g}{own}", *_figures(same)])
    return Sheet(["optimizer", "rate", "updates", "tokens", *SCORES, "n"], lines)


def pilot(runs: Iterable[Run]) -> Sheet:
    """A line a model, of the first seed: later ones ran beside other work, and took longer."""
    first = [run for run in runs if not run.seed]
    lines = []
    for (label, *_), same in _grouped(first, [PILOT], lambda run: MODELS[run.row["model"]]):
        minutes = statistics.fmean(run.record["wall_seconds"] for run in same) / 60
        lines.append([label, f"{minutes:.0f}", *_figures(same)])
    return Sheet(["model", "minutes on a core", "updates", "tokens", *SCORES, "n"], lines)


def _grouped(
    runs: Iterable[Run], names: Iterable[str], label: Callable[[Run], str]
) -> list[tuple[tuple[str, int, float], list[Run]]]:
    """[((label, updates, rate), runs with these)], the labels in the order of LARGEST or MODELS."""
    order = [*LARGEST.values(), *MODELS.values()]
    found: dict[tuple[str, int, float], list[Run]] = {}
    for run in (run for run in runs if run.name in names and is_shown(run)):
        key = (label(run), run.row["total_steps"], run.row["learning_rate"])
        found.setdefault(key, []).append(run)
    return sorted(found.items(), key=lambda item: (order.index(item[0][0]), item[0]))


def _figures(same: list[Run]) -> list[str]:
    """Updates, tokens, mean scores and number of runs with the same settings."""
    scores = [_mean(same, metric) for metric in SCORES.values()]
    tokens = f"{_tokens(same[0].row) / 1e6:.1f} million"
    return [str(same[0].row["total_steps"]), tokens, *scores, str(len(same))]


def _tokens(row: dict[str, Any]) -> int:
    first = row["total_steps"] - row["stage2_steps"]
    later = row["stage2_steps"] * row["stage2_sequence_length"]
    return row["batch_size"] * (first * row["sequence_length"] + later)


def _mean(runs: list[Run], metric: str) -> str:
    values = [run.metrics[metric] for run in runs if run.status == "finished"]
    return f"{statistics.fmean(values):.4f}" if values else "diverged"
