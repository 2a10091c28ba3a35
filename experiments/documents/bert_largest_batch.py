"""All runs of BERT's largest batch at laptop scale: at the rows' rate and length, and at others.

They tell why a row learns nothing there: whether its rate is too high, or its updates too few.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import NamedTuple

from largebatch.experiments.program.text_table import Sheet
from largebatch.experiments.records.reader import ENDED, Run
from largebatch.experiments.tables import registry

ROWS = {
    "table1/lamb-32768": "LAMB",
    "reality_check/adamw-32768": "AdamW",
    "table2/lars-32768": "LARS",
    "reality_check/momentum-32768": "Nesterov",
}
ACCURACY, LOSS = "masked_lm_accuracy", "masked_lm_loss"


class Tried(NamedTuple):
    """Runs of one setting, one a seed."""

    name: str
    rate: float
    steps: int  # of both stages
    tokens: int
    runs: list[Run]


def is_shown(run: Run) -> bool:
    """Whether a run is of this batch and text, and ended."""
    ours = run.name in ROWS and run.scale == "laptop" and run.status in ENDED
    return ours and run.row.get("dataset") == "text_folder"


def tried(runs: Iterable[Run]) -> list[Tried]:
    """By optimizer, then by length and rate."""
    found: dict[tuple[str, int, float], list[Run]] = {}
    for run in filter(is_shown, runs):
        key = (run.name, run.row["total_steps"], run.row["learning_rate"])
        found.setdefault(key, []).append(run)
    order = sorted(found, key=lambda key: (list(ROWS).index(key[0]), key[1:]))
    return [
        Tried(name, rate, steps, _tokens(found[name, steps, rate][0]), found[name, steps, rate])
        for name, steps, rate in order
    ]


def sheet(found: Iterable[Tried]) -> Sheet:
    """A line a setting; the row's own rate is marked."""
    lines = []
    for one in found:
        row = registry.scaled(registry.find(one.name), "laptop")
        own = (one.rate, one.steps) == (row.learning_rate, row.steps)
        values = [_mean(one.runs, metric) for metric in (ACCURACY, LOSS)]
        lines.append(
            [ROWS[one.name], f"{one.rate:g}{' *' if own else ''}", str(one.steps),
             f"{one.tokens / 1e6:.1f} million", *values, str(len(one.runs))]
        )  # fmt: skip
    heads = ["optimizer", "rate", "updates", "tokens", "masked-word accuracy"]
    return Sheet([*heads, "masked-word loss", "n"], lines)


def _tokens(run: Run) -> int:
    row = run.row
    first = row["total_steps"] - row["stage2_steps"]
    later = row["stage2_steps"] * row["stage2_sequence_length"]
    return row["batch_size"] * (first * row["sequence_length"] + later)


def _mean(runs: list[Run], metric: str) -> str:
    values = [run.metrics[metric] for run in runs if run.status == "finished"]
    return f"{statistics.fmean(values):.4f}" if values else "diverged"
