"""The plan of runs on a GPU: what comes first, and that every job has its programs."""

import json

from largebatch.benchmarks import gpu_plan
from largebatch.benchmarks.gpu_schedule import read_jobs
from largebatch.experiments.tables import prose, registry

JOBS = gpu_plan.jobs()


def test_every_job_has_an_exported_folder_and_a_title_of_its_own(tmp_path):
    folders = {export.folder: export.row for export in gpu_plan.exports()}
    assert {job.program for job in JOBS} == set(folders)
    for job in JOBS:
        row = registry.find(folders[job.program])
        assert job.updates == row.steps and job.name == row.name
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps([job.record() for job in JOBS]))
    assert read_jobs(path) == JOBS


def test_one_seed_of_each_optimizer_of_table_6_comes_first():
    first = JOBS[:5]
    assert [job.name for job in first] == list(gpu_plan.CIFAR10_ROWS)
    assert {job.seed for job in first} == {gpu_plan.FIRST_SEED}


def test_seeds_of_mnist_go_round_the_rows_and_are_as_many_as_planned():
    jobs = [job for job in JOBS if job.part == "mnist"]
    for row, seeds in gpu_plan.MNIST_ROWS.items():
        assert sorted(job.seed for job in jobs if job.name == row) == [
            gpu_plan.FIRST_SEED + number for number in range(seeds)
        ]
    assert len({job.name for job in jobs[: len(gpu_plan.MNIST_ROWS)]}) == len(gpu_plan.MNIST_ROWS)


def test_every_optimizer_of_prose_has_as_many_trials_at_the_middle_batch():
    trials = [job for job in JOBS if job.part == "prose trials"]
    for name in prose.OPTIMIZERS:
        mine = [job for job in trials if job.name == f"prose/{name}-{prose.MIDDLE}"]
        rates = registry.find(mine[0].name).grid["learning_rate"]
        assert tuple(job.settings["learning_rate"] for job in mine) == rates
        assert len(mine) == len(prose.FACTORS)


def test_runs_of_prose_wait_for_their_optimizers_trials_and_take_other_seeds():
    order = {job.title: place for place, job in enumerate(JOBS)}
    for job in JOBS:
        if job.part == "prose":
            assert len(job.after) == len(prose.FACTORS)
            assert all(order[title] < order[job.title] for title in job.after)
            assert job.seed != gpu_plan.FIRST_SEED and job.seed in gpu_plan.PROSE_SEEDS


def test_batches_of_prose_have_the_seeds_that_were_stated():
    for name in prose.OPTIMIZERS:
        for size in [*map(str, prose.BATCHES), "2048-1024"]:
            seeds = [job.seed for job in JOBS if job.name == f"prose/{name}-{size}"]
            seeds = [seed for seed in seeds if seed != gpu_plan.FIRST_SEED]  # of trials
            assert len(seeds) == (3 if size in prose.SEEDED else 1)


def test_a_rehearsals_rows_are_small_and_remain_rows():
    for export in gpu_plan.exports():
        row = gpu_plan.row_of(export, small=True)
        assert row.steps == 4 and row.batch_size <= 128
        assert row.name == export.row and row.overrides
