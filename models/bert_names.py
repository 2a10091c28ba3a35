"""The names of BERT's tensors: here, in Google's code, in tf-models-official's, in Hugging Face's.

Google's are the common ones: the functions give the name in Google's code. Axes: H hidden size.
Attention weights are [H, H] there and [H, heads, size] (query, key, value) or [heads, size, H]
(output) here and in tf-models-official: the same numbers in the same order. Hugging Face's dense
weights are [out, in], all others [in, out].
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SPAN_HEAD = "cls/squad/"
POOLER = "bert/pooler/"

# What a variable's path here becomes in Google's code; the first that matches.
_OURS = [
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
        (r"bert/transformer/(\w+)/(intermediate|output)/(\w+)", r"bert/encoder/\1/\2/dense/\3"),
        (r"bert/transformer/(\w+)/output_layer_norm/(\w+)", r"bert/encoder/\1/output/LayerNorm/\2"),
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

# tf-models-official's object-based checkpoints: a layer's part, and where it stands in Google's.
_LAYER = {
    **{
        f"_attention_layer/_{part}_dense": f"attention/self/{part}"
        for part in ("query", "key", "value")
    },
    "_attention_layer/_output_dense": "attention/output/dense",
    "_attention_output_dense": "attention/output/dense",  # of 2020
    "_attention_layer_norm": "attention/output/LayerNorm",
    "_intermediate_dense": "intermediate/dense",
    "_output_dense": "output/dense",
    "_output_layer_norm": "output/LayerNorm",
}
_WHOLE = {  # of BertEncoderV2, a layer, whose parts are its attributes
    "_embedding_layer/embeddings": "bert/embeddings/word_embeddings",
    "_position_embedding_layer/embeddings": "bert/embeddings/position_embeddings",
    "_type_embedding_layer/embeddings": "bert/embeddings/token_type_embeddings",
    "_embedding_norm_layer/gamma": "bert/embeddings/LayerNorm/gamma",
    "_embedding_norm_layer/beta": "bert/embeddings/LayerNorm/beta",
    "_pooler_layer/kernel": "bert/pooler/dense/kernel",
    "_pooler_layer/bias": "bert/pooler/dense/bias",
}
_NUMBERED = {  # of BertEncoder, a functional model, whose layers are numbered as they were made
    "0/embeddings": "bert/embeddings/word_embeddings",
    "1/embeddings": "bert/embeddings/position_embeddings",
    "2/embeddings": "bert/embeddings/token_type_embeddings",
    "3/gamma": "bert/embeddings/LayerNorm/gamma",
    "3/beta": "bert/embeddings/LayerNorm/beta",
}
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_TF2_LAYER = re.compile(r"(_transformer_layers/|layer_with_weights-)(\d+)/(.+)/(\w+)")
_TF2_NUMBERED = re.compile(r"layer_with_weights-(\d+)/(\w+)")
_TF2_POOLER = re.compile(r"pooler_dense/(kernel|bias)")  # next_sentence..pooler_dense, of 2020

_HEADS = {  # Hugging Face's
    "cls.predictions.bias": "cls/predictions/output_bias",
    "cls.seq_relationship.weight": "cls/seq_relationship/output_weights",
    "cls.seq_relationship.bias": "cls/seq_relationship/output_bias",
    "qa_outputs.weight": "cls/squad/output_weights",
    "qa_outputs.bias": "cls/squad/output_bias",
}


def google_name(path: str) -> str:
    """The name in Google's code of the variable with this path, `bert/pooler_transform/bias`."""
    for pattern, theirs in _OURS:
        match = pattern.search(path)
        if match:
            return match.expand(theirs)
    raise ValueError(f"the variable {path} is none of BERT's: it has no name in Google's code")


def of_tf_models(keys: Iterable[str]) -> dict[str, str]:
    """{Google's name: the key} of the encoder in an object-based checkpoint; {}: there is none.

    Of BertEncoder and BertEncoderV2, whatever the checkpoint calls them. Optimizer slots and heads
    are left aside.
    """
    places = [key[: -len(_VALUE)] for key in keys if key.endswith(_VALUE)]
    places = [place for place in places if ".OPTIMIZER_SLOT" not in place]
    found, numbered = {}, {}
    for place in places:
        layer = _TF2_LAYER.search(place)
        if layer and layer[3] in _LAYER:
            root = place[: layer.start()]
            number = int(layer[2]) - (0 if layer[1].startswith("_") else 4)
            found[f"bert/encoder/layer_{number}/{_LAYER[layer[3]]}/{layer[4]}"] = place
            if not layer[1].startswith("_"):
                numbered[root] = max(number + 5, numbered.get(root, 0))
    for place in places:
        whole = next((tail for tail in _WHOLE if place.endswith(f"/{tail}")), None)
        pooler = _TF2_POOLER.search(place)
        if whole:
            found[_WHOLE[whole]] = place
        elif pooler:
            found.setdefault(f"bert/pooler/dense/{pooler[1]}", place)
        for root, last in numbered.items():
            match = _TF2_NUMBERED.fullmatch(place[len(root) :]) if place.startswith(root) else None
            if match and int(match[1]) == last:
                found[f"bert/pooler/dense/{match[2]}"] = place
            elif match and f"{match[1]}/{match[2]}" in _NUMBERED:
                found[_NUMBERED[f"{match[1]}/{match[2]}"]] = place
    complete = any(name.startswith("bert/encoder/") for name in found)
    return {name: place + _VALUE for name, place in found.items()} if complete else {}


def of_hugging_face(name: str) -> str | None:
    """Google's name of a tensor of Hugging Face's BERT, of any of its heads; None: it has none."""
    name = name.removeprefix("bert.")
    if name in _HEADS:
        return _HEADS[name]
    if not re.match(r"(embeddings|encoder\.layer\.\d+|pooler|cls\.predictions\.transform)\.", name):
        return None
    embedding = re.fullmatch(r"embeddings\.(\w+_embeddings)\.weight", name)
    if embedding:
        return f"bert/embeddings/{embedding[1]}"
    path, _, leaf = name.replace("encoder.layer.", "encoder.layer_").rpartition(".")
    if path.endswith("LayerNorm"):
        leaf = {"weight": "gamma", "bias": "beta"}.get(leaf, leaf)  # gamma, beta in old ones
    else:
        leaf = {"weight": "kernel"}.get(leaf, leaf)
    if leaf not in ("gamma", "beta", "kernel", "bias"):
        return None  # position_ids
    root = "" if path.startswith("cls.") else "bert/"
    return f"{root}{path.replace('.', '/')}/{leaf}"
