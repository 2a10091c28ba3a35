"""What a sweep runs: rows x grid x seeds, each with its folder and command."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from largebatch import programs
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.best import grid_points
from largebatch.experiments.records.folder_name import run_folder
from largebatch.experiments.records.match import differences
from largebatch.experiments.records.reader import Problem, read_run
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.scale import of as scales_of
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled


class Planned(NamedTuple):
    """One run to be made."""

    row: Row  # after scale, overrides and the point of the grid
    seed: int
    folder: str
    settings: dict[str, str]  # --set

    @property
    def title(self) -> str:
        grid = " ".join(f"{field}={getattr(self.row, field):g}" for field in self.row.grid)
        return " ".join(part for part in (self.row.name, grid, f"seed={self.seed}") if part)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command that makes it; `arguments` are further flags."""
        return [
            *(sys.executable, "-m", programs.RUN),
            f"--experiment={self.row.name}",
            f"--scale={self.row.scale}",
            f"--seed={self.seed}",
            f"--output_dir={self.folder}",
            *(f"--set={field}={text}" for field, text in self.settings.items()),
            *arguments,
        ]


def with_scale(rows: Sequence[Row], scale: str) -> tuple[list[Row], list[Row]]:
    """(those of `rows` that have the scale, the others): a row as run has none between the paper's
    and a few steps.

    Raises UserError where none has it.
    """
    kept = [row for row in rows if scale in scales_of(row)]
    if rows and not kept:
        scaled(rows[0], scale)  # says what is wanted
    return kept, [row for row in rows if row not in kept]


def plan(
    rows: Sequence[Row],
    root: str,
    *,
    scale: str = "paper",
    seeds: int = 1,
    full_grid: bool = True,
    settings: Mapping[str, str] | None = None,
) -> list[Planned]:
    """All runs, whole seeds first: an interrupted sweep has compared whole grids.

    A field of `settings` (field -> text, as --set) that is on a row's grid is held at that value.
    """
    if seeds < 1:
        raise UserError(f"--seeds={seeds}: want 1 or more")
    settings = dict(settings or {})
    planned = []
    # A run that two of the rows show is made once.
    rows = list({row.run_name: registry.run_of(row) for row in rows}.values())
    for seed in range(seeds):
        for row in rows:
            base = scaled(row, scale)
            points = grid_points(base) if full_grid else [{}]
            seen = set()
            for point in points:
                texts = {f: repr(v) for f, v in point.items() if f not in settings}
                texts.update(settings)
                if tuple(texts.items()) in seen:
                    continue
                seen.add(tuple(texts.items()))
                final = apply_overrides(base, texts)
                planned.append(Planned(final, seed, run_folder(root, final, seed), texts))
    return planned


def standing(planned: Planned) -> tuple[str, str]:
    """(what is there already, why) for a planned run.

    'todo', 'resume', 'finished', 'diverged', 'running' (by another process), or 'foreign': the
    folder holds a run of other settings, which a sweep must not take for its own.
    """
    found = read_run(planned.folder)
    if found is None:
        return "todo", ""
    if isinstance(found, Problem):
        # The run itself decides: it may continue from its checkpoint.
        return "todo", f"{found.path} {found.reason}"
    different = differences(found, planned.row, on_grid=False)
    if (found.name, found.scale, found.seed) != (planned.row.name, planned.row.scale, planned.seed):
        return "foreign", f"holds {found.name} at scale {found.scale}, seed {found.seed}"
    if different:
        field, (ours, theirs) = next(iter(different.items()))
        return "foreign", f"was run with {field}={theirs!r}, this sweep wants {ours!r}"
    return {"interrupted": "resume"}.get(found.status, found.status), ""
