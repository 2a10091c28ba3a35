"""Finding pre-training shards by their manifest, and checking that they are what it says."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import glob
import hashlib
import os
from collections.abc import Iterable
from typing import Any

from largebatch.data.files import record_checksum, storage

FORMAT = 1
PROGRAM = "python -m largebatch.data.create_pretraining_data"


@dataclasses.dataclass(frozen=True)
class ShardFile:
    path: str
    examples: int
    masked_tokens: int


@dataclasses.dataclass(frozen=True)
class PretrainingFiles:
    """The shards of one manifest: examples of one sequence length from one vocabulary."""

    sequence_length: int
    max_predictions: int
    vocabulary_size: int
    vocabulary_file: str
    vocabulary_sha256: str
    lower_case: bool
    manifest_file: str
    train: tuple  # of ShardFile
    eval: tuple  # of ShardFile; empty where no documents were set aside
    manifest: dict = dataclasses.field(repr=False, compare=False)

    @property
    def num_train(self) -> int:
        return sum(shard.examples for shard in self.train)

    @property
    def num_eval(self) -> int:
        return sum(shard.examples for shard in self.eval)


def find_pretraining(data_dir: str, sequence_length: int) -> PretrainingFiles:
    """The shards of that sequence length in `data_dir` or in a folder one level below it.

    A folder may be any that tf.io.gfile reads (gs://...). Sizes, and the checksum of each shard's
    first record, are compared with the manifest's; contents are not read: a damaged record is
    found when it is met.

    Raises:
      ValueError: there is no manifest of this length, or more than one; it is damaged or
        incomplete; a shard is missing, has another size or is another run's; the vocabulary is not
        the one that the shards were made with.
    """
    data_dir = os.fspath(data_dir)
    state = storage.folder_state(data_dir)
    if state is not None:
        raise ValueError(f"the folder of pre-training data {data_dir} {state}")
    patterns = [os.path.join(data_dir, *rest) for rest in _PLACES]
    manifests = {path: _read(path) for path in _manifest_files(data_dir)}
    command = f"`{PROGRAM} --input=... --output=PREFIX --vocab=FILE "
    if not manifests:
        raise ValueError(
            f"{data_dir} holds no pre-training data: looked for {' and '.join(patterns)}. Make it "
            f"with {command}--sequence_length={sequence_length}`"
        )
    lengths = {path: manifest["sequence_length"] for path, manifest in manifests.items()}
    wanted = [path for path, length in lengths.items() if length == sequence_length]
    if not wanted:
        found = ", ".join(f"{length} ({path})" for path, length in lengths.items())
        raise ValueError(
            f"no pre-training data of sequence length {sequence_length} in {data_dir}; found: "
            f"{found}. Make it with {command}--sequence_length={sequence_length}`"
        )
    if len(wanted) > 1:
        raise ValueError(
            f"two manifests of sequence length {sequence_length} in {data_dir}: "
            f"{' and '.join(wanted)}; name the folder of one, or move the other away"
        )
    return _checked(wanted[0], manifests[wanted[0]])


def holds_shards(data_dir: str) -> bool:
    """Whether there is a manifest where `find_pretraining` looks for one."""
    return bool(_manifest_files(os.fspath(data_dir)))


def _manifest_files(data_dir: str) -> list[str]:
    places = (os.path.join(glob.escape(data_dir), *rest) for rest in _PLACES)
    return [path for place in places for path in storage.matching(place)]


def check_same_vocabulary(*files: PretrainingFiles) -> None:
    """Raises ValueError where the stages of one run were made with different vocabularies."""
    for other in files[1:]:
        first = files[0]
        if (first.vocabulary_sha256, first.lower_case) != (
            other.vocabulary_sha256,
            other.lower_case,
        ):
            described = [
                f"{one.manifest_file} has {one.vocabulary_size} entries, SHA-256 "
                f"{one.vocabulary_sha256[:16]}..., lower case: {str(one.lower_case).lower()}"
                for one in (first, other)
            ]
            raise ValueError(
                f"the stages of a run need one vocabulary, but {'; '.join(described)}. Make both "
                f"with the same --vocab and --lower_case of `{PROGRAM}`"
            )


_PLACES = [("*.manifest.json",), ("*", "*.manifest.json")]


def _read(path: str) -> dict:
    content = storage.read_bytes(path, "the manifest")
    try:
        manifest = storage.parsed_json(content.decode("utf-8"))
    except ValueError as error:
        raise ValueError(f"the manifest {path} is damaged: {error}; make the data again") from error
    if not isinstance(manifest, dict):
        raise ValueError(f"the manifest {path} holds no JSON object; make the data again")
    if manifest.get("format") != FORMAT:
        raise ValueError(
            f"the manifest {path} has format {manifest.get('format')!r}, wanted {FORMAT}"
        )
    _item(path, manifest, "sequence_length", int)
    return manifest


def _item(path: str, part: dict, name: str, kind: type[Any], place: str = ""):
    """part[name], of that type; ValueError naming the manifest and the place in it."""
    value = part.get(name)
    # A bool is an int to Python; no count or length is one.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        found = f"is {value!r}" if name in part else "is missing"
        raise ValueError(
            f"the manifest {path} is damaged: {place}{name} {found}, wanted {kind.__name__}"
        )
    if kind is int and value < 0:
        raise ValueError(f"the manifest {path} is damaged: {place}{name} is {value}")
    return value


def _checked(path: str, manifest: dict) -> PretrainingFiles:
    if manifest.get("complete") is not True:
        raise ValueError(
            f"the manifest {path} is incomplete: the program that makes the shards was "
            f"interrupted; run the same `{PROGRAM}` command again, it resumes"
        )
    splits = _item(path, manifest, "splits", dict)
    vocabulary = _item(path, manifest, "vocabulary", dict)
    files = PretrainingFiles(
        sequence_length=manifest["sequence_length"],
        max_predictions=_item(path, manifest, "max_predictions", int),
        vocabulary_size=_item(path, vocabulary, "size", int, "vocabulary."),
        vocabulary_file=_beside(path, _item(path, vocabulary, "file", str, "vocabulary.")),
        vocabulary_sha256=_item(path, vocabulary, "sha256", str, "vocabulary."),
        lower_case=_item(path, manifest, "lower_case", bool),
        manifest_file=path,
        train=_shards(path, splits, "train"),
        eval=_shards(path, splits, "eval") if "eval" in splits else (),
        manifest=manifest,
    )
    if not files.num_train:
        raise ValueError(f"the manifest {path} lists no training examples")
    _check_vocabulary(files)
    return files


def _beside(manifest_file: str, name: str) -> str:
    """A file that the manifest names: in its own folder, nowhere else."""
    if name != os.path.basename(name) or name in ("", ".", ".."):
        raise ValueError(
            f"the manifest {manifest_file} is damaged: it names the file {name!r}, wanted one in "
            "its own folder, without a path"
        )
    return os.path.join(os.path.dirname(manifest_file), name)


def _shards(path: str, splits: dict, split: str) -> tuple:
    part = _item(path, splits, split, dict, "splits.")
    listed, sizes, checksums = [], [], {}
    for number, shard in enumerate(_item(path, part, "shards", list, f"splits.{split}.")):
        place = f"splits.{split}.shards[{number}]."
        if not isinstance(shard, dict):
            raise ValueError(f"the manifest {path} is damaged: {place[:-1]} is {shard!r}")
        counts = (_item(path, shard, name, int, place) for name in ("examples", "masked_tokens"))
        listed.append(ShardFile(_beside(path, _item(path, shard, "file", str, place)), *counts))
        sizes.append(_item(path, shard, "bytes", int, place))
        first = shard.get("first_checksum")  # None: no record, or made before it was kept
        if first is not None:
            checksums[listed[-1].path] = _item(path, shard, "first_checksum", int, place)
    total = sum(shard.examples for shard in listed)
    if total != _item(path, part, "examples", int, f"splits.{split}."):
        raise ValueError(
            f"the manifest {path} is damaged: the shards of splits.{split} hold {total} examples, "
            f"its sum says {part['examples']}"
        )
    _check_sizes(path, listed, sizes)
    _check_first_records(path, listed, checksums)
    return tuple(shard for shard in listed if shard.examples)


def _check_sizes(path: str, shards: list, sizes: Iterable[int]) -> None:
    # In a bucket each look takes some 50 ms, and there may be thousands.
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        found = list(pool.map(storage.size, [shard.path for shard in shards]))
    missing = [shard.path for shard, length in zip(shards, found) if length is None]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(shards)} shards that {path} lists are missing: "
            f"{_some(missing)}. Copy them there, or run the same `{PROGRAM}` command again"
        )
    wrong = [
        f"{shard.path} has {length} bytes, wanted {size}"
        for shard, size, length in zip(shards, sizes, found)
        if length != size
    ]
    if wrong:
        raise ValueError(
            f"{len(wrong)} of {len(shards)} shards are not what {path} lists: {_some(wrong)}. Copy "
            f"them again, or remove them and run the same `{PROGRAM}` command again"
        )


def _check_first_records(path: str, shards: list, checksums: dict) -> None:
    wrong = record_checksum.others(checksums)
    if wrong:
        raise ValueError(
            f"{len(wrong)} of {len(shards)} shards begin with another record 0 than {path} lists, "
            f"as another run's would: {_some(wrong)}. Copy them again, or remove them and run the "
            f"same `{PROGRAM}` command again"
        )


def _some(found: list, most: int = 5) -> str:
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def _check_vocabulary(files: PretrainingFiles) -> None:
    content = storage.read_bytes(
        files.vocabulary_file, f"the vocabulary that {files.manifest_file} lists,"
    )
    digest = hashlib.sha256(content).hexdigest()
    if digest != files.vocabulary_sha256:
        raise ValueError(
            f"the vocabulary {files.vocabulary_file} is not the one that the shards were made "
            f"with: its SHA-256 is {digest[:16]}..., {files.manifest_file} says "
            f"{files.vocabulary_sha256[:16]}..."
        )
