"""Keras models of the paper's experiments: images or tokens in, float32 logits out.

The package imports no TensorFlow until a model is asked for (PEP 562), so that rows and tables stay
cheap.
"""

from __future__ import annotations

import importlib

from largebatch.models.image_models import IMAGE_MODELS

_HOME = {
    **{model.function: model.module for model in IMAGE_MODELS.values()},
    "IMAGE_MODELS": "image_models",
    "GroupedBatchNormalization": "grouped_norm",
    "BERT_SIZES": "bert_sizes",
    "bert_encoder": "bert",
    "bert_pretrainer": "bert",
    "bert_span_model": "bert",
    "bert_size": "bert_sizes",
    "size_name": "bert_sizes",
    "find_weights": "bert_weights",
    "open_weights": "bert_weights",
    "read_bert_config": "bert_config",
    "load_bert_checkpoint": "bert_checkpoint",
    "load_google_checkpoint": "bert_checkpoint",
    "write_google_checkpoint": "bert_checkpoint",
    "export_encoder": "bert_export",
    "export_span_model": "bert_export",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
