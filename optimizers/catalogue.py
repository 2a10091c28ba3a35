"""The optimizers by name. Nothing here imports TensorFlow until `create` does."""

from __future__ import annotations

import difflib
import importlib
import inspect

#: name -> (module, class)
_CLASSES = {
    "momentum": ("keras_baselines", "Momentum"),
    "sgd": ("keras_baselines", "SGD"),
    "adagrad": ("keras_baselines", "Adagrad"),
    "adam": ("keras_baselines", "Adam"),
    "adamw": ("keras_baselines", "AdamW"),
    "bert_adamw": ("bert_adamw", "BertAdamW"),
    "nadam": ("nadam", "Nadam"),
    "lamb": ("lamb", "LAMB"),
    "nlamb": ("nesterov_lamb", "NLAMB"),
    "nnlamb": ("nesterov_lamb", "NNLAMB"),
    "lars": ("lars", "LARS"),
    "tfa_lamb": ("addons", "AddonsLAMB"),
}

NAMES = tuple(_CLASSES)


def class_of(name: str):
    """The class that `create(name, ...)` makes; ValueError with the nearest name if unknown."""
    if name not in _CLASSES:
        near = difflib.get_close_matches(str(name), NAMES, 1)
        raise ValueError(
            f"unknown optimizer {name!r}"
            + (f"; did you mean {near[0]!r}?" if near else "")
            + f" Known: {', '.join(NAMES)}"
        )
    module, attribute = _CLASSES[name]
    return getattr(importlib.import_module(f"largebatch.optimizers.{module}"), attribute)


def settings_of(name: str) -> dict:
    """{setting: default} of an optimizer, the learning rate left out."""
    settings = {}
    for cls in class_of(name).__mro__:
        parameters = inspect.signature(cls.__init__).parameters
        for key, parameter in parameters.items():
            if key == "weight_decay" and cls.__module__.startswith("keras."):
                continue  # Keras' own decay is never used: see keras_baselines.
            if parameter.default is not inspect.Parameter.empty:
                settings.setdefault(key, parameter.default)
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
            break
    settings.pop("learning_rate", None)
    return settings


def create(name: str, learning_rate, **settings):
    """The optimizer `name` with `learning_rate` (a float or a schedule) and its settings.

    Raises ValueError for an unknown name (with the nearest) or setting (with the valid ones).
    """
    cls = class_of(name)
    valid = settings_of(name)
    for key in settings:
        if key not in valid:
            near = difflib.get_close_matches(key, valid, 1)
            raise ValueError(
                f"optimizer {name!r} has no setting {key!r}"
                + (f"; did you mean {near[0]!r}?" if near else "")
                + f" Its settings: {', '.join(sorted(valid))}"
            )
    return cls(learning_rate=learning_rate, **settings)
