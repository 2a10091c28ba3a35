from __future__ import annotations

import dataclasses

import pytest

from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.source import assumed, paper
from largebatch.experiments.rows.table import table
from largebatch.experiments.tables.table7 import BASE

REST = {**BASE.sources, **paper("somewhere", "momentum nesterov")}
SIMPLE = dataclasses.replace(BASE, grid={}, sources=REST)


def make(columns, *rows, base=SIMPLE, pattern="{optimizer}", **options):
    return table("tableX", base, pattern, columns, *rows, **options)


def test_a_row_a_tuple_and_a_column_a_field():
    rows = make("optimizer learning_rate", ("adam", 1 / 8), ("lamb", 0.5))
    assert list(rows) == ["tablex/adam", "tablex/lamb"]
    assert rows["tablex/adam"].learning_rate == 0.125
    assert rows["tablex/lamb"].batch_size == BASE.batch_size


def test_names_are_lower_case():
    rows = make("optimizer learning_rate label", ("adam", 0.5, "ADAM"), pattern="{label}-16K")
    assert list(rows) == ["tablex/adam-16k"]


def test_a_misspelt_column_names_the_nearest():
    with pytest.raises(ValueError, match="'learnig_rate'.*did you mean learning_rate"):
        make("optimizer learnig_rate", ("adam", 0.1))


def test_a_column_given_twice_fails():
    with pytest.raises(ValueError, match="'optimizer' is given twice"):
        make("optimizer optimizer", ("adam", "adam"))


@pytest.mark.parametrize("cells", [("adam",), ("adam", 0.1, 3)])
def test_a_row_of_another_length_fails_and_says_which(cells):
    with pytest.raises(ValueError, match=f"row 2 has {len(cells)} cells, want 2"):
        make("optimizer learning_rate", ("lamb", 0.1), cells)


def test_a_duplicate_name_fails():
    with pytest.raises(ValueError, match="row 2 has the name of another row, 'tablex/adam'"):
        make("optimizer learning_rate", ("adam", 0.1), ("adam", 0.2))


def test_a_setting_without_a_source_fails():
    silent = dataclasses.replace(
        SIMPLE, sources={k: v for k, v in REST.items() if k != "warmup_epochs"}
    )
    with pytest.raises(ValueError, match="no source is declared for warmup_epochs"):
        make("optimizer learning_rate", ("adam", 0.1), base=silent)


def test_a_source_for_something_that_is_no_setting_fails():
    with pytest.raises(ValueError, match="'epoch'.*did you mean epochs"):
        make("optimizer learning_rate sources", ("adam", 0.1, assumed("x", "epoch")))


def test_a_rows_sources_win_over_the_bases():
    rows = make("optimizer learning_rate sources", ("adam", 0.1, paper("Table X", "learning_rate")))
    assert rows["tablex/adam"].sources["learning_rate"].kind == "paper"
    assert BASE.sources["learning_rate"].kind == "assumed"


def test_a_senseless_value_fails():
    with pytest.raises(ValueError, match="unknown optimizer 'lmab'.*did you mean lamb"):
        make("optimizer learning_rate", ("lmab", 0.1))


def test_a_row_off_its_own_grid_fails():
    with pytest.raises(ValueError, match="learning_rate 0.3 is not on its grid"):
        make("optimizer learning_rate grid", ("adam", 0.3, {"learning_rate": (0.1, 0.2)}))


def test_rows_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Row().epochs = 3


PRINTED = ("optimizer  label   accuracy", ("lamb", "LAMB", 0.9), ("adam", "Adam", 0.8))


def test_what_is_printed_stands_in_a_block_of_its_own():
    rows = make("optimizer learning_rate", ("lamb", 0.1), ("adam", 0.2), printed=PRINTED)
    assert [row.paper for row in rows.values()] == [{"accuracy": 0.9}, {"accuracy": 0.8}]
    assert [row.label for row in rows.values()] == ["LAMB", "Adam"]


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        (PRINTED[:2], "1 rows are printed, want 2"),
        ((PRINTED[0], PRINTED[2], PRINTED[1]), "row 1 is .*'lamb'.*what is printed is of .*'adam'"),
        (("label accuracy", ("LAMB", 0.9), ("Adam", 0.8)), "row 1 is .*what is printed is of"),
        (("optimizer top_1", ("lamb", 0.9), ("adam", 0.8)), "'paper_top_1'.*paper_top1"),
    ],
)
def test_a_printed_block_of_other_rows_or_columns_fails(printed, message):
    with pytest.raises(ValueError, match=message):
        make("optimizer learning_rate", ("lamb", 0.1), ("adam", 0.2), printed=printed)
