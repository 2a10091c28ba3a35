"""The optimizers by name. Nothing here imports TensorFlow until `create` does."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

    from largebatch.optimizers.schedules import LearningRate

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

WITHOUT_ADDONS = (
    "tfa_lamb is tensorflow-addons' LAMB, which is not installed: it needs TensorFlow 2.15 and "
    "Python 3.11 or earlier; lamb is this suite's own"
)


def why_missing(name: str) -> str | None:
    """Why an optimizer of NAMES cannot be made with what is installed; None if it can."""
    if name == "tfa_lamb" and importlib.util.find_spec("tensorflow_addons") is None:
        return WITHOUT_ADDONS
    return None


def class_of(name: str) -> type:
    """The class that `create(name, ...)` makes.

    Raises ValueError, with the nearest name if it is unknown, or if its package is missing.
    """
    if name not in _CLASSES:
        near = difflib.get_close_matches(str(name), NAMES, 1)
        raise ValueError(
            f"unknown optimizer {name!r}"
            + (f"; did you mean {near[0]!r}?" if near else "")
            + f" Known: {', '.join(NAMES)}"
        )
    missing = why_missing(name)
    if missing is not None:
        raise ValueError(missing)
    module, attribute = _CLASSES[name]
    return getattr(importlib.import_module(f"largebatch.optimizers.{module}"), attribute)


def settings_of(name: str) -> dict:
    """{setting: default} of an optimizer, the learning rate left out."""
    settings = {}
    for cls in class_of(name).__mro__:
        parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
        for key, parameter in parameters.items():
            if key == "weight_decay" and cls.__module__.startswith(("keras.", "tf_keras.")):
                continue  # Keras' own decay is never used: see keras_baselines.
            if parameter.default is not inspect.Parameter.empty:
                settings.setdefault(key, parameter.default)
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
            break
    settings.pop("learning_rate", None)
    return settings


def create(
    name: str, learning_rate: LearningRate, **settings: Any
) -> tf.keras.optimizers.Optimizer:
    """The optimizer `name` with `learning_rate` (a float or a schedule) and its settings.

    Raises ValueError for an unknown name (with the nearest) or setting (with the valid ones), and
    where the optimizer's package is not installed.
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
