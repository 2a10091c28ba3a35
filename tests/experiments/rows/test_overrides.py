from __future__ import annotations

import dataclasses
import json
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records import match
from largebatch.experiments.records.row_record import row_record
from largebatch.experiments.rows.overrides import apply_overrides, parse_assignments
from largebatch.experiments.rows.row import IDENTITY_FIELDS, PAPER_FIELDS, SETTINGS, Row
from largebatch.experiments.tables import registry
from largebatch.optimizers.exclusions import PRESETS

LAMB = registry.find("table7/lamb")


def test_values_take_the_type_of_their_field():
    row = apply_overrides(
        LAMB, {"batch_size": "512", "learning_rate": "1e-2", "epochs": "3", "clip_norm": "1"}
    )
    assert row.batch_size == 512 and isinstance(row.batch_size, int)
    assert row.epochs == 3.0 and row.clip_norm == 1.0
    momentum = registry.find("table7/momentum")
    assert apply_overrides(momentum, {"nesterov": "True"}).nesterov is True
    assert apply_overrides(LAMB, {"beta_1": "none"}).beta_1 is None
    assert apply_overrides(LAMB, {"phi_bounds": "0, 10"}).phi_bounds == (0.0, 10.0)
    assert apply_overrides(LAMB, {"phi_bounds": "none"}).phi_bounds is None


@pytest.mark.parametrize("word", ["none", "nothing", "None"])
def test_no_exclusions_are_one_word_which_is_used_and_marked(word):
    row = apply_overrides(registry.find("table5/lamb-512"), {"exclude_from_weight_decay": word})
    assert row.overrides == {"exclude_from_weight_decay": "nothing"}
    assert row.optimizer_settings["exclude_from_weight_decay"] == []
    assert PRESETS["nothing"] == () and "none" not in PRESETS


def test_an_override_is_recorded_and_derived_values_follow():
    row = apply_overrides(LAMB, {"batch_size": "2048"})
    assert row.overrides == {"batch_size": 2048}
    assert row.steps == 879
    assert row.sources["batch_size"].kind == "assumed"
    assert "1024" in row.sources["batch_size"].note
    assert LAMB.overrides == {}


def test_the_rows_own_value_is_no_override():
    assert apply_overrides(LAMB, {"epochs": "30", "learning_rate": "0.0100"}) == LAMB


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("learnig_rate", "1", ["learnig_rate", "did you mean learning_rate?"]),
        ("batch_size", "1e3", ["batch_size=1e3", "not a whole number"]),
        ("batch_size", "none", ["batch_size=none", "not a whole number"]),
        ("learning_rate", "fast", ["learning_rate=fast", "not a number"]),
        ("learning_rate", "nan", ["learning_rate=nan", "not a number"]),
        ("epochs", "inf", ["epochs=inf", "not a number"]),
        ("nesterov", "maybe", ["nesterov=maybe", "true or false or none"]),
        ("learning_rate", "", ["learning_rate=", "not a number"]),
        ("epochs", "0", ["epochs", "above 0"]),
        ("batch_size", "-1", ["batch_size", "above 0"]),
        ("learning_rate", "-0.1", ["learning_rate", "above 0"]),
        ("weight_decay", "-0.1", ["weight_decay", "0 or more"]),
        ("beta_2", "1", ["beta_2", "[0, 1)"]),
        ("optimizer", "lam", ["unknown optimizer 'lam'", "did you mean lamb?"]),
        ("dataset", "minst", ["unknown dataset 'minst'", "did you mean mnist?"]),
        ("model", "lenet", ["unknown model 'lenet'", "did you mean lenet5?"]),
        ("schedule", "linear", ["unknown schedule 'linear'", "warmup_linear"]),
        ("augment", "david", ["unknown augment 'david'", "did you mean davidnet?"]),
        ("precision", "float16", ["unknown precision 'float16'", "bfloat16"]),
        ("warmup_epochs", "30", ["warmup_epochs", "less than"]),
        ("steps", "10", ["steps", "derived", "epochs"]),
        ("paper_accuracy", "1", ["paper_accuracy", "cannot be set"]),
        ("name", "x", ["name", "cannot be set"]),
        ("momentum", "0.5", ["momentum", "'lamb' has no such setting"]),
        ("phi_bounds", "10,0.1", ["table7/lamb: phi_bounds is 10,0.1; want a lower bound of 0"]),
        ("phi_bounds", "0,0", ["phi_bounds is 0,0", "above 0"]),
        ("phi_bounds", "-1,2", ["phi_bounds is -1,2", "0 or more"]),
        ("phi_bounds", "10", ["phi_bounds=10", "is not two numbers, for example 0,10 or none"]),
        ("phi_bounds", "0,10,20", ["phi_bounds=0,10,20", "not two numbers"]),
        ("phi_bounds", "0,inf", ["phi_bounds=0,inf", "not two numbers"]),
        ("decay_form", "plain", ["decay_form", "'lamb' has no such setting"]),
        ("initial_accumulator_value", "1", ["'lamb' has no such setting"]),
    ],
)
def test_a_mistake_names_the_field_the_value_and_what_was_wanted(field, text, words):
    with pytest.raises(UserError) as error:
        apply_overrides(LAMB, {field: text})
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("field", [*PAPER_FIELDS, *IDENTITY_FIELDS])
def test_what_a_row_is_cannot_be_set(field):
    with pytest.raises(UserError, match="cannot be set"):
        apply_overrides(LAMB, {field: "1"})


@given(
    st.dictionaries(
        st.sampled_from(["learning_rate", "epochs", "weight_decay", "epsilon"]),
        st.floats(2, 1e6, allow_subnormal=False),
    )
)
def test_any_float_survives_the_command_line_exactly(values):
    row = apply_overrides(LAMB, {field: repr(value) for field, value in values.items()})
    assert all(getattr(row, field) == value for field, value in values.items())


def test_every_setting_has_a_type_that_can_be_parsed():
    kinds = {"int", "float", "bool", "str", "tuple[float, float]"}
    annotations = {field.name: field.type for field in dataclasses.fields(Row)}
    assert all(annotations[field].partition(" | ")[0] in kinds for field in SETTINGS)


def test_a_pair_is_the_same_setting_after_a_way_through_json():
    row = apply_overrides(LAMB, {"phi_bounds": "0,10"})
    stored = json.loads(json.dumps(row_record(row)))
    assert stored["row"]["phi_bounds"] == stored["overrides"]["phi_bounds"] == [0.0, 10.0]
    run = types.SimpleNamespace(row=stored["row"])
    assert match.differences(run, row) == {}
    assert match.differences(run, LAMB) == {"phi_bounds": (None, [0.0, 10.0])}


def test_assignments_are_split_at_the_first_equals_sign():
    assert parse_assignments(["a=1", "b=x=y"]) == {"a": "1", "b": "x=y"}
    with pytest.raises(UserError, match="want field=value"):
        parse_assignments(["epochs"])
    with pytest.raises(UserError, match="given twice"):
        parse_assignments(["epochs=1", "epochs=2"])
