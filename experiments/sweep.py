"""Runs rows x tuning grid x seeds, each in its own folder and process.

    python -m largebatch.experiments.sweep --table=7 --seeds=5 --data_dir=DIR --output_dir=runs
    python -m largebatch.experiments.sweep --rows='table6/adam*' --grid=none
    python -m largebatch.experiments.sweep --table=7 --seeds=5 --dry_run

Runs that have finished or diverged are skipped and interrupted ones continue, so the same command
does what is left. A failed run does not stop the others; failures are listed at the end, with the
best point of each grid, chosen on the test accuracy as in the paper. Ctrl-C or SIGTERM lets active
runs write a checkpoint first. Exit codes: 0; 1 if a run failed; 2 for a mistake; 130 or 143.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from largebatch import cli
from largebatch.experiments.launching import flags as execution_flags
from largebatch.experiments.launching import preflight
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records import best
from largebatch.experiments.records.match import differences
from largebatch.experiments.records.reader import Run, read_run
from largebatch.experiments.rows.overrides import parse_assignments
from largebatch.experiments.rows.row import Row
from largebatch.experiments.sweeping.plan import Planned, plan, scales_of, standing, with_scale
from largebatch.experiments.sweeping.pool import LOG, Job, Pool, reason
from largebatch.experiments.sweeping.progress import Progress
from largebatch.experiments.tables import registry
from largebatch.experiments.tasks import workload

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
execution_flags.define(FLAGS)
execution_flags.define_of_runs(FLAGS)
define.string("table", None, "The tables to run: 7, or 3,5.")
define.string("rows", None, "The rows to run: a glob, 'table7/adam*'.")
define.integer("seeds", 1, "How many runs of each point, with seeds 0, 1, ...")
define.enum("grid", "full", ["full", "none"], "Each row's tuning grid, or its own values only.")
define.output_folder("output_dir", "runs", "The folder of all runs.")
define.integer("jobs", 1, "How many runs at the same time; they share the cores.")
define.boolean("dry_run", False, "Print what would be run, and exit.")


def main() -> int:
    cli.at_least(FLAGS, jobs=1)
    rows, without = _rows()
    planned = plan(
        rows,
        FLAGS.output_dir,
        scale=FLAGS.scale,
        seeds=FLAGS.seeds,
        full_grid=FLAGS.grid == "full",
        settings=parse_assignments(FLAGS.set),
    )
    todo, blocked = _sort(planned)
    if without:
        names = ", ".join(row.name for row in without)
        print(f"left out: {names} ({_why_without(without[0])})", file=sys.stderr)
    if FLAGS.dry_run:
        for item in todo:
            print(item.title, item.folder)
        return 0
    for row in {item.row.name: item.row for item in todo}.values():
        workload.check_folder(row, FLAGS.data_dir)
    if todo:
        preflight.check_device(FLAGS.device, FLAGS.tpu)
    arguments = execution_flags.given(FLAGS)
    if FLAGS.jobs > 1:
        arguments.append(f"--threads={max(1, (os.cpu_count() or 1) // FLAGS.jobs)}")
    pool = Pool(FLAGS.jobs)
    progress = Progress(len(todo), pool, quiet=FLAGS.quiet)
    pool.run(_jobs(todo, arguments, progress), progress.ended, progress.poll)
    print()
    print_best(planned)
    print_failures(progress, blocked)
    if pool.stopped_by is not None:
        print(f"stopped after {progress.done} of {len(todo)} runs; the same command continues")
        return 128 + pool.stopped_by
    return 1 if progress.failures or blocked else 0


def _jobs(todo: list[Planned], arguments: list[str], progress: Progress) -> Iterator[Job]:
    """What is still to be run when its turn comes: another sweep may have taken it meanwhile."""
    for item in todo:
        state, _ = standing(item)
        if state in ("finished", "diverged", "running"):
            progress.taken(item.title, state)
        else:
            yield Job(item.title, item.folder, item.command(arguments))


def _globs() -> list[str]:
    if (FLAGS.table is None) == (FLAGS.rows is None):
        raise UserError("want one of --table=7 and --rows='table7/lamb'")
    if FLAGS.rows is not None:
        return [FLAGS.rows]
    return [f"{table}/*" for table in registry.table_names(FLAGS.table)]


def _why_without(row: Row) -> str:
    if FLAGS.scale in scales_of(row):
        return "the first author's code ran these; --rows=NAME runs one"
    return f"the first author's code ran these, which have no {FLAGS.scale} scale"


def _rows() -> tuple[list[Row], list[Row]]:
    """(the rows to run, those as run that are not among them).

    --table means the rows as the paper prints them. Those that follow the first author's code are
    asked for by name (--rows) and have no laptop scale.
    """
    found = [row for glob in _globs() for row in registry.matching(glob)]
    if FLAGS.table is not None:
        rows = [row for row in found if not row.follows_code]
    else:
        rows, _ = with_scale(found, FLAGS.scale)
    return rows, [row for row in found if row not in rows]


def _sort(planned: list[Planned]) -> tuple[list[Planned], list[str]]:
    """(what is to be run, why some cannot be), after printing the counts."""
    todo, blocked = [], []
    counts: dict[str, int] = {}
    for item in planned:
        state, why = standing(item)
        counts[state] = counts.get(state, 0) + 1
        if state in ("todo", "resume"):
            todo.append(item)
            if why:
                cli.warn(f"{item.title}: {why}")
        elif state == "foreign":
            blocked.append(f"{item.folder}: {why}; remove it or take another --output_dir")
    words = {
        "finished": "finished already",
        "diverged": "diverged already",
        "running": "running in another process",
        "foreign": "whose folders hold something else",
        "resume": "to be continued",
        "todo": "to be run",
    }
    parts = [f"{counts[state]} {text}" for state, text in words.items() if state in counts]
    print(f"{len(planned)} runs: {', '.join(parts)}", flush=True)
    return todo, blocked


def print_best(planned: list[Planned]) -> None:
    """The best point of each row, from whatever has been run of what was planned."""
    by_row: dict[str, list[tuple[Row, Run]]] = {}
    for item in planned:
        found = read_run(item.folder)
        if isinstance(found, Run) and not differences(found, item.row, on_grid=False):
            by_row.setdefault(item.row.name, []).append((item.row, found))
    if not by_row:
        return
    tuned = any(row.grid for pairs in by_row.values() for row, _ in pairs)
    print(f"best of each grid, {best.HOW}:" if tuned else "measured:")
    for name, pairs in by_row.items():
        row, metric = pairs[0][0], pairs[0][0].metric
        points = best.at_points(row, [run for _, run in pairs])
        chosen = best.best(points, metric)
        if chosen is None:
            print(f"  {name}: no run has finished")
            continue
        summary = chosen.summary(metric)
        spread = f" ± {summary.std:.4f}" if summary.n > 1 else ""
        at = ", ".join(f"{field}={value:g}" for field, value in chosen.values.items())
        tried = sum(bool(point.runs) for point in points)
        # A scaled or overridden run is not to be compared with the paper's number.
        is_papers = row.scale == "paper" and set(row.overrides) <= set(row.grid)
        printed = row.paper.get(metric) if is_papers else None  # a study's row has none
        printer = "a log" if row.printed_source(metric).kind == "code" else "the paper"
        print(
            f"  {name}: {metric} {summary.mean:.4f}{spread} (n={summary.n})"
            + (f" at {at}, best of {tried} of {len(points)} points" if at else "")
            + ("" if printed is None else f"; {printer}: {printed}")
        )


def print_failures(progress: Progress, blocked: list[str]) -> None:
    if progress.failures:
        print(f"{len(progress.failures)} runs failed:", file=sys.stderr)
    for end in progress.failures:
        log = os.path.join(end.job.folder, LOG)
        cli.warn(f"  {end.job.title}: {reason(end)} (see {log})")
    for line in blocked:
        print(f"  not run: {line}", file=sys.stderr)


sweep, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
