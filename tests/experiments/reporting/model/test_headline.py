"""The first lines of a report: a line a table, and what follows for its claims."""

from __future__ import annotations

import pytest

from largebatch.experiments.reporting.model import headline
from largebatch.experiments.reporting.model.cells import gather


@pytest.fixture
def report(tmp_path):
    return lambda *tables: gather(str(tmp_path), tables)


def told(made):
    sheet = headline.sheet(headline.lines(made))
    return [dict(zip(sheet.header, row)) for row in sheet.rows]


def test_a_table_is_told_by_the_row_with_the_best_printed_value(make_run, report):
    for seed, accuracy in enumerate((0.9940, 0.9944)):
        make_run("table7/lamb", settings={"learning_rate": "0.01"}, seed=seed, accuracy=accuracy)
    make_run("table7/momentum", settings={"learning_rate": "0.01"}, accuracy=0.9990)
    [line] = told(report("table7"))
    assert (line["table"], line["scale"], line["row"]) == ("Table 7", "paper", "LAMB")
    assert (line["printed"], line["measured"]) == ("0.9945", "0.9942 ± 0.0003")
    assert (line["difference"], line["n"], line["cells"]) == ("-0.0003", "2", "2 of 5")


def test_as_run_has_a_line_of_its_own(make_run, report):
    make_run("table7/lamb", accuracy=0.99, settings={"learning_rate": "0.01"})
    make_run("table7/lamb-as-run", accuracy=0.9940)
    assert [(line["scale"], line["measured"]) for line in told(report("table7"))] == [
        ("paper", "0.9900"),
        ("as run", "0.9940"),
    ]


def test_the_papers_scale_comes_first_and_a_smaller_one_has_nothing_printed(make_run, report):
    make_run("table5/lamb-512", scale="laptop", metrics={"top1": 0.98, "loss": 0.1})
    make_run("table7/lamb", accuracy=0.99, settings={"learning_rate": "0.01"})
    lines = told(report("table5", "table7"))
    assert [(line["table"], line["scale"]) for line in lines] == [
        ("Table 7", "paper"),
        ("Table 5", "laptop"),
    ]
    assert (lines[1]["printed"], lines[1]["difference"]) == ("-", "-")
    assert lines[1]["metric"] == "test top-1 accuracy"


def test_what_was_never_measured_is_named(make_run, report):
    make_run("table7/lamb", status="diverged")
    make_run("table5/lamb-512", scale="laptop", metrics={"top1": 0.98, "loss": 0.1})
    made = report("table5", "table6", "table7")
    assert [table.table for table in headline.untouched(made)] == ["table6", "table7"]
    assert headline.sheet(headline.lines(report("table6"))) is None


def test_the_claims_that_a_tables_rows_test_stand_beside_it(make_run, report):
    for seed in range(3):
        make_run("table7/lamb-as-run", seed=seed, accuracy=0.9940 + 1e-4 * seed)
        make_run("table7/adamw", seed=seed, accuracy=0.9930 + 1e-4 * seed)
    made = report("table5", "table7")
    five, seven = (t for t in made.tables if t.scale == "paper")
    assert headline.conclusions(made, [five]) == []
    found = {(one.claim, one.scale): one for one in headline.conclusions(made, [seven])}
    one = found["mnist-above-adamw", "as run"]
    assert one.word == "holds" and one.sentence == "LAMB is above AdamW on MNIST with LeNet"
    assert "+0.0010 [" in one.figures and one.figures.endswith("n = 3 and 3")
    assert ("mnist-above-adamw", "laptop") not in found
