"""docs/assumptions.md: made from the rows, complete, and never stale."""

from __future__ import annotations

import pytest

from largebatch.experiments.documents import assumptions
from largebatch.experiments.rows import defaults
from largebatch.experiments.rows.row import SETTINGS
from largebatch.experiments.tables import registry


def tables_of(sheet):
    """{(setting, why): the text of the tables that have it}."""
    return {(line[0], line[3]): line[2] for line in sheet.rows}


def test_every_setting_that_a_run_reads_is_printed_coded_computed_or_on_the_list():
    chosen, left_open = tables_of(assumptions.chosen()), tables_of(assumptions.left_open())
    for row in registry.all_rows().values():
        for field in defaults.settings_read(row):
            source = row.sources.get(field)
            if source is None:
                assert (field, defaults.why(row, field)) in left_open, (row.name, field)
            elif source.kind == "assumed":
                given = getattr(row, field) is not None
                assert not given or (field, source.note) in chosen, (row.name, field)
            else:
                assert source.kind in ("paper", "code", "rule"), (row.name, field)


@pytest.mark.parametrize(
    ("setting", "value", "table"),
    [
        ("exclude_from_weight_decay", "default", "Table 1"),
        ("exclude_from_layer_adaptation", "default", "Table 1"),
        ("epsilon", "1e-07", "9, 10"),  # AdaGrad's
        ("momentum_schedule", "dozat", "Figure 1"),
        ("zero_last_scale", "True", "9 to 25"),
    ],
)
def test_exclusions_epsilons_and_other_open_settings_are_told_with_what_holds(
    setting, value, table
):
    found = [line for line in assumptions.left_open().rows if line[:2] == [setting, value]]
    assert any(table in line[2] for line in found)


def test_a_value_that_is_tuned_is_not_told_as_one():
    lines = [line[:2] for line in assumptions.chosen().rows]
    assert ["learning_rate", "tuned"] in lines and ["squad_epochs", "2"] in lines


def test_the_lines_are_in_the_order_of_the_rows_fields():
    for sheet in (assumptions.chosen(), assumptions.left_open()):
        places = [SETTINGS.index(line[0]) for line in sheet.rows]
        assert places == sorted(places)
