from __future__ import annotations

import math
import statistics

from hypothesis import given
from hypothesis import strategies as st

from largebatch.experiments.records.best import at_points, best, grid_points, summarize
from largebatch.experiments.records.match import differences, row_of
from largebatch.experiments.records.reader import Run
from largebatch.experiments.tables import registry

LAMB = registry.find("table7/lamb")


def run_at(rate, seed, accuracy=None, status="finished"):
    metrics = {} if accuracy is None else {"accuracy": accuracy}
    row = {"learning_rate": rate}
    return Run("folder", LAMB.name, "paper", seed, status, {}, row, metrics, {})


def chosen(*runs):
    point = best(at_points(LAMB, runs), "accuracy")
    return point and point.values["learning_rate"]


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20))
def test_mean_and_sample_deviation(values):
    summary = summarize(values)
    assert summary.n == len(values)
    assert math.isclose(summary.mean, statistics.fmean(values), rel_tol=1e-9, abs_tol=1e-9)
    assert math.isclose(summary.std, statistics.stdev(values), rel_tol=1e-6, abs_tol=1e-9)


def test_one_value_has_no_deviation_and_none_has_no_mean():
    assert summarize([0.5])[::2] == (0.5, 1) and math.isnan(summarize([0.5]).std)
    assert math.isnan(summarize([]).mean)


def test_the_highest_mean_over_the_seeds_wins():
    assert chosen(run_at(0.1, 0, 0.99), run_at(0.1, 1, 0.93),
                  run_at(0.01, 0, 0.97), run_at(0.01, 1, 0.97)) == 0.01  # fmt: skip


def test_points_are_compared_over_the_seeds_that_they_share():
    # Seed 1 is easy, and was run at one point alone.
    assert chosen(run_at(0.1, 0, 0.90), run_at(0.1, 1, 0.99), run_at(0.01, 0, 0.92)) == 0.01


def test_a_point_with_a_diverged_seed_is_chosen_only_where_every_point_has_one():
    diverged = run_at(0.1, 1, status="diverged")
    assert (
        chosen(run_at(0.1, 0, 0.99), diverged, run_at(0.01, 0, 0.9), run_at(0.01, 1, 0.9)) == 0.01
    )
    assert chosen(run_at(0.1, 0, 0.99), diverged) == 0.1


def test_nothing_is_chosen_where_nothing_has_finished():
    assert chosen() is None
    assert chosen(run_at(0.1, 0, status="diverged"), run_at(0.01, 0, status="interrupted")) is None


def test_a_row_without_a_grid_has_one_point():
    assert grid_points(registry.find("table6/momentum")) == [{}]
    assert len(grid_points(registry.find("table6/adamw"))) == 34 * 5


def test_a_run_of_the_row_differs_in_nothing_but_its_grid_point(make_run, tmp_path):
    from largebatch.experiments.records.reader import read_run

    folder = make_run("table7/lamb", settings={"learning_rate": "0.1", "epochs": "3"})
    run = read_run(str(folder))
    assert differences(run, row_of(run)) == {"epochs": (30, 3.0)}
    assert set(differences(run, row_of(run), on_grid=False)) == {"learning_rate", "epochs"}
    off_grid = read_run(str(make_run("table7/lamb", settings={"learning_rate": "0.3"})))
    assert differences(off_grid, LAMB) == {"learning_rate": (0.01, 0.3)}


def test_how_often_the_test_set_is_looked_at_makes_no_difference(make_run):
    from largebatch.experiments.records.reader import read_run

    run = read_run(str(make_run("table7/lamb", settings={"eval_every_epochs": "5"})))
    assert differences(run, LAMB) == {}
