"""BERT's weights from and to the checkpoints of Google's BERT code (TensorFlow 1, by name).

A release of Google's is a folder of bert_model.ckpt.index, bert_model.ckpt.data-*, bert_config.json
and vocab.txt. Attention weights are [H, H] there and [H, heads, size] (query, key, value) or
[heads, size, H] (output) here: the same numbers in the same order. The next sentence's and SQuAD's
output weights are [2, H] there and [H, 2] here.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import NamedTuple

import tensorflow as tf

CHECKPOINT, CONFIG, VOCABULARY = "bert_model.ckpt", "bert_config.json", "vocab.txt"

# What a variable's path here becomes there; the first that matches.
_GOOGLE_NAMES = [
    (re.compile(ours + "$"), theirs)
    for ours, theirs in (
        (r"bert/word_embeddings/embeddings", "bert/embeddings/word_embeddings"),
        (r"bert/position_embedding/embeddings", "bert/embeddings/position_embeddings"),
        (r"bert/type_embeddings/embeddings", "bert/embeddings/token_type_embeddings"),
        (r"bert/embeddings/layer_norm/(\w+)", r"bert/embeddings/LayerNorm/\1"),
        (
            r"bert/transformer/(\w+)/self_attention/(query|key|value)/(\w+)",
            r"bert/encoder/\1/attention/self/\2/\3",
        ),
        (
            r"bert/transformer/(\w+)/self_attention/attention_output/(\w+)",
            r"bert/encoder/\1/attention/output/dense/\2",
        ),
        (
            r"bert/transformer/(\w+)/self_attention_layer_norm/(\w+)",
            r"bert/encoder/\1/attention/output/LayerNorm/\2",
        ),
        (
            r"bert/transformer/(\w+)/(intermediate|output)/(\w+)",
            r"bert/encoder/\1/\2/dense/\3",
        ),
        (
            r"bert/transformer/(\w+)/output_layer_norm/(\w+)",
            r"bert/encoder/\1/output/LayerNorm/\2",
        ),
        (r"bert/pooler_transform/(\w+)", r"bert/pooler/dense/\1"),
        (r"masked_lm/output/bias", "cls/predictions/output_bias"),
        (r"masked_lm/transform/dense/(\w+)", r"cls/predictions/transform/dense/\1"),
        (r"masked_lm/transform/layer_norm/(\w+)", r"cls/predictions/transform/LayerNorm/\1"),
        (r"next_sentence/kernel", "cls/seq_relationship/output_weights"),
        (r"next_sentence/bias", "cls/seq_relationship/output_bias"),
        (r"span/kernel", "cls/squad/output_weights"),
        (r"span/bias", "cls/squad/output_bias"),
    )
]
_SPAN_HEAD = "cls/squad/"


class Loaded(NamedTuple):
    """What `load_google_checkpoint` did."""

    checkpoint: str  # the prefix that was read
    loaded: tuple  # names of the tensors that were
    untouched: tuple  # paths of the model's variables that kept their values (SQuAD's head)


def google_name(path: str) -> str:
    """The name in Google's code of the variable with this path, `bert/pooler_transform/bias`."""
    for pattern, theirs in _GOOGLE_NAMES:
        match = pattern.search(path)
        if match:
            return match.expand(theirs)
    raise ValueError(f"the variable {path} is none of BERT's: it has no name in Google's code")


def load_google_checkpoint(model: tf.keras.Model, path: str) -> Loaded:
    """Gives `model` (encoder, pre-trainer or span model) the weights of a checkpoint of Google's.

    `path` is the checkpoint's prefix (".../bert_model.ckpt") or the folder that holds it. SQuAD's
    head keeps its values when the checkpoint is one of pre-training. Tensors that the model has no
    place for (heads, optimizer slots) are left aside.

    Raises:
      ValueError: no checkpoint there, one of another size (by bert_config.json beside it, where
        there is one), tensors that are missing or of another shape: each is named. The model is
        unchanged then.
    """
    prefix = _prefix(path)
    try:
        reader = tf.train.load_checkpoint(prefix)
        shapes = reader.get_variable_to_shape_map()
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise ValueError(f"{prefix} is no checkpoint that can be read: {error}") from None
    if not any(name.startswith("bert/") for name in shapes):
        found = ", ".join(sorted(shapes)[:3])
        raise ValueError(
            f"{prefix} is not one of Google's BERT: of its {len(shapes)} tensors none has a name "
            f"that begins with bert/ (the first are {found})"
        )
    _check_size(model, prefix, shapes)
    places, untouched = {}, []
    has_span_head = any(name.startswith(_SPAN_HEAD) for name in shapes)
    for variable in model.variables:
        name = google_name(_path(variable))
        if name.startswith(_SPAN_HEAD) and not has_span_head:
            untouched.append(_path(variable))
        else:
            places[name] = variable
    faults = []
    for name, variable in places.items():
        wanted = _google_shape(name, variable)
        if name not in shapes:
            faults.append(f"{name} {wanted} is missing")
        elif list(shapes[name]) != wanted:
            faults.append(f"{name} is {list(shapes[name])}, wanted {wanted}")
    if faults:
        shown = "; ".join(faults[:5])
        if len(faults) > 5:
            shown += f"; and {len(faults) - 5} more"
        raise ValueError(f"{prefix} does not fit the model {model.name!r}: {shown}")
    for name, variable in places.items():
        value = reader.get_tensor(name)
        value = value.T if _transposed(name) else value
        variable.assign(value.reshape(variable.shape))
    return Loaded(prefix, tuple(places), tuple(untouched))


def write_google_checkpoint(
    model: tf.keras.Model, folder: str, vocabulary_file: str | None = None
) -> str:
    """Writes `model`'s weights as a release of Google's: a checkpoint, bert_config.json, vocab.txt.

    Returns the checkpoint's prefix, what Google's programs take as --init_checkpoint. The
    checkpoint is written last.
    """
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(posixpath.join(folder, CONFIG), "w") as file:
        file.write(json.dumps(google_config(model), indent=2, sort_keys=True) + "\n")
    if vocabulary_file is not None:
        tf.io.gfile.copy(vocabulary_file, posixpath.join(folder, VOCABULARY), overwrite=True)
    names, values = [], []
    for variable in model.variables:
        name = google_name(_path(variable))
        value = variable.numpy()
        names.append(name)
        shape = _google_shape(name, variable)
        values.append(value.T if _transposed(name) else value.reshape(shape))
    prefix = posixpath.join(folder, CHECKPOINT)
    with tf.device("CPU:0"):
        tf.raw_ops.SaveV2(
            prefix=prefix, tensor_names=names, shape_and_slices=[""] * len(names), tensors=values
        )
    return prefix


def google_config(model: tf.keras.Model) -> dict:
    """The model's sizes as bert_config.json has them."""
    config = _encoder(model).get_config()
    return {
        "attention_probs_dropout_prob": config["attention_dropout"],
        "hidden_act": "gelu",
        "hidden_dropout_prob": config["output_dropout"],
        "hidden_size": config["hidden_size"],
        "initializer_range": 0.02,
        "intermediate_size": config["inner_dim"],
        "max_position_embeddings": config["max_sequence_length"],
        "num_attention_heads": config["num_attention_heads"],
        "num_hidden_layers": config["num_layers"],
        "type_vocab_size": config["type_vocab_size"],
        "vocab_size": config["vocab_size"],
    }


def _encoder(model):
    return getattr(model, "encoder", model)


def _path(variable) -> str:
    return re.sub(r":\d+$", "", variable.name)


def _transposed(name: str) -> bool:
    return name in ("cls/seq_relationship/output_weights", "cls/squad/output_weights")


def _google_shape(name: str, variable) -> list:
    shape = list(variable.shape)
    if _transposed(name):
        return shape[::-1]
    if "/attention/self/" in name:  # [H, heads, size] or [heads, size]
        return [*shape[:-2], shape[-2] * shape[-1]]
    if "/attention/output/dense/kernel" in name:  # [heads, size, H]
        return [shape[0] * shape[1], shape[2]]
    return shape


def _prefix(path: str) -> str:
    """The checkpoint's prefix, from it, its index file or its folder."""
    path = re.sub(r"\.index$", "", str(path))
    candidates = [path]
    if tf.io.gfile.isdir(path):
        candidates = [posixpath.join(path, CHECKPOINT)]
        newest = tf.train.latest_checkpoint(path)
        candidates += [newest] if newest else []
    for candidate in candidates:
        if tf.io.gfile.exists(f"{candidate}.index"):
            return candidate
    raise ValueError(
        f"no checkpoint at {path}: wanted {candidates[0]}.index. Give the prefix "
        f"(.../{CHECKPOINT}) or the folder that the release was unpacked into"
    )


def _check_size(model, prefix: str, shapes: dict) -> None:
    """Heads are seen in no tensor's shape, and layers too many would be left aside unseen."""
    wanted = google_config(model)
    path = posixpath.join(posixpath.dirname(prefix), CONFIG)
    if tf.io.gfile.exists(path):
        with tf.io.gfile.GFile(path) as file:
            try:
                found = dict(json.load(file))
            except (ValueError, TypeError) as error:
                raise ValueError(f"{path} is no JSON object: {error}") from None
        keys = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        keys += ("vocab_size", "max_position_embeddings", "type_vocab_size", "hidden_act")
        faults = [
            f"{key} {found[key]!r}, wanted {wanted[key]!r}"
            for key in keys
            if key in found and found[key] != wanted[key]
        ]
        if faults:
            raise ValueError(f"{path} is of another model than {model.name!r}: {'; '.join(faults)}")
    layers = len({name.split("/")[2] for name in shapes if name.startswith("bert/encoder/layer_")})
    if layers > wanted["num_hidden_layers"]:
        raise ValueError(
            f"{prefix} has {layers} layers, the model {model.name!r} {wanted['num_hidden_layers']}"
        )
