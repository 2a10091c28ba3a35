"""The trials that chose the rates of BERT at laptop scale, from the runs that were made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from largebatch.experiments.program.text_table import NOTHING, Sheet
from largebatch.experiments.records.reader import Run
from largebatch.experiments.tables import reality_check
from largebatch.experiments.tables.reality_check import Trial

METRIC = "masked_lm_loss"


class Tried(NamedTuple):
    trial: Trial
    loss: float  # held-out; nan: not run; inf: diverged


def tried(runs: Iterable[Run]) -> list[Tried]:
    """All trials of the protocol, with the loss of those that were made."""
    runs = list(runs)
    return [Tried(trial, _loss(trial, runs)) for trial in reality_check.trials()]


def is_trial(run: Run) -> bool:
    """Whether a run was made to find a rate: one of a trial's row and seed."""
    return reality_check.is_trial(run.name, run.seed)


def _loss(trial: Trial, runs: list[Run]) -> float:
    wanted = {"dataset": "text_folder", **trial.settings}
    found = [
        run
        for run in runs
        if (run.name, run.scale, run.seed) == (trial.row, "laptop", trial.seed)
        and all(run.row.get(field) == value for field, value in wanted.items())
    ]
    losses = (
        math.inf if r.status == "diverged" else r.metrics.get(METRIC, math.nan) for r in found
    )
    return min(losses, default=math.nan)


def best(found: Sequence[Tried], optimizer: str) -> float | None:
    """The last round's factor with the lowest loss; None while one of its trials is not run."""
    mine = [one for one in found if one.trial.optimizer == optimizer]
    last = [one for one in mine if one.trial.round == mine[-1].trial.round]
    if any(math.isnan(one.loss) for one in last):
        return None
    return min(last, key=lambda one: one.loss).trial.factor


def sheet(found: Iterable[Tried]) -> Sheet:
    """A line a trial; the factor that the rows have is marked."""
    lines = []
    for trial, loss in found:
        shown = NOTHING if math.isnan(loss) else f"{loss:.4f}"
        mark = " *" if trial.chosen else ""
        rate = f"{trial.settings['learning_rate']:g}"
        length = f"1/{trial.share}"
        lines.append(
            [str(trial.round), length, trial.optimizer, f"{trial.factor:g}{mark}", rate, shown]
        )
    heads = ["round", "of a run", "optimizer", "factor", "rate at batch 256"]
    return Sheet([*heads, "held-out masked-word loss"], lines)
