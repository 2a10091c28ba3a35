"""The report beside what the first author's code ran, and on the images that were scored."""

from __future__ import annotations

import csv
import io

import pytest

from largebatch.experiments.report import FORMATS
from largebatch.experiments.reporting.model import grids, like_with_like
from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.reporting.pages.cells_csv import as_csv
from largebatch.experiments.reporting.pages.text import as_text


@pytest.fixture
def report(tmp_path):
    return lambda table="table7": gather(str(tmp_path), [table])


def lines(report):
    sheet = grids.as_sheet(grids.grid(report.tables[0]))
    return {row[0]: row[1:] for row in sheet.rows}


def test_what_the_code_ran_is_a_line_below_and_no_column(make_run, report):
    for seed, accuracy in enumerate((0.9938, 0.9942)):
        make_run("table7/lamb-as-run", seed=seed, accuracy=accuracy)
    make_run("table7/lamb", settings={"learning_rate": "0.01"}, accuracy=0.99)
    made = report()
    assert [cell.row.label for cell in made.tables[0].cells] == [
        *("Momentum", "Addgrad", "ADAM", "ADAMW", "LAMB")
    ]
    found = lines(made)
    name = "Average accuracy over 5 runs"
    assert found[f"{name}: printed"][-1] == "0.9945"
    assert found[f"{name}: measured"][-1] == "0.9900"
    # One run of LAMB's code stands below both of the names that it was printed under.
    assert found["as run: measured"] == ["not run"] * 3 + ["0.9940 ± 0.0003 (n = 2)"] * 2
    assert found["as run: difference"] == ["-", "-", "-", "-0.0001", "-0.0005"]
    text = as_text(made)
    assert "table7/adamw-as-run is the same run as table7/lamb-as-run." in text
    assert "run --describe --experiment=table7/" in text


def test_a_changed_run_of_the_code_fills_no_line(make_run, report):
    make_run("table7/lamb-as-run", settings={"weight_decay": "0.1"}, accuracy=0.9)
    made = report()
    assert lines(made)["as run: measured"][-1] == "not run"
    assert [(o.row.name, o.changes) for o in made.overridden] == [
        ("table7/lamb-as-run", {"weight_decay": 0.1})
    ]


def test_a_smaller_scale_has_no_line_of_it(make_run, report):
    make_run("table7/lamb", scale="laptop")
    made = report()
    laptop = next(table for table in made.tables if table.scale == "laptop")
    assert laptop.all_cells == laptop.cells and len(laptop.cells) == 5


def scored(accuracy, subset=None):
    metrics = {"accuracy": accuracy, "loss": 0.2, "examples": 10_000}
    return metrics if subset is None else {**metrics, "accuracy_subset": subset}


def test_the_difference_is_on_the_images_that_were_scored(make_run, report):
    for seed in range(2):
        make_run("table6/lamb-as-run", seed=seed, metrics=scored(0.9340, 0.9360))
    made = report("table6")
    found = lines(made)
    assert found["as run: measured"][-1] == (
        "0.9340 ± 0.0000 (n = 2, first 8,000: 0.9360 ± 0.0000)"
    )
    assert found["as run: difference"][-1] == "-0.0048 (on first 8,000)"
    compared = [like_with_like.scored_on(c.as_run[0]) for c in made.tables[0].cells]
    assert compared == ["all images", "first 8,000", "all images", "all images", "first 8,000"]


def test_a_result_without_that_score_is_compared_on_all_images_and_says_so(make_run, report):
    make_run("table6/lamb-as-run", metrics=scored(0.9340))
    made = report("table6")
    found = lines(made)
    assert found["as run: difference"][-1] == "-0.0068 (on all images (printed: first 8,000))"
    note = "Compared on all images, as the runs have no other score: table6/lamb-as-run."
    assert note in as_text(made)


def test_one_run_without_that_score_is_not_averaged_with_those_that_have_it(make_run, report):
    make_run("table6/lamb-as-run", seed=0, metrics=scored(0.93, 0.94))
    make_run("table6/lamb-as-run", seed=1, metrics=scored(0.93))
    cell = report("table6").tables[0].cells[-1].as_run[0]
    assert like_with_like.compared_metric(cell) == "accuracy"
    assert like_with_like.difference(cell) == pytest.approx(0.93 - 0.9408)


def test_a_logs_value_is_marked(make_run, report):
    make_run("limit/mnist-lamb-60000", accuracy=0.986)
    made = report("limit")
    assert "0.9887 (log)" in as_text(made) and "0.9887 (log)" in FORMATS["markdown"](made)
    assert "(log): not printed in the paper" in as_text(made)
    grid = grids.grid(made.tables[0])
    texts = {line[0].text: [item.text for item in line[1:]] for line in grid.lines}
    assert "0.9887 (log)" in texts["MNIST, LAMB: printed"]
    assert "0.9860" in texts["MNIST, LAMB: measured"]


def test_the_csv_says_what_is_compared_and_with_what(make_run, report):
    make_run("table6/lamb-as-run", metrics=scored(0.9340, 0.9360))
    rows = list(csv.DictReader(io.StringIO(as_csv(report("table6")))))
    found = {(row["row"], row["metric"]): row for row in rows}
    judged = found["table6/lamb-as-run", "accuracy"]
    assert (judged["twin"], judged["printed_from"]) == ("table6/lamb", "paper")
    assert judged["compared"] == "accuracy_subset"
    assert float(judged["difference"]) == pytest.approx(0.9360 - 0.9408)
    assert float(found["table6/lamb-as-run", "accuracy_subset"]["mean"]) == 0.936
    limit = list(csv.DictReader(io.StringIO(as_csv(report("limit")))))
    log = next(row for row in limit if row["row"] == "limit/mnist-lamb-60000")
    assert (log["printed"], log["printed_from"]) == ("0.9887", "code")


def test_the_page_has_the_code_below_the_paper(make_run, report):
    make_run("table6/lamb-as-run", metrics=scored(0.9340, 0.9360))
    grid = grids.grid(report("table6").tables[0])
    found = {line[0].text: line[-1] for line in grid.lines}
    item = found["as run: measured"]
    assert (item.text, item.statuses) == ("0.9340", ("measured",))
    assert "first 8,000: 0.9360" in item.note
    assert (found["as run: difference"].text, found["as run: difference"].note) == (
        *("-0.0048", "on first 8,000"),
    )
