"""Optimizers by name."""

import importlib
import sys

import pytest

from largebatch.optimizers import NAMES, catalogue, class_of, create, settings_of, why_missing


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


def test_without_tensorflow_addons_its_lamb_says_so_in_one_line(monkeypatch):
    monkeypatch.setattr(catalogue.importlib.util, "find_spec", lambda name: None)
    assert why_missing("lamb") is None
    with pytest.raises(ValueError, match="^tfa_lamb is tensorflow-addons' LAMB, which is not"):
        create("tfa_lamb", 0.1)
    monkeypatch.setitem(sys.modules, "tensorflow_addons", None)  # its import fails
    monkeypatch.delitem(sys.modules, "largebatch.optimizers.addons", raising=False)
    with pytest.raises(ImportError, match="^tfa_lamb is tensorflow-addons' LAMB") as error:
        importlib.import_module("largebatch.optimizers.addons")
    assert "\n" not in str(error.value)
