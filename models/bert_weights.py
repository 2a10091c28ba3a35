"""Opens a BERT's weights in any of their formats, under Google's names and in Google's shapes.

  Google's          a TensorFlow 1 checkpoint of named variables, bert_model.ckpt.index and .data-*
  tf-models'        a TensorFlow 2 checkpoint of objects, of BertEncoder or BertEncoderV2
  Hugging Face's    model.safetensors; needs the package of that name

Nothing but tensors is read from any of them: no code, no pickles.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from largebatch.models.bert_names import of_hugging_face, of_tf_models

CHECKPOINT, SAFETENSORS, VOCABULARY = "bert_model.ckpt", "model.safetensors", "vocab.txt"


class Weights(NamedTuple):
    """Tensors by Google's names."""

    path: str  # a checkpoint's prefix, or a file
    shapes: dict[str, list[int]]
    tensor: Callable[[str], np.ndarray]

    @property
    def layers(self) -> int:
        found = (re.match(r"bert/encoder/layer_(\d+)/", name) for name in self.shapes)
        return len({match[1] for match in found if match})


def find_weights(path: str) -> str:
    """A checkpoint's prefix or a .safetensors file, from it, its index file or its folder.

    Raises:
      ValueError: there is none, or more than one.
    """
    path = re.sub(r"\.index$", "", str(path))
    if tf.io.gfile.isdir(path):
        return _in_folder(path)
    if path.endswith(".safetensors") and tf.io.gfile.exists(path):
        return path
    if tf.io.gfile.exists(f"{path}.index"):
        return path
    raise ValueError(
        f"no checkpoint at {path}: wanted {path}.index, or a folder. Give the prefix "
        f"(.../{CHECKPOINT}), a .safetensors file, or the folder that the release was unpacked into"
    )


def _in_folder(folder: str) -> str:
    def there(name):
        return tf.io.gfile.exists(posixpath.join(folder, name))

    if there(f"{CHECKPOINT}.index"):
        return posixpath.join(folder, CHECKPOINT)
    if there(SAFETENSORS):
        return posixpath.join(folder, SAFETENSORS)
    newest = tf.train.latest_checkpoint(folder)
    if newest and tf.io.gfile.exists(f"{newest}.index"):
        return newest
    names = sorted(tf.io.gfile.listdir(folder))
    found = [name for name in names if name.endswith((".index", ".safetensors"))]
    if len(found) == 1:
        return posixpath.join(folder, re.sub(r"\.index$", "", found[0]))
    if found:
        raise ValueError(f"{folder} holds several checkpoints: {', '.join(found[:5])}; name one")
    others = {"saved_model.pb": "export it with --format=google", "pytorch_model.bin":
              "convert it to safetensors: a pickle may run code"}  # fmt: skip
    hint = "".join(f"; of {name}, {what}" for name, what in others.items() if name in names)
    raise ValueError(
        f"no checkpoint at {folder}: wanted {CHECKPOINT}.index or {SAFETENSORS} in it{hint}"
    )


def open_weights(path: str) -> Weights:
    """The weights of a file or prefix as `find_weights` gives it.

    Raises:
      ValueError: they cannot be read, or are none of BERT's; `safetensors` is not installed.
    """
    return _safetensors(path) if path.endswith(".safetensors") else _checkpoint(path)


def _checkpoint(prefix: str) -> Weights:
    try:
        reader = tf.train.load_checkpoint(prefix)
        shapes = reader.get_variable_to_shape_map()
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise ValueError(f"{prefix} is no checkpoint that can be read: {error}") from None
    if any(name.startswith("bert/") for name in shapes):
        return Weights(prefix, {k: list(v) for k, v in shapes.items()}, reader.get_tensor)
    keys = of_tf_models(shapes)
    if not keys:
        found = ", ".join(sorted(shapes)[:3])
        raise ValueError(
            f"{prefix} is not one of BERT: of its {len(shapes)} tensors none has a name that "
            "begins with bert/, as Google's have, nor is there an encoder of tf-models-official "
            f"(the first are {found})"
        )
    sizes = {name: _flat(name, shapes[key]) for name, key in keys.items()}
    return Weights(prefix, sizes, lambda n: reader.get_tensor(keys[n]).reshape(sizes[n]))


def _flat(name: str, shape: list[int]) -> list[int]:
    """An attention tensor's shape with its heads side by side, as Google's are."""
    shape = list(shape)
    if "/attention/self/" in name and len(shape) == (3 if name.endswith("kernel") else 2):
        return [*shape[:-2], shape[-2] * shape[-1]]
    if name.endswith("/attention/output/dense/kernel") and len(shape) == 3:
        return [shape[0] * shape[1], shape[2]]
    return shape


def _safetensors(path: str) -> Weights:
    try:
        import safetensors
    except ImportError:
        raise ValueError(
            f"{path} needs the package safetensors: pip install 'largebatch[safetensors]'"
        ) from None
    try:
        file = safetensors.safe_open(path, "np")
        keys = {google: key for key in file.keys() if (google := of_hugging_face(key))}  # noqa: SIM118
        shapes = {name: list(file.get_slice(key).get_shape()) for name, key in keys.items()}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ValueError(f"{path} is no safetensors file that can be read: {error}") from None
    if not any(name.startswith("bert/encoder/") for name in shapes):
        found = ", ".join(sorted(file.keys())[:3])
        raise ValueError(f"{path} is not one of BERT: its first tensors are {found}")

    def tensor(name):
        try:
            value = file.get_tensor(keys[name])
        except (safetensors.SafetensorError, TypeError, AttributeError) as error:
            raise ValueError(f"{path}: {keys[name]} cannot be read ({error})") from None
        return (value.T if name.endswith("/kernel") else value).astype(np.float32)

    sizes = {n: s[::-1] if n.endswith("/kernel") else s for n, s in shapes.items()}
    return Weights(path, sizes, tensor)
