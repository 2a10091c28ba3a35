"""Image sets, pre-training shards and SQuAD, and their tf.data pipelines.

The package imports no TensorFlow until a pipeline is asked for (PEP 562); `load` itself needs it
only when a data set has to be prepared for the first time. Pipelines are built without AutoGraph,
which would parse all that they map, a second at each start.
"""

from __future__ import annotations

import importlib

_MODULES = {
    "ImageSet": "images.image_set",
    "NAMES": "images.image_set",
    "check_folder": "images.image_set",
    "load": "images.image_set",
    "eval_dataset": "images.evaluation",
    "train_dataset": "images.training",
    "Updates": "streams.updates",
    "ImageNetFiles": "imagenet.files",
    "find_imagenet": "imagenet.files",
    "SkippedImages": "imagenet.decoding",
    "imagenet_eval_dataset": "imagenet.evaluation",
    "imagenet_train_dataset": "imagenet.train",
    "PretrainingFiles": "pretraining.read.files",
    "ShardFile": "pretraining.read.files",
    "check_same_vocabulary": "pretraining.read.files",
    "find_pretraining": "pretraining.read.files",
    "holds_shards": "pretraining.read.files",
    "pretraining_dataset": "pretraining.read.stream",
    "pretraining_eval_dataset": "pretraining.read.evaluation",
    "prepare_pretraining": "pretraining.make.prepared_text",
    "reading_error": "files.record_runs",
    "SquadSet": "squad.squad",
    "load_squad": "squad.squad",
    "SquadWindows": "squad.squad_features",
    "squad_windows": "squad.squad_features",
    "squad_eval_dataset": "squad.squad_datasets",
    "squad_train_dataset": "squad.squad_datasets",
    "squad_predictions": "squad.squad_answers",
    "squad_score": "squad.squad_answers",
    "random_span_score": "squad.random_spans",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
