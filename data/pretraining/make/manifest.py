"""PREFIX.manifest.json: what a pre-training data set is made of, and which of it is done.

It is written twice: before the first shard with "complete": false, and at the end. A shard that is
done has a record beside it (SHARD.json) until then; so a run that was cut off goes on where it
stopped, and one with other options is refused.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from typing import TYPE_CHECKING

from largebatch.data.files import storage
from largebatch.data.pretraining.make import text_shares

if TYPE_CHECKING:
    from largebatch.data.pretraining.make.generator_options import GeneratorOptions
    from largebatch.data.text.wordpiece import Vocabulary

FORMAT = 1
_SIZES = ("sequence_length", "max_predictions")
_SETTINGS = (
    *("lower_case", "seed", "duplicate_factor", "masked_fraction", "short_sequence_probability"),
    *("whole_word_masking", "eval_fraction", "blank_lines"),
)
# What must be the same for two runs to make the same files.
_COMPARED = ("format", *_SIZES, *_SETTINGS, "shards")

_KINDS = {"vocabulary": dict, "inputs": list, "splits": dict}


def manifest_file(prefix: str) -> str:
    return f"{prefix}.manifest.json"


def vocabulary_file(prefix: str) -> str:
    return f"{prefix}.vocab.txt"


def shard_file(prefix: str, split: str, number: int, count: int) -> str:
    middle = "" if split == "train" else f"-{split}"
    return f"{prefix}{middle}-{number:05d}-of-{count:05d}.tfrecord"


def begin(
    options: GeneratorOptions, vocabulary: Vocabulary, inputs: list[dict], shards: int
) -> dict:
    """The manifest before any shard is made."""
    return {
        "format": FORMAT,
        "complete": False,
        **{name: getattr(options, name) for name in _SIZES},
        "vocabulary": {
            "file": os.path.basename(vocabulary_file(options.output)),
            "sha256": vocabulary.sha256,
            "size": len(vocabulary),
        },
        **{name: getattr(options, name) for name in _SETTINGS},
        "shards": shards,
        "inputs": inputs,
        "versions": versions(),
        "splits": {},
    }


def complete(manifest: dict, records: list[dict]) -> dict:
    """The manifest of all shards' records, in order."""
    splits = {}
    for split in ("train", "eval"):
        shards = [record[split] for record in records if record[split] is not None]
        splits[split] = {
            "examples": sum(shard["examples"] for shard in shards),
            "masked_tokens": sum(shard["masked_tokens"] for shard in shards),
            **text_shares.totals(shards),
            "shards": shards,
        }
    return {**manifest, "complete": True, "splits": splits}


def write(path: str, content: dict) -> None:
    storage.write_bytes(path, (json.dumps(content, indent=1) + "\n").encode())


def read(path: str) -> dict | None:
    """A JSON file's dictionary; None where there is no file.

    Raises:
      ValueError: there is something else in it.
    """
    if storage.size(path) is None:
        return None
    try:
        content = storage.parsed_json(storage.read_bytes(path))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); remove it") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is damaged (no dictionary); remove it")
    return content


def check_same(path: str, found: dict, wanted: dict) -> None:
    """Raises ValueError: an earlier run made the same files from something else, or its manifest is
    damaged."""
    whole = all(isinstance(found.get(name), kind) for name, kind in _KINDS.items())
    if not whole or not all(isinstance(i, dict) and {"file", "sha256"} <= i.keys()
                            for i in found["inputs"]):  # fmt: skip
        raise ValueError(f"{path} is damaged (it lacks {', '.join(_KINDS)}); remove it")
    differences = [
        f"{name}={found.get(name)!r}, now {wanted[name]!r}"
        for name in _COMPARED
        if found.get(name) != wanted[name]
    ]
    if found.get("vocabulary", {}).get("sha256") != wanted["vocabulary"]["sha256"]:
        differences.append("another vocabulary")
    differences += _input_differences(found.get("inputs", []), wanted["inputs"])
    if differences:
        raise ValueError(
            f"{path} is of a run with {'; '.join(differences)}. Remove its files to make them "
            "anew, or give another --output"
        )


def _input_differences(found: list, wanted: list) -> list[str]:
    old = {entry["sha256"]: entry for entry in found}
    new = {entry["sha256"]: entry for entry in wanted}
    differences = [f"the input {old[key]['file']}" for key in old if key not in new]
    differences += [f"without the input {new[key]['file']}" for key in new if key not in old]
    differences += [
        f"{entry['file']} read as {old[key].get('text')} text, now {entry.get('text')}"
        for key, entry in new.items()
        if key in old and old[key].get("text") != entry.get("text")
    ]
    if not differences and [entry["sha256"] for entry in found] != [e["sha256"] for e in wanted]:
        differences.append("its inputs in another order")
    return differences


def versions() -> dict:
    found = {"python": platform.python_version()}
    for name in ("largebatch", "numpy", "tensorflow", "tensorflow-text", "tensorflow-datasets"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
