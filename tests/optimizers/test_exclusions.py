"""Which variables are left out: presets, patterns on the whole path, and the parameter table."""

import pytest
import tensorflow as tf

from largebatch.optimizers import create
from largebatch.optimizers.exclusions import PRESETS, checked, excluded, path_of

PATHS = [
    "encoder/layer_0/dense/kernel",
    "encoder/layer_0/dense/bias",
    "encoder/LayerNorm/gamma",
    "encoder/layer_norm/beta",
    "stem/batch_normalization/gamma",
    "stem/batch_normalization/beta",
    "gamma_net/kernel",
]


def left_out(exclusions, default="default"):
    flags = excluded("exclude_from_weight_decay", exclusions, PATHS, default)
    return [path for path, flag in zip(PATHS, flags) if flag]


def test_by_default_norms_and_biases_are_left_out():
    assert left_out(None) == PATHS[1:6]


def test_the_preset_of_bert_leaves_batch_norm_in():
    assert left_out("bert") == PATHS[1:4]
    assert left_out(None, default="bert") == PATHS[1:4]


def test_the_preset_of_batch_norm_leaves_biases_in():
    assert left_out("batch_norm") == PATHS[2:6]


def test_the_preset_of_resnet_takes_scales_and_offsets_by_their_names():
    assert left_out("resnet50") == PATHS[1:6]
    assert not excluded("a", "resnet50", ["encoder/LayerNorm/scale"], "default")[0]


@pytest.mark.parametrize("nothing", [[], (), "nothing", "none"])
def test_an_empty_list_and_the_preset_none_exclude_nothing(nothing):
    assert left_out(nothing) == []


def test_a_pattern_is_searched_for_in_the_whole_path():
    assert left_out(["layer_0/.*kernel"]) == [PATHS[0]]
    assert left_out(["^gamma"]) == [PATHS[6]]
    assert left_out(["gamma$"]) == [PATHS[2], PATHS[4]]
    assert left_out(["^stem/", "bias$"]) == [PATHS[1], PATHS[4], PATHS[5]]


def test_a_pattern_that_matches_nothing_is_an_error_that_names_it():
    with pytest.raises(ValueError, match=r"exclude_from_weight_decay: the pattern 'biass\$'"):
        left_out(["gamma$", "biass$"])


def test_a_preset_may_match_nothing():
    assert excluded("a", None, ["dense/kernel"], "default") == [False]


def test_a_list_given_as_text_is_an_error_that_shows_how_to_write_it():
    with pytest.raises(ValueError, match=r"is not a preset.*give a list: \['bias\$'\]"):
        checked("exclude_from_weight_decay", "bias$")


def test_a_misspelt_preset_is_an_error_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'resnet50'"):
        checked("exclude_from_weight_decay", "resnet5")


@pytest.mark.parametrize("patterns", [["("], [3], [None]])
def test_what_is_no_regular_expression_is_an_error(patterns):
    with pytest.raises(ValueError, match="exclude_from_layer_adaptation.*regular expression"):
        checked("exclude_from_layer_adaptation", patterns)


def test_every_preset_is_accepted():
    assert [checked("a", preset) for preset in PRESETS] == list(PRESETS)


def test_the_path_is_the_name_without_the_output_number():
    with tf.name_scope("encoder"):
        variable = tf.Variable(0.0, name="dense_1/kernel")
    assert path_of(variable) == "encoder/dense_1/kernel"


ADAPTING = ["lamb", "nlamb", "nnlamb", "lars", "tfa_lamb"]


@pytest.mark.parametrize("name", ADAPTING)
def test_the_parameter_table_has_path_shape_and_both_flags(name, problem):
    optimizer = create(
        name,
        0.1,
        exclude_from_weight_decay=["bias$"],
        exclude_from_layer_adaptation=["gamma$", "^head"],
    )
    table = optimizer.parameter_table(problem.variables())
    assert table == (
        ("encoder/dense/kernel", (5, 3), True, True),
        ("encoder/dense/bias", (3,), False, True),
        ("encoder/LayerNorm/gamma", (3,), True, False),
        ("head/kernel", (5, 3), True, False),
        ("word_embeddings/embeddings", (5, 3), True, True),
    )
    header, first, second, *_ = str(table).splitlines()
    assert header.split() == ["path", "shape", "decayed", "adapted"]
    assert first.split() == ["encoder/dense/kernel", "5x3", "yes", "yes"]
    assert second.split() == ["encoder/dense/bias", "3", "no", "yes"]


@pytest.mark.parametrize("name", ["adamw", "bert_adamw", "momentum"])
def test_an_optimizer_without_layers_adapts_nothing_in_its_table(name, problem):
    table = create(name, 0.1).parameter_table(problem.variables())
    assert not any(row.adapted for row in table)
    excludes = name == "bert_adamw"  # Keras' baselines decay everything by default.
    assert [row.decayed for row in table] == [True, not excludes, not excludes, True, True]


@pytest.mark.parametrize("name", [*ADAPTING, "adamw", "bert_adamw"])
def test_build_refuses_a_pattern_that_matches_no_variable(name, problem):
    optimizer = create(name, 0.1, exclude_from_weight_decay=["biass$"])
    with pytest.raises(ValueError, match=r"'biass\$' matches none of the 5 variables"):
        optimizer.build(problem.variables())


@pytest.mark.parametrize("name", ADAPTING)
def test_a_list_for_decay_does_not_touch_adaptation(name, problem):
    optimizer = create(name, 0.1, exclude_from_weight_decay=["kernel$"])
    table = optimizer.parameter_table(problem.variables())
    assert [row.decayed for row in table] == [False, True, True, False, True]
    assert [row.adapted for row in table] == [True, False, False, True, True]


@pytest.mark.parametrize("preset", ["default", "bert"])
def test_the_preset_of_layer_norms_goes_by_whole_components(preset):
    kept = ["dense_after_layernorm/kernel", "layer_norm_head/kernel", "my_layernorm_0/dense/kernel"]
    out = ["LayerNorm/gamma", "a/output_layer_norm/beta", "layer_normalization_12/gamma"]
    assert excluded("a", preset, [*kept, *out], "default") == [False] * 3 + [True] * 3
