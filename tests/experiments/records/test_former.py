"""Results of before: under the rows' names of now, and apart where a row has changed since."""

from __future__ import annotations

import os
import pathlib

import pytest

from largebatch.experiments.records import former
from largebatch.experiments.records.match import differences, row_of
from largebatch.experiments.records.reader import read_run
from largebatch.experiments.records.reopen import open_run
from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.tables import registry

RESULTS = pathlib.Path(__file__).parents[3] / "results"
MIXED = "table1/lamb-65536-32768"
TEXT = {"metrics": {"masked_lm_accuracy": 0.1}}


@pytest.mark.parametrize(
    ("then", "now", "settings"),
    [
        (MIXED, f"{MIXED}-nvidia", {}),
        (MIXED, f"{MIXED}-nvidia", {"rewarmup": "false"}),
        (f"{MIXED}-rule", MIXED, {}),
        (MIXED, MIXED, {}),
        (MIXED, MIXED, {"rewarmup": "false"}),
    ],
)
def test_a_result_is_of_the_row_whose_settings_it_has(make_run, tmp_path, then, now, settings):
    folder = make_run(now, scale="laptop", settings=settings, name=then, **TEXT)
    run = read_run(str(folder))
    assert run.name == then and row_of(run).name == now
    assert open_run(str(folder))[1].learning_rate == run.row["learning_rate"]
    made = gather(str(tmp_path), ["table1"])
    filled = [c.row.name for t in made.tables for c in t.cells if c.runs]
    apart = [item.row.name for item in made.overridden]
    assert (filled, apart) == (([now], []) if not settings else ([], [now]))
    assert made.left_out == []


def test_every_name_of_before_leads_to_rows_that_exist():
    for names in former.RENAMED.values():
        assert all(registry.find(name) for name in names)
    assert former.names("table7/lamb") == ("table7/lamb",)


def test_a_setting_that_a_row_had_before_is_shown_apart_and_named(make_run, tmp_path):
    name = "table12/adam-rate0.002"
    folder = make_run(name, scale="laptop", metrics={"top1": 0.98})
    text = (folder / "result.json").read_text()
    assert text.count('"epsilon": 1e-08') == 1
    # As before the row had an epsilon: null was Keras's 1e-7.
    (folder / "result.json").write_text(text.replace('"epsilon": 1e-08', '"epsilon": null'))
    made = gather(str(tmp_path), ["table12"])
    assert [(item.row.name, item.changes) for item in made.overridden] == [
        (name, {"epsilon": 1e-7})
    ]
    assert made.left_out == [] and not any(c.runs for t in made.tables for c in t.cells)


def test_an_open_setting_is_compared_as_what_it_stands_for(make_run):
    run = read_run(str(make_run("table5/lamb-512", metrics={"top1": 0.7})))
    row = registry.find("table5/lamb-512")
    run.row["norm"] = None if run.row["norm"] else "l2"
    assert differences(run, row) == {}
    run.row["norm"] = "l1"
    assert differences(run, row) == {"norm": ("l2", "l1")}


def test_fine_tuning_tells_runs_apart_only_where_it_is_what_they_are_judged_by(make_run):
    for scale, told in (("paper", {"squad_batch_size": (24, 32)}), ("laptop", {})):
        run = read_run(str(make_run("table1/lamb-512", scale=scale, **TEXT)))
        run.row["squad_batch_size"] = 32
        assert differences(run, row_of(run)) == told


@pytest.fixture(scope="module")
def committed():
    """The report of all committed results."""
    here = os.getcwd()
    os.chdir(RESULTS.parent)
    yield gather("results", registry.TABLES)
    os.chdir(here)


def test_every_committed_result_fills_a_cell_or_is_shown_apart(committed):
    assert committed.left_out == [] and committed.counted >= 284


def test_bert_on_docstrings_is_shown_apart_under_the_row_whose_rates_it_had(committed):
    """The laptop scale before it had books: no cell's, and no run of a changed row is lost."""
    apart = [o for o in committed.overridden if o.changes.get("dataset") == "python_text"]
    assert {o.row.name.split("/")[0] for o in apart} == {"table1", "table2", "table8"}
    measured = {
        o.row.name: o.point.summary(o.row.metric).mean
        for o in apart
        if o.row.name.startswith(MIXED) and "rewarmup" not in o.changes
    }
    assert measured[MIXED] == pytest.approx(0.1151, abs=5e-5)
    assert measured[f"{MIXED}-nvidia"] == pytest.approx(0.1111, abs=5e-5)
    filled = [run for t in committed.tables for c in t.cells for run in c.runs]
    assert not any(run.row["dataset"] == "python_text" for run in filled)
