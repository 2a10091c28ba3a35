from __future__ import annotations

import pytest

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows import choices
from largebatch.experiments.rows.source import assumed, paper, sources
from largebatch.experiments.tables import registry


def test_rows_of_all_tables_are_found_by_name():
    rows = registry.all_rows()
    in_tables = [row for row in rows.values() if row.table in registry.PAPER_TABLES]
    printed = [row for row in in_tables if not row.follows_code]
    assert len(printed) == 10 + 10 + 14 + 7 + 9 + 8 + 7 + 344  # the last: Tables 9 to 25
    assert all(registry.find(name) is row and row.name == name for name, row in rows.items())


def test_an_unknown_row_suggests_the_nearest():
    with pytest.raises(UserError, match="'table7/lam'.*did you mean table7/lamb?"):
        registry.find("table7/lam")
    with pytest.raises(UserError, match="did you mean table7/lamb?"):
        registry.find("Table7/LAMB")


def test_a_glob_selects_rows_and_one_that_matches_nothing_is_an_error():
    found = [row.name for row in registry.matching("*/adam")]
    assert found == ["table3/adam", "table6/adam", "table7/adam"]
    assert len(registry.matching("table7/*-as-run")) == 5
    with pytest.raises(UserError, match="no experiment matches 'tabel7/.'.*table7/."):
        registry.matching("tabel7/*")


def test_a_table_is_named_by_its_number_too():
    assert registry.table_name("7") == registry.table_name("table7") == "table7"
    with pytest.raises(UserError, match="unknown table '77'.*there are: table1, .*table7"):
        registry.table_name("77")


def test_one_run_may_be_a_row_of_several_tables():
    shown = registry.find("table4/lamb-2048")
    run = registry.run_of(shown)
    assert run.name == shown.run_name == "table1/lamb-2048"
    assert run.stages == shown.stages
    assert (run.paper["f1"], shown.paper["exact_match"]) == (91.946, 85.355)
    assert registry.run_of(run) is run


def test_a_source_declared_twice_or_without_a_note_fails():
    with pytest.raises(ValueError, match="'epochs' is declared twice"):
        sources(paper("Table 7", "epochs"), assumed("nothing", "epochs"))
    with pytest.raises(ValueError, match="needs a note"):
        paper("", "epochs")


def test_known_names_agree_with_the_rooms():
    from largebatch import data, optimizers
    from largebatch.optimizers.exclusions import PRESETS

    assert set(choices.OPTIMIZER_SETTINGS) == set(optimizers.NAMES)
    assert set(data.NAMES) <= set(choices.TRAINING_EXAMPLES)
    assert set(choices.EXCLUSIONS) == set(PRESETS)


@pytest.mark.parametrize("name", choices.OPTIMIZER_SETTINGS)
def test_an_optimizer_has_the_settings_that_rows_give_it(name):
    from largebatch import optimizers  # loads TensorFlow

    if optimizers.why_missing(name):
        pytest.skip(optimizers.why_missing(name))
    assert set(choices.OPTIMIZER_SETTINGS[name]) <= set(optimizers.settings_of(name))
