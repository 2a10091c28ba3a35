from __future__ import annotations

import fcntl
import math

import pytest

from largebatch.experiments.reporting.model.cells import gather


def cell(report, name, scale="paper"):
    found = [c for t in report.tables if t.scale == scale for c in t.cells if c.row.name == name]
    return found[0]


@pytest.fixture
def report(tmp_path):
    return lambda table="table7": gather(str(tmp_path), [table])


def test_a_cell_holds_the_best_point_over_its_seeds(make_run, report):
    for rate, accuracy in ((0.1, 0.95), (0.01, 0.99)):
        for seed in range(3):
            settings = {"learning_rate": str(rate)}
            make_run("table7/lamb", settings=settings, seed=seed, accuracy=accuracy + seed / 1000)
    found = cell(report(), "table7/lamb")
    assert found.status == "measured"
    assert found.best.values == {"learning_rate": 0.01}
    assert found.summary.mean == pytest.approx(0.991)
    assert found.summary.std == pytest.approx(0.001) and found.summary.n == 3
    assert found.printed == 0.9945


def test_an_overridden_run_fills_no_cell(make_run, report):
    for seed in range(2):
        make_run("table7/lamb", settings={"epochs": "3"}, seed=seed)
    made = report()
    assert cell(made, "table7/lamb").status == "not run"
    assert [(o.row.name, o.changes, len(o.point.runs)) for o in made.overridden] == [
        ("table7/lamb", {"epochs": 3.0}, 2)
    ]
    assert made.left_out == []


def test_overrides_that_differ_are_not_averaged(make_run, report):
    make_run("table7/lamb", settings={"epochs": "3"})
    make_run("table7/lamb", settings={"epochs": "4"})
    make_run("table7/lamb", settings={"epochs": "4", "learning_rate": "0.1"})
    assert len(report().overridden) == 3


def test_a_rate_off_the_grid_is_an_override(make_run, report):
    make_run("table7/lamb", settings={"learning_rate": "0.05"})
    made = report()
    assert cell(made, "table7/lamb").status == "not run"
    assert made.overridden[0].changes == {"learning_rate": 0.05}


def test_a_scaled_run_is_in_a_table_of_its_own_without_the_papers_value(make_run, report):
    make_run("table7/lamb", scale="laptop")
    made = report()
    assert [table.scale for table in made.tables] == ["paper", "laptop"]
    assert cell(made, "table7/lamb").status == "not run"
    scaled = cell(made, "table7/lamb", "laptop")
    assert scaled.status == "measured" and scaled.printed is None


def test_settings_that_disagree_with_the_row_are_named_and_left_out(make_run, report):
    make_run("table7/lamb", seed=0, accuracy=0.9)
    folder = make_run("table7/lamb", seed=1, accuracy=0.8)
    text = (folder / "result.json").read_text()
    (folder / "result.json").write_text(text.replace('"batch_size": 1024', '"batch_size": 2048'))
    made = report()
    assert cell(made, "table7/lamb").summary[::2] == (0.9, 1)
    [problem] = made.left_out
    assert problem.path == str(folder)
    assert "batch_size 2048 (now 1024)" in problem.reason


def test_the_same_seed_twice_counts_once(make_run, report, tmp_path):
    make_run("table7/lamb", accuracy=0.9)
    make_run("table7/lamb", accuracy=0.8, folder=tmp_path / "copy", status="interrupted")
    made = report()
    assert cell(made, "table7/lamb").summary.n == 1
    [problem] = made.left_out
    assert problem.path == str(tmp_path / "copy") and "is the same run, seed 0" in problem.reason


def test_a_row_that_this_version_does_not_have_is_left_out(make_run, report):
    make_run("table7/lamb", name="table7/lamb2")
    assert "names 'table7/lamb2'" in report().left_out[0].reason


def test_a_finished_run_without_the_papers_metric_is_left_out(make_run, report):
    make_run("table7/lamb", metrics={"loss": 0.5})
    made = report()
    assert "without a value of 'accuracy'" in made.left_out[0].reason
    assert cell(made, "table7/lamb").status == "not run"


def test_runs_of_other_tables_are_ignored(make_run, report):
    make_run("table6/lamb")
    made = report()
    assert [table.table for table in made.tables] == ["table7"]
    assert (made.left_out, made.overridden) == ([], [])


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "not run"),
        (["diverged"], "diverged"),
        (["interrupted", "diverged"], "interrupted"),
        (["finished", "diverged", "interrupted"], "measured"),
    ],
)
def test_the_status_of_a_cell(make_run, report, statuses, expected):
    for seed, status in enumerate(statuses):
        make_run("table6/momentum", seed=seed, status=status)
    found = cell(report("table6"), "table6/momentum")
    assert found.status == expected
    assert sum(found.counts.values()) == len(statuses)


def test_a_run_that_holds_its_lock_is_running(make_run, report):
    folder = make_run("table6/momentum", with_result=False)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert cell(report("table6"), "table6/momentum").status == "running"


def test_a_diverged_seed_does_not_enter_the_mean(make_run, report):
    make_run("table6/momentum", seed=0, accuracy=0.9)
    make_run("table6/momentum", seed=1, status="diverged")
    summary = cell(report("table6"), "table6/momentum").summary
    assert summary.mean == 0.9 and summary.n == 1 and math.isnan(summary.std)
