"""Image sets, pre-training shards and SQuAD, and their tf.data pipelines.

The package imports no TensorFlow until a pipeline is asked for (PEP 562); `load` itself needs it
only when a data set has to be prepared for the first time.
"""

from __future__ import annotations

import importlib

_HOME = {
    "ImageSet": "image_set",
    "NAMES": "image_set",
    "load": "image_set",
    "eval_dataset": "evaluation",
    "train_dataset": "training",
    "with_dropout_seeds": "dropout_seeds",
    "ImageNetFiles": "imagenet",
    "find_imagenet": "imagenet",
    "SkippedImages": "imagenet_decoding",
    "imagenet_eval_dataset": "imagenet_evaluation",
    "imagenet_train_dataset": "imagenet_stream",
    "PretrainingFiles": "pretraining_files",
    "ShardFile": "pretraining_files",
    "check_same_vocabulary": "pretraining_files",
    "find_pretraining": "pretraining_files",
    "pretraining_dataset": "pretraining_stream",
    "pretraining_eval_dataset": "pretraining_evaluation",
    "prepare_pretraining": "prepared_text",
    "reading_error": "record_runs",
    "SquadSet": "squad",
    "load_squad": "squad",
    "SquadWindows": "squad_features",
    "squad_windows": "squad_features",
    "squad_eval_dataset": "squad_datasets",
    "squad_train_dataset": "squad_datasets",
    "squad_predictions": "squad_answers",
    "squad_score": "squad_answers",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
