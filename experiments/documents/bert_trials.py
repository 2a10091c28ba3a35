"""The trials that chose the rates of BERT at laptop scale, from the runs that were made."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from largebatch.experiments.program.text_table import NOTHING, Sheet
from largebatch.experiments.recipes import bert_scales
from largebatch.experiments.records.reader import Run
from largebatch.experiments.tables import registry

METRIC = "masked_lm_loss"
# The row whose trials are an optimizer's.
ROWS = {
    "lamb": "table1/lamb-8192",
    "lars": "table2/lars-8192",
    "bert_adamw": "reality_check/adamw-8192",
    "momentum": "reality_check/momentum-8192",
}


class Trial(NamedTuple):
    optimizer: str
    factor: float
    rate: float
    loss: float  # nan: not run; inf: diverged


def trials(runs: Iterable[Run]) -> list[Trial]:
    """All trials of the protocol, with the held-out loss of those that were made."""
    runs = [run for run in runs if run.scale == "laptop" and run.seed == bert_scales.TRIAL_SEED]
    made = []
    for optimizer, name in ROWS.items():
        row = registry.find(name)
        for factor in bert_scales.TRIALS[optimizer]:
            settings = bert_scales.trial_settings(row, factor)
            wanted = {"dataset": "text_folder", **settings}
            found = [
                run
                for run in runs
                if run.name == name and all(run.row.get(f) == v for f, v in wanted.items())
            ]
            loss = min(map(_loss, found), default=math.nan)
            made.append(Trial(optimizer, factor, settings["learning_rate"], loss))
    return made


def _loss(run: Run) -> float:
    return math.inf if run.status == "diverged" else run.metrics.get(METRIC, math.nan)


def best(found: Iterable[Trial], optimizer: str) -> float | None:
    """The factor with the lowest loss; None while one of the optimizer's trials is not run."""
    mine = [trial for trial in found if trial.optimizer == optimizer]
    if any(math.isnan(trial.loss) for trial in mine):
        return None
    return min(mine, key=lambda trial: trial.loss).factor


def sheet(found: Iterable[Trial]) -> Sheet:
    """A line a trial; the factor that the rows have is marked."""
    lines = []
    for trial in found:
        loss = NOTHING if math.isnan(trial.loss) else f"{trial.loss:.4f}"
        mark = " *" if trial.factor == bert_scales.CHOSEN[trial.optimizer] else ""
        lines.append([trial.optimizer, f"{trial.factor:g}{mark}", f"{trial.rate:g}", loss])
    return Sheet(["optimizer", "factor", "rate at batch 256", "held-out masked-word loss"], lines)
