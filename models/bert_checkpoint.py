"""BERT's weights: read from any release (`bert_weights`), written as Google's code does.

A release of Google's is a folder of bert_model.ckpt.index, bert_model.ckpt.data-*, bert_config.json
and vocab.txt. The next sentence's and SQuAD's output weights are [2, H] there and [H, 2] here.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import NamedTuple

import tensorflow as tf

from largebatch.models import bert_config
from largebatch.models.bert_names import POOLER, SPAN_HEAD, google_name
from largebatch.models.bert_weights import CHECKPOINT, VOCABULARY, find_weights, open_weights


class Loaded(NamedTuple):
    """What `load_bert_checkpoint` did."""

    checkpoint: str  # the prefix or file that was read
    loaded: tuple  # names of the tensors that were, in Google's code
    untouched: tuple  # paths of the model's variables that kept their values (SQuAD's head)


def load_bert_checkpoint(model: tf.keras.Model, path: str) -> Loaded:
    """Gives `model` (encoder, pre-trainer or span model) the weights of a released BERT.

    `path` is a checkpoint's prefix (".../bert_model.ckpt"), a .safetensors file, or the folder that
    holds one: Google's, tf-models-official's or Hugging Face's. SQuAD's head keeps its values when
    the checkpoint is one of pre-training, and so does a span model's pooler, which takes no part,
    where the checkpoint has none. Tensors that the model has no place for (heads, optimizer slots)
    are left aside.

    Raises:
      ValueError: no checkpoint there, one of another size (by the config beside it, where there is
        one), tensors that are missing or of another shape: each is named. The model is unchanged
        then.
    """
    weights = open_weights(find_weights(path))
    shapes, file = weights.shapes, weights.path
    _check_size(model, file, weights.layers)
    places, untouched = {}, []
    optional = [SPAN_HEAD] if not hasattr(model, "span") else [SPAN_HEAD, POOLER]
    kept = [head for head in optional if not any(name.startswith(head) for name in shapes)]
    for variable in model.variables:
        name = google_name(_path(variable))
        if name.startswith(tuple(kept)):
            untouched.append(_path(variable))
        else:
            places[name] = variable
    faults = []
    for name, variable in places.items():
        wanted = _google_shape(name, variable)
        if name not in shapes:
            faults.append(f"{name} {wanted} is missing")
        elif shapes[name] != wanted:
            faults.append(f"{name} is {shapes[name]}, wanted {wanted}")
    if faults:
        shown = "; ".join(faults[:5])
        if len(faults) > 5:
            shown += f"; and {len(faults) - 5} more"
        raise ValueError(f"{file} does not fit the model {model.name!r}: {shown}")
    values = {name: weights.tensor(name) for name in places}  # all, before any is assigned
    for name, variable in places.items():
        value = values[name].T if _transposed(name) else values[name]
        variable.assign(value.reshape(variable.shape))
    return Loaded(file, tuple(places), tuple(untouched))


#: The name of before, when Google's was the one format.
load_google_checkpoint = load_bert_checkpoint


def write_google_checkpoint(
    model: tf.keras.Model,
    folder: str,
    vocabulary_file: str | None = None,
    lower_case: bool | None = None,
) -> str:
    """Writes `model`'s weights as a release of Google's: a checkpoint, bert_config.json, vocab.txt.

    Returns the checkpoint's prefix, what Google's programs take as --init_checkpoint. The
    checkpoint is written last.
    """
    write_google_config(model, folder, lower_case)
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


def write_google_config(model: tf.keras.Model, folder: str, lower_case: bool | None = None) -> None:
    """Writes bert_config.json into `folder`, which is made."""
    tf.io.gfile.makedirs(folder)
    content = json.dumps(google_config(model, lower_case), indent=2, sort_keys=True)
    with tf.io.gfile.GFile(posixpath.join(folder, bert_config.GOOGLE), "w") as file:
        file.write(content + "\n")


def google_config(model: tf.keras.Model, lower_case: bool | None = None) -> dict:
    """The model's sizes as bert_config.json has them.

    Two keys are ours, and there where they are needed: do_lower_case, and gelu_approximation, false
    where gelu is exact, as Hugging Face's, and not Google's approximation.
    """
    encoder = _encoder(model)
    config = encoder.get_config()
    extra = {} if lower_case is None else {"do_lower_case": lower_case}
    if encoder.activation == "exact_gelu":
        extra[bert_config.EXACT_GELU] = False
    return {
        **extra,
        "attention_probs_dropout_prob": config["attention_dropout"],
        "hidden_act": encoder.activation.removeprefix("exact_"),
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


def _check_size(model, path: str, layers: int) -> None:
    """Heads are seen in no tensor's shape, and layers too many would be left aside unseen."""
    folder, wanted = posixpath.dirname(path), google_config(model)
    names = (bert_config.GOOGLE, bert_config.HUGGING_FACE)
    if any(tf.io.gfile.exists(posixpath.join(folder, name)) for name in names):
        found = bert_config.read_bert_config(folder)
        theirs = {k: value for k, value in _keys(found).items() if value is not None}
        wanted["hidden_act"] = _encoder(model).activation
        faults = [
            f"{key} {value!r}, wanted {wanted[key]!r}"
            for key, value in theirs.items()
            if value != wanted[key]
        ]
        if faults:
            raise ValueError(
                f"{found.file} is of another model than {model.name!r}: {'; '.join(faults)}"
            )
    if layers > wanted["num_hidden_layers"]:
        raise ValueError(
            f"{path} has {layers} layers, the model {model.name!r} {wanted['num_hidden_layers']}"
        )


def _keys(found: bert_config.BertConfig) -> dict:
    return {
        "hidden_size": found.size.hidden_size,
        "num_hidden_layers": found.size.layers,
        "num_attention_heads": found.size.heads,
        "intermediate_size": found.size.intermediate_size,
        "vocab_size": found.vocabulary_size,
        "max_position_embeddings": found.max_positions,
        "type_vocab_size": found.types,
        "hidden_act": found.activation,
    }
