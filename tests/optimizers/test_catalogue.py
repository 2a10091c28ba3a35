"""Optimizers by name."""

import pytest

from largebatch.optimizers import NAMES, class_of, create, settings_of


def test_an_unknown_name_is_an_error_with_the_nearest():
    with pytest.raises(ValueError, match="unknown optimizer 'lamp'; did you mean 'lamb'"):
        create("lamp", 0.1)


def test_an_unknown_setting_is_an_error_with_the_nearest_and_the_valid_ones():
    with pytest.raises(ValueError, match="did you mean 'weight_decay'.*beta_1, beta_2"):
        create("lamb", 0.1, weight_decy=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_makes_its_class_with_the_learning_rate(name):
    optimizer = create(name, 0.25)
    assert type(optimizer) is class_of(name)
    assert float(optimizer.learning_rate) == 0.25
    assert "learning_rate" not in settings_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_can_be_given_its_default(name):
    settings = {k: v for k, v in settings_of(name).items() if k != "name"}
    create(name, 0.25, **settings)


def test_momentum_has_nesterov_and_two_penalties_as_settings():
    settings = settings_of("momentum")
    assert settings["momentum"] == 0.9
    assert {"nesterov", "weight_decay", "l2_regularization"} <= set(settings)
