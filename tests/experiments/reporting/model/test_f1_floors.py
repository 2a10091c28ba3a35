"""What a run says of its floors stands beside its value in a report."""

import pytest

from largebatch.experiments.reporting.model import notes, words
from largebatch.experiments.reporting.model.cells import gather

METRICS = {"f1": 30.0, "exact_match": 20.0}


def floors(value):
    return {"f1": {"random spans": value}, "exact_match": {"random spans": 0.1}}


def test_a_table_of_f1_notes_the_floor_and_changed_runs_have_a_column_of_it(make_run, tmp_path):
    for seed, floor in enumerate((4.0, 5.0)):
        settings = {"model": "bert_L-6_H-384_A-12"}
        make_run("table1/baseline", seed=seed, metrics=METRICS, floors=floors(floor),
                 settings=settings)  # fmt: skip
    make_run("table1/lamb-512", metrics=METRICS, floors=floors(4.25))
    make_run("table1/lamb-1024", metrics=METRICS)
    report = gather(str(tmp_path), ["table1"])
    assert not report.left_out
    assert "Floor of LAMB 512: random spans 4.250." in notes.notes(report.tables[0])
    sheet = words.overridden_sheet(report.overridden)
    assert sheet.header[-1] == "floor"
    assert sheet.rows == [
        ["table1/baseline", "paper", "model bert_L-6_H-384_A-12", "30.000 ± 0.000 (2)", "finished",
         "random spans 4.500"]
    ]  # fmt: skip


@pytest.mark.parametrize("odd", [None, 3, {"f1": 4}, {"f1": {"x": "y"}}, {"f1": {"x": 1e999}}])
def test_a_run_that_says_nothing_of_floors_has_none(make_run, tmp_path, odd):
    make_run("table1/baseline", metrics=METRICS, floors=odd, settings={"squad_epochs": "3"})
    report = gather(str(tmp_path), ["table1"])
    assert "floor" not in words.overridden_sheet(report.overridden).header
    assert not [note for note in notes.notes(report.tables[0]) if note.startswith("Floor")]
