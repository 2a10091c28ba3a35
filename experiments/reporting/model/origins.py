"""Where each cell's value is from: folders, code, date, versions and machine of its runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from largebatch.experiments.program.text_table import NOTHING, Sheet
from largebatch.experiments.records.reader import Run
from largebatch.experiments.reporting.model import words
from largebatch.experiments.reporting.model.cells import Cell, Report, TableReport

_SHOWN = ("python", "tensorflow", "tf-keras", "jax", "largebatch")  # versions, on a page


class Origin(NamedTuple):
    """Of one cell's runs; each field lists what they differ in, parted by '; '."""

    folder: str
    seeds: str
    commit: str
    date: str
    versions: str
    device: str
    engine: str


FIELDS = Origin._fields


def origin(runs: Sequence[Run], dates: Mapping[str, str]) -> Origin:
    """All of it, unshortened. `dates`: of commits, for runs that do not record their own."""
    return Origin(
        folder=_each(runs, lambda run: run.folder),
        seeds=" ".join(str(run.seed) for run in runs),
        commit=_each(runs, commit),
        date=_each(runs, lambda run: _date(run, dates)),
        versions=_each(runs, lambda run: ", ".join(f"{k} {v}" for k, v in _versions(run).items())),
        device=_each(
            runs, lambda run: f"{run.record.get('num_devices', '?')} x {words.device(run)}"
        ),
        engine=_each(runs, engine),
    )


def origins_sheet(table: TableReport, report: Report) -> Sheet | None:
    """A line a measured, diverged or interrupted cell; None where nothing was run."""
    lines = []
    for cell in table.all_cells:
        runs = shown_runs(cell)
        if not runs:
            continue
        full = origin(runs, report.dates)
        short = {
            "folder": _folders([os.path.relpath(run.folder, report.root) for run in runs]),
            "commit": _each(runs, lambda run: _short(commit(run))),
            "versions": _each(runs, _shown_versions),
            "engine": _each(runs, lambda run: f"{engine(run)}, {run.row.get('precision')}"),
        }
        lines.append([cell.row.name, *full._replace(**short)])
    return Sheet(["cell", *FIELDS], lines) if lines else None


def shown_runs(cell: Cell) -> tuple[Run, ...]:
    """Those that the cell's value is of, or that it has in place of one."""
    return cell.best.runs if cell.best else tuple(cell.runs)


def commit(run: Run) -> str:
    """'0123...', with '+changes' where files differed from it."""
    return str(run.record.get("commit") or "unknown")


def engine(run: Run) -> str:
    """What has executed the run: TensorFlow, or an exported program on a device of JAX's."""
    versions = _versions(run)
    if run.record.get("engine") == "pjrt":
        return f"exported program (pjrt) on JAX {versions.get('jax', 'unknown')}"
    return f"TensorFlow {versions.get('tensorflow', 'unknown')}"


def _versions(run: Run) -> dict:
    versions = run.record.get("versions")
    return versions if isinstance(versions, dict) else {}


def _shown_versions(run: Run) -> str:
    versions = _versions(run)
    return ", ".join(f"{name} {versions[name]}" for name in _SHOWN if name in versions) or NOTHING


def _date(run: Run, dates: Mapping[str, str]) -> str:
    """'2026-11-20'; of an older result, '2026-11-20 (its commit)'."""
    own = run.record.get("date")
    if isinstance(own, str):
        return own
    found = dates.get(commit(run).partition("+")[0])
    return f"{found} (its commit)" if found else "not recorded"


def _short(text: str) -> str:
    name, plus, _ = text.partition("+")
    return f"{name[:10]}{' with changes' if plus else ''}"


def _each(runs: Iterable[Run], told: Callable[[Run], str]) -> str:
    return "; ".join(dict.fromkeys(told(run) for run in runs))


def _folders(paths: Sequence[str]) -> str:
    """'table7/lamb/learning_rate=0.01/seed=0 1 2' where nothing but the seeds differ."""
    parents = {os.path.dirname(path) for path in paths}
    seeds = [os.path.basename(path).partition("=") for path in paths]
    if len(paths) > 1 and len(parents) == 1 and all(name == "seed" for name, *_ in seeds):
        return f"{parents.pop()}/seed={' '.join(seed for *_, seed in seeds)}"
    return "; ".join(paths)
