"""The schedule of runs on a lent GPU, with a clock that the tests turn."""

import json

import pytest

from largebatch.benchmarks.gpu_schedule import Job, Schedule, read_jobs, round_robin


class Clock:
    """A run takes as long as `lasts` says of its program; nothing else takes time."""

    def __init__(self, **lasts):
        self.now, self.lasts, self.made = 100.0, lasts, []

    def __call__(self):
        return self.now

    def make(self, job, left):
        taken = self.lasts[job.program] * job.updates
        self.now += min(taken, left)
        self.made.append(job.title)
        return {"status": "finished" if taken <= left else "interrupted"}


def job(program, seed=0, updates=10, guess=1.0, **more):
    return Job(program, seed, updates, "a part", guess=guess, **more)


def schedule(clock, *jobs, seconds=1000.0):
    return Schedule(jobs, seconds, clock=clock, say=lambda line: None)


def states(entries):
    return {entry["title"]: entry["state"] for entry in entries}


def test_jobs_run_in_the_order_of_their_worth():
    clock = Clock(a=1, b=1)
    schedule(clock, job("b"), job("a", 1), job("a", 0)).run(clock.make)
    assert clock.made == ["b seed=0", "a seed=1", "a seed=0"]


def test_a_round_takes_one_job_of_every_group():
    groups = [[job("a", seed) for seed in range(3)], [job("b", seed) for seed in range(1)]]
    titles = [made.title for made in round_robin(groups)]
    assert titles == ["a seed=0", "b seed=0", "a seed=1", "a seed=2"]


def test_what_does_not_fit_is_passed_over_for_a_later_one_that_does():
    clock = Clock(long=10, short=1)
    entries = schedule(clock, job("long", guess=10), job("short"), seconds=50).run(clock.make)
    assert states(entries) == {"short seed=0": "done", "long seed=0": "left"}
    assert clock.now - 100 == 10


def test_measured_time_takes_the_place_of_the_guess():
    clock = Clock(a=2)  # guessed: 10 s a run; measured: 20 s
    entries = schedule(clock, *(job("a", seed) for seed in range(3)), seconds=45).run(clock.make)
    assert list(states(entries).values()) == ["done", "done", "left"]
    # Had it kept the guess, the third would have begun at 40 and run over the end.
    assert clock.now - 100 == 40


def test_a_failure_is_kept_with_its_trace_and_ends_no_other_job():
    clock = Clock(a=1, b=1)

    def make(job, left):
        if job.program == "a":
            raise ValueError("no such weight\nand more")
        return clock.make(job, left)

    entries = schedule(clock, job("a"), job("b")).run(make)
    assert states(entries) == {"a seed=0": "failed", "b seed=0": "done"}
    assert entries[0]["error"] == "ValueError: no such weight"
    assert "Traceback" in entries[0]["trace"]


def test_a_job_waits_for_its_program_and_a_later_one_goes_first():
    clock, compiled = Clock(slow=1, quick=1), {"quick"}

    def pause():
        compiled.add("slow")
        return True

    entries = schedule(clock, job("slow"), job("quick")).run(
        clock.make, ready=compiled.__contains__, pause=pause
    )
    assert clock.made == ["quick seed=0", "slow seed=0"]
    assert set(states(entries).values()) == {"done"}


def test_nothing_more_becomes_ready_ends_the_schedule():
    clock = Clock()
    entries = schedule(clock, job("a")).run(clock.make, ready=lambda program: False)
    assert states(entries) == {"a seed=0": "left"}


def test_jobs_of_a_program_that_does_not_compile_fail_with_its_reason():
    clock = Clock(a=1, b=1)
    made = schedule(clock, job("a"), job("b"))
    made.drop("a", "out of memory")
    entries = made.run(clock.make)
    assert states(entries) == {"a seed=0": "failed", "b seed=0": "done"}
    assert entries[0]["error"] == "out of memory"


def test_a_choice_runs_after_its_trials_whatever_became_of_them():
    clock = Clock(main=1, trial=1)
    trials = [job("trial", settings={"learning_rate": rate}) for rate in (0.1, 0.2)]
    titles = tuple(made.title for made in trials)
    schedule(clock, job("main", after=titles), *trials).run(clock.make)
    assert clock.made == [*titles, "main seed=0"]


def test_a_run_that_was_cut_off_is_left_and_not_done():
    clock = Clock(a=100)
    entries = schedule(clock, job("a"), seconds=50).run(clock.make)
    assert states(entries) == {"a seed=0": "left"} and clock.now - 100 == 50


def test_jobs_are_read_as_they_were_written_and_mistakes_are_named(tmp_path):
    path = tmp_path / "jobs.json"
    jobs = [
        job("a", settings={"learning_rate": 0.1}),
        job("b", after=("a learning_rate=0.1 seed=0",)),
    ]
    path.write_text(json.dumps([made.record() for made in jobs]))
    assert read_jobs(path) == jobs
    for wrong, message in (
        ([{"program": "a"}], "job 0 is not one"),
        ([jobs[0].record()] * 2, "two jobs are"),
        ([jobs[1].record()], "waits for"),
    ):
        path.write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match=message):
            read_jobs(path)


def test_a_call_that_goes_on_knows_what_ended_before():
    clock = Clock(main=1, trial=1)
    trial = job("trial")
    before = [{"title": trial.title, "state": "done", "seconds": 3.0}]
    made = Schedule(
        [job("main", after=(trial.title,))], 100, clock=clock, say=lambda line: None, before=before
    )
    assert states(made.run(clock.make)) == {"trial seed=0": "done", "main seed=0": "done"}
