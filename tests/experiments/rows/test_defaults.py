"""What an open setting stands for: as the optimizers and the models have it."""

from __future__ import annotations

import pytest

from largebatch.experiments.rows import choices, defaults
from largebatch.experiments.tables import registry
from largebatch.models import IMAGE_MODELS


@pytest.mark.parametrize("name", choices.OPTIMIZER_SETTINGS)
def test_the_defaults_of_an_optimizer_are_its_own(name):
    from largebatch import optimizers
    from largebatch.optimizers.catalogue import class_of  # loads TensorFlow

    if optimizers.why_missing(name):
        pytest.skip(optimizers.why_missing(name))
    own = optimizers.settings_of(name)
    for field in choices.OPTIMIZER_SETTINGS[name]:
        value = own[field]
        if value is None and field.startswith("exclude_from"):
            value = class_of(name).default_exclusions
        assert defaults.OPTIMIZERS[name].get(field) == value, field


def test_the_defaults_of_the_models_are_those_of_their_entries():
    for model, entry in IMAGE_MODELS.items():
        for field in ("model_width", *entry.settings):
            name = "width" if field == "model_width" else field
            assert defaults.filled(field, None, "lamb", model) == entry.defaults[name]


@pytest.mark.parametrize("name", ["table1/lamb-32768", "table5/lamb-512", "table12/adam-rate0.002"])
def test_every_setting_that_a_row_reads_has_a_source_or_a_default(name):
    row = registry.find(name)
    for field in defaults.settings_read(row):
        if field not in row.sources:
            assert getattr(row, field) is None
            assert defaults.why(row, field)


def test_settings_of_other_optimizers_models_and_schedules_are_not_read():
    adam = registry.find("table12/adam-rate0.002")  # Goyal et al.'s scheme
    read = defaults.settings_read(adam)
    assert not {"momentum", "weight_decay", "decay_from", "decay_power", "total_steps"} & set(read)
    assert {"epsilon", "warmup_epochs", "initial_learning_rate", "norm_group"} <= set(read)
    bert = defaults.settings_read(registry.find("table1/lamb-65536-32768"))
    assert {"dropout", "stage2_warmup_ratio", "bias_correction", "squad_epochs"} <= set(bert)
    assert not {"epochs", "model_width", "norm_batch", "eval_subset"} & set(bert)


def test_none_is_filled_in_with_what_it_stands_for():
    assert defaults.filled("norm", None, "lamb", "resnet50") == "l2"
    assert defaults.filled("norm", "l1", "lamb", "resnet50") == "l1"
    assert defaults.filled("zero_last_scale", None, "lamb", "resnet50") is True
    assert defaults.filled("nesterov", None, "momentum", "lenet5") is False
    assert defaults.filled("clip_norm", None, "lamb", "resnet50") is None
