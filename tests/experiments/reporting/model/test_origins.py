"""Where each value is from: of every cell, on the page and as columns of the CSV file."""

from __future__ import annotations

import csv
import io
import subprocess

from largebatch.checkout import PACKAGE
from largebatch.experiments.records import provenance
from largebatch.experiments.reporting.model import origins
from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.reporting.pages.cells_csv import COLUMNS, as_csv

CODE = {"versions": {"python": "3.11.7", "tensorflow": "2.15.1"}, "commit": "a" * 40 + "+changes"}


def sheet_of(report):
    sheet = origins.origins_sheet(report.tables[0], report)
    return [dict(zip(sheet.header, row)) for row in sheet.rows]


def test_a_cell_names_the_runs_that_its_value_is_of(make_run, tmp_path):
    for seed in (0, 3):
        make_run("table7/lamb", settings={"learning_rate": "0.01"}, seed=seed, date="2026-11-20",
                 num_devices=2, **CODE)  # fmt: skip
    make_run("table7/lamb", settings={"learning_rate": "0.1"}, accuracy=0.5)
    make_run("table7/adam", status="diverged")
    [adam, lamb] = sheet_of(gather(str(tmp_path), ["table7"]))
    assert lamb["folder"] == "table7/lamb/learning_rate=0.01/seed=0 3" and lamb["seeds"] == "0 3"
    assert (lamb["commit"], lamb["date"]) == ("aaaaaaaaaa with changes", "2026-11-20")
    assert (lamb["device"], lamb["engine"]) == ("2 x CPU:0", "TensorFlow 2.15.1, float32")
    assert lamb["versions"] == "python 3.11.7, tensorflow 2.15.1"
    assert adam["cell"] == "table7/adam" and adam["seeds"] == "0"


def test_runs_that_differ_are_all_named(make_run, tmp_path):
    rate = {"learning_rate": "0.01"}
    make_run("table7/lamb", settings=rate, **CODE)
    make_run("table7/lamb", settings=rate, seed=1, folder=tmp_path / "elsewhere" / "run",
             engine="pjrt", device_kind="NVIDIA H200", versions={"jax": "0.11.2"})  # fmt: skip
    [lamb] = sheet_of(gather(str(tmp_path), ["table7"]))
    assert lamb["folder"] == "table7/lamb/learning_rate=0.01/seed=0; elsewhere/run"
    assert lamb["device"] == "1 x CPU:0; 1 x NVIDIA H200"
    assert lamb["engine"].endswith("exported program (pjrt) on JAX 0.11.2, float32")


def test_the_csv_has_the_same_columns_unshortened_behind_the_former_ones(make_run, tmp_path):
    folder = make_run("table7/lamb", settings={"learning_rate": "0.01"}, date="2026-11-20", **CODE)
    make_run("table7/lamb", settings={"epochs": "3"}, seed=7)
    lines = list(csv.DictReader(io.StringIO(as_csv(gather(str(tmp_path), ["table7"])))))
    assert COLUMNS[15:18] == ("printed_from", "compared", "folder")
    assert COLUMNS[:3] == ("table", "row", "label") and COLUMNS[17:] == origins.FIELDS
    lamb = next(line for line in lines if line["row"] == "table7/lamb")
    assert lamb["folder"] == str(folder) and lamb["commit"] == "a" * 40 + "+changes"
    assert (lamb["seeds"], lamb["date"], lamb["device"]) == ("0", "2026-11-20", "1 x CPU:0")
    [changed] = [line for line in lines if line["changed"]]
    assert changed["seeds"] == "7" and changed["versions"] == "tensorflow 2.15.1, largebatch 0.1.0"
    other = next(line for line in lines if line["row"] == "table7/adam")
    assert all(other[name] == "" for name in origins.FIELDS)


def test_an_older_result_has_the_date_of_its_commit_and_says_so(make_run, tmp_path):
    head = subprocess.run(["git", "-C", PACKAGE, "log", "-1", "--format=%H %cs"],
                          capture_output=True, text=True)  # fmt: skip
    commit, _, date = head.stdout.strip().partition(" ")
    make_run("table7/lamb", settings={"learning_rate": "0.01"}, commit=commit or None)
    make_run("table7/adam", settings={"learning_rate": "0.01"}, commit="f" * 40)
    [adam, lamb] = sheet_of(gather(str(tmp_path), ["table7"]))
    assert lamb["date"] == (f"{date} (its commit)" if date else "not recorded")
    assert adam["date"] == "not recorded"
    assert provenance.commit_dates(["--all", "x;y", "None"]) == {}
