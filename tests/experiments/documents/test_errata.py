"""docs/errata.md: computed from the rows where it can be, and never stale."""

from __future__ import annotations

import dataclasses
import pathlib
import re

import pytest

from largebatch.experiments.documents import errata, errata_logs
from largebatch.experiments.tables import registry

FILE = pathlib.Path(__file__).parents[3] / "docs" / "errata.md"
TEXT = FILE.read_text(encoding="utf-8")


def call(*arguments):
    return errata.program(["errata", *arguments])


def test_the_committed_errata_are_what_the_program_writes(tmp_path, capsys):
    assert call(f"--output={tmp_path / 'errata.md'}") == 0
    assert TEXT == (tmp_path / "errata.md").read_text("utf-8"), f"stale; run: {errata.COMMAND}"
    capsys.readouterr()
    assert call() == 0
    assert capsys.readouterr().out == TEXT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("91.475", "91.460"), ("90.395", "90.390"), ("76.7 %", "76.8 %"), ("100.2 %", "101.8 %")),
        *(("32868", "32768"), ("58.3 %", "58.8 %"), ("88.540", "88.1")),
        ("Algorithm 2", "Figure 2's caption"),
    ],
)
def test_a_contradiction_has_both_readings_on_one_line(one, other):
    assert any(one in line and other in line for line in TEXT.splitlines())


def test_numbers_that_a_row_holds_are_taken_from_the_row(monkeypatch):
    find = errata.registry.find

    def changed(name):
        row = find(name)
        if name == "table1/lamb-32768":
            row = dataclasses.replace(row, paper_f1=12.345, paper_time="202.4m")
        return row

    monkeypatch.setattr(errata.registry, "find", changed)
    lines = {line[0]: line for line in errata.contradictions()}
    assert lines["F1 of LAMB at 32K"][1].startswith("12.345")
    assert "24.5 / 64 = 38.4 %" in lines["efficiency on 1024 chips, 32K"][2]


def test_the_tuning_tables_are_multiples_of_1_in_49152_and_not_of_1_in_50000():
    assert "322 have 7 decimals or more, and 322 of these are" in TEXT
    assert "(0 of a multiple of 1/50000)" in TEXT
    assert errata.is_share(0.0026855469, 49152) and not errata.is_share(0.0026855469, 50_000)
    assert not errata.is_share(0.0026855471, 49152)  # another last digit


def test_table_6s_lamb_is_a_multiple_of_1_in_8000():
    assert "7,527 of 8,000 images, 0.940875" in TEXT
    assert int(1e4 * 7527 / 8000) / 1e4 == registry.find("table6/lamb").paper_accuracy


def test_the_correction_factor_is_that_of_the_two_moments():
    assert errata.correction_factor(1, 0.9, 0.999) == pytest.approx(0.001**0.5 / 0.1)
    assert errata.correction_factor(10**6, 0.9, 0.999) == pytest.approx(1)


def test_every_fact_of_the_logs_names_repository_and_commit():
    for fact in errata_logs.FACTS:
        assert re.match(r"(fastalgo|fenwickslab)/[\w-]+ @[0-9a-f]{7}", fact.source), fact
    about = {fact.about for fact in errata_logs.FACTS}
    assert {"Table 6", "Table 7"} <= about
    inferred = [fact for fact in errata_logs.FACTS if "inferred" in fact.shown]
    assert len(inferred) == 3
