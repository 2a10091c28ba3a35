"""What get_config gives makes the same optimizer again, exactly."""

import json

import pytest
import tensorflow as tf

from largebatch.optimizers import create
from largebatch.optimizers.schedules import (
    Constant,
    GoyalSchedule,
    Stages,
    WarmupPolynomialDecay,
)


def test_the_config_makes_an_equal_optimizer(configuration):
    optimizer = configuration.make()
    config = optimizer.get_config()
    again = type(optimizer).from_config(dict(config))
    assert again.get_config() == config
    for key, value in configuration.settings.items():
        if key == "phi_bounds":
            value = list(value)
        assert config[key] == value
    assert json.loads(json.dumps(config)) == config
    assert config["learning_rate"] == configuration.learning_rate


def test_keras_serializes_and_deserializes_it(configuration):
    optimizer = configuration.make()
    again = tf.keras.optimizers.deserialize(tf.keras.optimizers.serialize(optimizer))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()


@pytest.mark.parametrize("rate", [0.1, 1e-3, 3e-4, 7e-5])
def test_the_learning_rate_in_the_config_reads_as_it_was_written(sample, rate):
    # Not as float32 has it: 0.1, and not 0.10000000149011612.
    assert sample.make(learning_rate=rate).get_config()["learning_rate"] == rate


@pytest.mark.parametrize(
    "schedule",
    [
        Constant(0.1),
        WarmupPolynomialDecay(0.1, 3, 10, power=2.0, end=0.01, decay_start=3),
        GoyalSchedule(0.1, 7, initial=0.05),
        Stages([(WarmupPolynomialDecay(0.1, 3, 10), 10), (Constant(0.1), 5)]),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_a_schedule_survives_the_config(sample, schedule):
    optimizer = sample.make(learning_rate=schedule)
    again = type(optimizer).from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    found = again._hyper["learning_rate"] if hasattr(again, "_hyper") else again._learning_rate
    assert type(found) is type(schedule)
    for step in (0, 2, 5, 12):
        assert float(found(step)) == float(schedule(step))


@pytest.mark.parametrize(
    "exclusions", [None, [], "nothing", "none", "resnet50", ["bias$", "LayerNorm"]]
)
@pytest.mark.parametrize("name", ["lamb", "nlamb", "nnlamb", "lars", "tfa_lamb"])
def test_an_exclusion_list_stays_what_it_was_none_preset_or_list(name, exclusions, problem):
    for key in ("exclude_from_weight_decay", "exclude_from_layer_adaptation"):
        optimizer = create(name, 0.1, **{key: exclusions})
        again = type(optimizer).from_config(optimizer.get_config())
        assert again.get_config()[key] == exclusions
        assert isinstance(again.get_config()[key], type(exclusions))
        variables = problem.variables()
        assert again.parameter_table(variables) == optimizer.parameter_table(variables)


@pytest.mark.parametrize("name", ["lamb", "nlamb", "nnlamb", "adam", "bert_adamw", "nadam"])
def test_an_epsilon_of_zero_is_kept(name):
    optimizer = create(name, 0.1, epsilon=0.0)
    assert type(optimizer).from_config(optimizer.get_config()).epsilon == 0.0
