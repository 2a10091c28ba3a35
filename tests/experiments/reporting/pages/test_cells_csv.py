"""Every cell of the report as a line of a CSV file."""

from __future__ import annotations

import csv
import io
import re

import pytest

from largebatch.experiments import sweep
from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.reporting.pages import cells_csv
from largebatch.experiments.tables import registry


def lines_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_csv_has_a_line_a_cell_with_numbers_as_they_are(written):
    lines = lines_of(written[0]["cells.csv"])
    assert tuple(lines[0]) == cells_csv.COLUMNS
    [found] = [
        line for line in lines if line["row"] == "table5/lamb-512" and line["scale"] == "paper"
        and line["metric"] == "top1"
    ]  # fmt: skip
    assert (found["mean"], found["std"], found["printed"]) == ("0.77", "", "0.7696")
    assert float(found["difference"]) == pytest.approx(0.0004)
    assert (found["seed_count"], found["status"], found["table"]) == ("1", "measured", "table5")
    laptop = [line for line in lines if line["scale"] == "laptop"]
    assert laptop and all(line["printed"] == "" == line["difference"] for line in laptop)
    [changed] = [line for line in lines if line["changed"]]
    assert (changed["status"], changed["changed"]) == ("overridden, finished", "epochs 3")
    cells = {(line["table"], line["row"]) for line in lines if line["scale"] == "paper"}
    assert len(cells) == sum(len(registry.module(table).ROWS) for table in registry.TABLES)


def test_every_command_of_the_csv_is_one_that_sweep_takes(written):
    commands = {line["command"] for line in lines_of(written[0]["cells.csv"])}
    assert len(commands) > 400
    for command in commands:
        assert command.startswith("python -m largebatch.experiments.sweep ")
        for flag in re.findall(r"--(\w+)", command):
            assert flag in sweep.FLAGS
        registry.find(re.search(r"--rows=(\S+)", command)[1])


def test_two_runs_of_a_row_that_disagree_are_not_averaged(make_run, tmp_path):
    make_run("table7/lamb", accuracy=0.9931, settings={"learning_rate": "0.01"})
    folder = make_run("table7/lamb", accuracy=0.1, seed=1, settings={"learning_rate": "0.01"})
    text = (folder / "result.json").read_text()
    (folder / "result.json").write_text(text.replace('"epochs": 30', '"epochs": 31'))
    made = gather(str(tmp_path), ["table7"])
    assert "disagrees with table7/lamb as it is now: epochs 31 (now 30)" in made.left_out[0].reason
    lines = lines_of(cells_csv.as_csv(made))
    [found] = [line for line in lines if line["row"] == "table7/lamb"]
    assert (found["mean"], found["seed_count"]) == ("0.9931", "1")
