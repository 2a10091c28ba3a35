"""What is kept of the trainings that `layer_density` compares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from largebatch.experiments.analyses import psi
from largebatch.experiments.analyses.observed_runs import Observed
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.row import Row

SGD, LARS = OPTIMIZERS = ("sgd", "lars")
KERAS = {SGD: "momentum", LARS: "lars"}  # the suite's names; momentum is 0
NAMES = {SGD: "SGD", LARS: "LARS"}


def best_rates(tuning: Sequence[Observed]) -> dict[str, float]:
    """{optimizer: the rate whose run has the least criterion}, of those that `tuning` is of.

    Raises:
      UserError: An optimizer diverged at every rate.
    """
    best = {}
    for optimizer in dict.fromkeys(of_row(run.row) for run in tuning):
        points = [(stationarity(run), run.row.learning_rate) for run in _of(optimizer, tuning)]
        sound = [point for point in points if point[0] is not None]
        if not sound:
            raise UserError(f"{NAMES[optimizer]} diverged at every rate; give smaller ones")
        best[optimizer] = min(sound)[1]
    return best


def summary(base: Row, tuning: Sequence[Observed], observed: Sequence[Observed]) -> dict[str, Any]:
    """Everything that is kept, of JSON types: `tuning` at all rates, `observed` at the best."""
    optimizers: dict[str, Any] = {}
    for optimizer in OPTIMIZERS:
        mine = _of(optimizer, observed)
        rate = mine[0].row.learning_rate
        criteria = [stationarity(run) for run in mine]
        if None in criteria:
            raise UserError(f"{NAMES[optimizer]} diverged at {rate:g} with another seed")
        optimizers[optimizer] = {
            "tuning": [
                {"rate": run.row.learning_rate, "stationarity": stationarity(run)}
                for run in _of(optimizer, tuning)
            ],
            "best_rate": rate,
            "stationarity": criteria,
            "psi": [_psi(run) for run in mine],
        }
    told = ("name", "scale", "model", "dataset", "batch_size", "steps")
    return {
        **{field: getattr(base, field) for field in told},
        "seeds": len(optimizers[SGD]["stationarity"]),
        "optimizers": optimizers,
    }


def of_row(row: Row) -> str:
    """The optimizer's name here."""
    return next(name for name, theirs in KERAS.items() if theirs == row.optimizer)


def _of(optimizer: str, runs: Sequence[Observed]) -> list[Observed]:
    return [run for run in runs if of_row(run.row) == optimizer]


def stationarity(run: Observed) -> float | None:
    """The theorems' criterion over the looks: E |grad f|^2 of SGD, (E |grad f|)^2 of LARS.

    None for a run that diverged.
    """
    if any(record["gradient"] is None for record in run.records):
        return None
    gradients = np.array([record["gradient"] for record in run.records])
    whole = np.sqrt((gradients**2).sum(axis=1))
    if len(whole) < 2 or run.records[-1]["step"] < run.row.steps:
        return None
    return float((whole**2).mean() if run.row.optimizer == KERAS[SGD] else whole.mean() ** 2)


def _psi(run: Observed) -> dict[str, Any]:
    """The ratios of one run, and the densities at each look."""
    full = [record for record in run.records if "smoothness" in record]
    gradients = np.array([record["gradient"] for record in run.records])
    smoothness = np.array([record["smoothness"] for record in full])
    noise = np.array([record["noise"] for record in full])
    found = psi.of_training(run.records[0]["weights"], gradients, smoothness, noise)
    derived = ("psi_g", "psi_l", "psi_sigma", "curvature_factor", "noise_factor")
    return {
        **found._asdict(),
        **{name: getattr(found, name) for name in derived},
        "steps": [record["step"] for record in run.records],
        "gradient_densities": [psi.density(norms) for norms in gradients],
        "full_steps": [record["step"] for record in full],
        "noise_densities": [psi.density(norms) for norms in noise],
        "smoothness_evennesses": [psi.evenness(values) for values in smoothness],
    }
