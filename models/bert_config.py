"""A released BERT's shape, by bert_config.json (Google's) or config.json (Hugging Face's)."""

from __future__ import annotations

import json
import posixpath
from typing import Any, NamedTuple

import tensorflow as tf

from largebatch.models.bert_sizes import BertSize, size_name

GOOGLE, HUGGING_FACE = "bert_config.json", "config.json"
TOKENIZER = "tokenizer_config.json"  # Hugging Face's, which may say whether text is lower-cased
# What `hidden_act` means: Google's code computes gelu by its tanh approximation, Hugging Face's
# exactly, unless it says so.
_ACTIVATIONS = {
    GOOGLE: {"gelu": "gelu", "relu": "relu"},
    HUGGING_FACE: {"gelu": "exact_gelu", "relu": "relu"}
    | dict.fromkeys(("gelu_new", "gelu_pytorch_tanh"), "gelu"),
}
EXACT_GELU = "gelu_approximation"  # false in a bert_config.json of ours; others have no such key
_SIZES = ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size")
# What would make it another network than this one.
_FIXED = {
    "model_type": "bert",
    "position_embedding_type": "absolute",
    "layer_norm_eps": 1e-12,
    "is_decoder": False,
}


class BertConfig(NamedTuple):
    file: str
    size: BertSize
    vocabulary_size: int
    max_positions: int | None  # None, here and below: the files do not say
    types: int | None  # of segments
    activation: str  # of `models.bert.ACTIVATIONS`
    lower_case: bool | None  # whether its text was lower-cased

    @property
    def model(self) -> str:
        """The size's name."""
        return size_name(self.size)


def read_bert_config(folder: str) -> BertConfig:
    """Reads the folder's bert_config.json or, where there is none, its config.json.

    Raises:
      ValueError: there is neither; it is no JSON object, lacks a size, or is of another network
        than BERT's encoder.
    """
    for name in (GOOGLE, HUGGING_FACE):
        path = posixpath.join(folder, name)
        if tf.io.gfile.exists(path):
            break
    else:
        raise ValueError(
            f"no {GOOGLE} and no {HUGGING_FACE} in {folder}: one of them says how large the "
            "encoder is; copy it beside the weights"
        )
    found = _read(path)
    numbers = [_number(path, found, key) for key in (*_SIZES, "vocab_size")]
    size = BertSize(*numbers[:4])
    if size.hidden_size % size.heads:
        raise ValueError(f"{path}: {size.heads} heads do not divide hidden_size {size.hidden_size}")
    for key, wanted in {**_FIXED, "embedding_size": size.hidden_size}.items():
        if found.get(key) not in (None, wanted):
            raise ValueError(f"{path}: {key} is {found[key]!r}, wanted BERT's {wanted!r}")
    known = _ACTIVATIONS[name]
    activation = known.get(found.get("hidden_act", "gelu"))
    if activation is None:
        raise ValueError(
            f"{path}: hidden_act is {found['hidden_act']!r}, wanted one of {', '.join(known)}"
        )
    if found.get(EXACT_GELU) is False:
        activation = "exact_gelu"
    positions, types = "max_position_embeddings", "type_vocab_size"
    return BertConfig(
        path,
        size,
        numbers[4],
        _number(path, found, positions) if positions in found else None,
        _number(path, found, types) if types in found else None,
        activation,
        _lower_case(folder, found),
    )


def _lower_case(folder: str, found: dict[str, Any]) -> bool | None:
    said = found.get("do_lower_case")
    path = posixpath.join(folder, TOKENIZER)
    if said is None and tf.io.gfile.exists(path):
        said = _read(path).get("do_lower_case")
    return said if isinstance(said, bool) else None


def _read(path: str) -> dict[str, Any]:
    try:
        with tf.io.gfile.GFile(path) as file:
            return dict(json.load(file))
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON object: {error}") from None


def _number(path: str, found: dict[str, Any], key: str) -> int:
    value = found.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{path}: {key} is {value!r}, wanted a whole number above 0")
    return value
