"""LARS, LAMB and their variants as Keras optimizers; baselines; schedules; scaling rules.

Importing this package, `scaling`, `exclusions` or `catalogue` does not import TensorFlow; the
classes are imported when they are first asked for. They need TensorFlow and nothing else of what
the suite depends on (AddonsLAMB apart, which needs tensorflow-addons).
"""

from __future__ import annotations

import importlib

_MODULES = {
    "LAMB": "lamb",
    "NLAMB": "nesterov_lamb",
    "NNLAMB": "nesterov_lamb",
    "LARS": "lars",
    "SGD": "keras_baselines",
    "Momentum": "keras_baselines",
    "Adagrad": "keras_baselines",
    "Adam": "keras_baselines",
    "AdamW": "keras_baselines",
    "BertAdamW": "bert_adamw",
    "Nadam": "nadam",
    "AddonsLAMB": "addons",
    "NAMES": "catalogue",
    "create": "catalogue",
    "class_of": "catalogue",
    "settings_of": "catalogue",
    "why_missing": "catalogue",
}

__all__ = sorted(set(_MODULES) - {"AddonsLAMB"})  # not there on every stack


def __getattr__(name):
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_MODULES})
