"""What is run on a GPU: which rows are exported, and the jobs in the order of their worth.

The order answers first what the paper's small tables leave open (one seed of each optimizer of
Table 6, then seeds of Table 7 and of the whole of MNIST in one batch), then BERT over batch sizes,
then more seeds and rates. `gpu_schedule` runs as many of them as the time allows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from largebatch.benchmarks.gpu_schedule import Job, round_robin
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.prose import BATCHES, FACTORS, MIDDLE, MIXED, OPTIMIZERS, SEEDED
from largebatch.experiments.tables.prose import rate as prose_rate

# Apart from the seeds that a machine without a GPU begins with: a row can be run on both.
FIRST_SEED = 100
# Guesses of seconds an update on an H100, until one was measured.
CIFAR10, MNIST, WHOLE_MNIST, PROSE = 0.02, 0.004, 0.3, 0.002

CIFAR10_ROWS = tuple(f"table6/{name}-as-run"
                     for name in ("lamb", "momentum", "adamw", "adam", "adagrad"))  # fmt: skip
CIFAR10_SEEDS = 5
# Not the trials' seed: what chose the rate is no part of what is compared at it.
PROSE_SEEDS = (FIRST_SEED + 1, FIRST_SEED + 2, FIRST_SEED + 3)
# Seeds of each row of MNIST.
MNIST_ROWS = {
    "table7/lamb-as-run": 5,
    "table7/adamw": 5,  # AdamW itself, on the code's network and schedule
    "table7/momentum-as-run": 3,
    "table7/adam-as-run": 3,
    "table7/adagrad-as-run": 3,
    "limit/mnist-lamb-60000": 3,
    "limit/mnist-lars-60000": 3,
    "limit/mnist-momentum-60000": 2,
    "limit/mnist-lars-8192": 2,
    "limit/mnist-adam-50000": 2,
    "limit/mnist-lamb-50000": 2,
}
# Rates tried where time is left, for what has no log.
RATES = {"table6/adam-as-run": (0.5 / 512, 2 / 512, 4 / 512), "table7/adagrad-as-run": (0.1, 0.001)}
# Table 7 as the paper says: every point of its grid.
PRINTED_ROWS = ("table7/lamb", "table7/adamw", "table7/adam", "table7/momentum", "table7/adagrad")
PRINTED_SEEDS = 2


@dataclasses.dataclass(frozen=True)
class Export:
    """One folder of programs: a row with its overrides."""

    folder: str
    row: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Of the data."""
        return registry.find(self.row).dataset


def exports() -> list[Export]:
    """All folders that the jobs need, in the order in which they are first needed."""
    rows = dict.fromkeys(job.name for job in jobs())
    return [Export(folder_of(row), row) for row in rows]


def row_of(export: Export, small: bool = False) -> Row:
    """The row that is exported; with `small` a few updates of a small model, to rehearse with."""
    row = registry.run_of(registry.find(export.row))
    settings = {**export.settings, **(_small(row) if small else {})}
    return apply_overrides(row, {field: str(value) for field, value in settings.items()})


def _small(row: Row) -> dict[str, Any]:
    if row.task == "pretraining":
        later = {"stage2_batch_size": 4} if row.stage2_batch_size else {}
        return {"model": "bert_tiny", "batch_size": 4, "total_steps": 4, "stage2_steps": 2, **later}
    batch = 64 if row.batch_size <= 1024 else 128
    epochs = 4 * batch / row.training_examples
    changes = {"batch_size": batch, "epochs": epochs, "eval_every_epochs": epochs,
               "warmup_epochs": epochs / 4 if row.warmup_epochs else 0.0}  # fmt: skip
    if row.model == "davidnet":
        changes["model_width"] = 4
    groups = {"norm_batch": row.norm_batch, "clip_batch": row.clip_batch}
    changes |= {field: batch // 8 for field, group in groups.items() if group}
    return changes


def folder_of(row: str) -> str:
    return row.replace("/", "-")


def jobs() -> list[Job]:
    """Every run, in the order of its worth."""
    cifar10 = [list(_seeds(row, "table6", CIFAR10, CIFAR10_SEEDS)) for row in CIFAR10_ROWS]
    mnist = [list(_seeds(row, "mnist", _guess(row), seeds)) for row, seeds in MNIST_ROWS.items()]
    printed = [list(printed_grid(seed)) for seed in range(PRINTED_SEEDS)]
    decay = list(_seeds("table6/lamb", "table6", CIFAR10, 2))
    prose, more_prose = prose_jobs()
    first, second, *others = round_robin_rounds(cifar10)
    return [
        *first,
        *round_robin(mnist),
        *decay[:1],
        *printed[0],
        *prose,
        *second,
        *more_prose,
        *(job for jobs in printed[1:] for job in jobs),
        *rates(),
        *decay[1:],
        *(job for turn in others for job in turn),
    ]


def round_robin_rounds(groups: list[list[Job]]) -> list[list[Job]]:
    """The groups' first jobs, their second ones, ..."""
    longest = max(map(len, groups))
    return [round_robin([group[turn : turn + 1] for group in groups]) for turn in range(longest)]


def printed_grid(number: int) -> Iterator[Job]:
    """One seed of every point of Table 7's grid, but for the runs that are made anyway."""
    for name in PRINTED_ROWS:
        row = registry.find(name)
        for rate in row.grid["learning_rate"]:
            own = rate == row.learning_rate
            if not (own and name in MNIST_ROWS):
                settings = {} if own else {"learning_rate": rate}
                yield _job(row, FIRST_SEED + number, "mnist grid", MNIST, settings)


def rates() -> Iterator[Job]:
    """Other rates of a row's grid, one seed each."""
    for name, values in RATES.items():
        guess = CIFAR10 if name.startswith("table6") else MNIST
        for value in values:
            yield _job(registry.find(name), FIRST_SEED, "rates", guess, {"learning_rate": value})


def prose_jobs() -> tuple[list[Job], list[Job]]:
    """(the trials and the first seed of every batch size, the other seeds)."""
    trials = [_trial(name, factor) for factor in FACTORS for name in OPTIMIZERS]
    after = {
        name: tuple(job.title for job in trials if job.name == f"prose/{name}-{MIDDLE}")
        for name in OPTIMIZERS
    }
    sizes = [*map(str, reversed(BATCHES)), "-".join(map(str, MIXED))]
    first, others = [], []
    for size in sorted(sizes, key=lambda size: size not in SEEDED):
        for name in OPTIMIZERS:
            first.append(_prose(name, size, PROSE_SEEDS[0], after[name]))
            if size in SEEDED:
                others += [_prose(name, size, seed, after[name]) for seed in PROSE_SEEDS[1:]]
    warmup = f"{'-'.join(map(str, MIXED))}-one-warmup"
    once = [_prose("lamb", warmup, seed, after["lamb"]) for seed in PROSE_SEEDS]
    others.sort(key=lambda job: job.seed)
    return [*trials, *first, *once], others


def _trial(name: str, factor: float) -> Job:
    row = registry.find(f"prose/{name}-{MIDDLE}")
    return _job(row, FIRST_SEED, "prose trials", PROSE,
                {"learning_rate": prose_rate(name, MIDDLE, factor)})  # fmt: skip


def _prose(name: str, size: str, seed: int, after: tuple[str, ...]) -> Job:
    """A run at the factor that the trials will have chosen."""
    row = registry.find(f"prose/{name}-{size}")
    return dataclasses.replace(
        _job(row, seed, "prose", PROSE, {"factor": f"best of {name}'s trials"}), after=after
    )


def _seeds(name: str, part: str, guess: float, seeds: int) -> Iterable[Job]:
    row = registry.find(name)
    return (_job(row, FIRST_SEED + number, part, guess) for number in range(seeds))


def _guess(name: str) -> float:
    row = registry.find(name)
    return MNIST if row.batch_size <= 1024 else WHOLE_MNIST * row.batch_size / 60_000


def _job(row: Row, seed: int, part: str, guess: float, settings=None) -> Job:
    return Job(
        folder_of(row.name), seed, row.steps, part, dict(settings or {}), guess, name=row.name
    )
