"""Finding ImageNet's files, and how many images they hold.

Two layouts are read: `imagenet2012` as TFDS prepares it, and the raw TFRecord files of the TPU
world, train-00000-of-01024 and validation-00000-of-00128, as Google's imagenet_to_gcs.py writes
them.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re

from largebatch.data.files import storage
from largebatch.data.imagenet import counts as imagenet_counts

NAME = "imagenet2012"
NUM_CLASSES = 1000
# Of the training pixels / 255, as every public ResNet-50 has them.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
_INFO = "dataset_info.json"
RAW_VERSION = "raw TFRecords"


@dataclasses.dataclass(frozen=True)
class Layout:
    """The names of a record's features, and the label of the first class."""

    image: str
    label: str
    file_name: str
    first_label: int


TFDS_LAYOUT = Layout("image", "label", "file_name", 0)
RAW_LAYOUT = Layout("image/encoded", "image/class/label", "image/filename", 1)


@dataclasses.dataclass(frozen=True)
class ImageShard:
    path: str
    examples: int


@dataclasses.dataclass(frozen=True)
class ImageNetFiles:
    """The shards of both splits; images become `image_size` x `image_size` pixels."""

    folder: str
    version: str
    image_size: int
    train: tuple  # of ImageShard
    validation: tuple  # of ImageShard
    layout: Layout = TFDS_LAYOUT

    name = NAME
    num_classes = NUM_CLASSES

    @property
    def image_shape(self) -> tuple:
        """(H, W, C)."""
        return (self.image_size, self.image_size, 3)

    @property
    def num_train(self) -> int:
        return sum(shard.examples for shard in self.train)

    @property
    def num_test(self) -> int:
        return sum(shard.examples for shard in self.validation)


def find_imagenet(
    data_dir: str | None, image_size: int = 224, version: str | None = None
) -> ImageNetFiles:
    """ImageNet in `data_dir`: TFDS's newest `imagenet2012`, or raw TFRecord files.

    Nothing is downloaded, and nothing of an image is read. A damaged record is found when it is
    met.

    Args:
      data_dir: TFDS's folder (it holds imagenet2012/5.1.0), imagenet2012 in it, or the version's
        folder; or the folder of the raw files, counted by `count_records`. Any that tf.io.gfile
        reads (gs://...). None: $TFDS_DATA_DIR, or TFDS's default.
      image_size: pixels a side of the images that a pipeline makes.
      version: of TFDS's set, 5.1.0 for example; None: the newest.

    Raises:
      ValueError: the set or the version is not there, or its description is damaged or does not
        fit its files.
    """
    if image_size < 1:
        raise ValueError(f"image_size is {image_size}, wanted at least 1 pixel")
    root = data_dir
    if root is None:
        root = os.environ.get("TFDS_DATA_DIR", os.path.join("~", "tensorflow_datasets"))
    root = os.path.expanduser(os.fspath(root))
    folder = _version_folder(root, version)
    if folder is None:
        shards = imagenet_counts.raw_shards(root)
        if shards is not None:
            return _raw(root, shards, image_size)
        raise ValueError(
            f"{root} holds no {NAME}: looked for {NAME}/<version>/{_INFO}, as `tfds build {NAME}` "
            "prepares it from the official archives, and for raw TFRecord files such as "
            "train-00000-of-01024. Give their folder as the data folder (--data_dir)"
        )
    info_file = os.path.join(folder, _INFO)
    try:
        info = storage.parsed_json(storage.read_bytes(info_file))
        splits = {split["name"]: split for split in info["splits"]}
        if info["name"] != NAME:
            raise ValueError(f"{info_file} describes {info['name']!r}, wanted {NAME!r}")
        shards = {name: _shards(folder, splits[name]) for name in ("train", "validation")}
        found = info["version"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{info_file} is damaged: it is not TFDS's description of a set with the splits train "
            f"and validation ({type(error).__name__}: {error})"
        ) from error
    return ImageNetFiles(folder, found, image_size, shards["train"], shards["validation"])


def _raw(root: str, shards: dict, image_size: int) -> ImageNetFiles:
    counts = imagenet_counts.read_counts(root, shards)
    train, validation = (
        tuple(ImageShard(*pair) for pair in zip(shards[split], counts[split]) if pair[1])
        for split in ("train", "validation")
    )
    return ImageNetFiles(root, RAW_VERSION, image_size, train, validation, RAW_LAYOUT)


def _version_folder(root: str, version: str | None) -> str | None:
    """The folder of `version`, or of the newest, in whichever of its parents `root` is.

    Raises:
      ValueError: that version, or the one that `root` itself names, is not there.
    """
    found = _versions(root)
    named = os.path.basename(os.path.normpath(root))
    if _numbers(named) and not found:
        parent = os.path.dirname(os.path.normpath(root))
        if storage.matching(os.path.join(root, _INFO)):
            found, version = {named: root}, version or named
        elif _versions(parent):
            found, version = _versions(parent), named
    if version is not None:
        if version not in found:
            there = ", ".join(sorted(found, key=_numbers)) or "none"
            raise ValueError(f"{root}: version {version} of {NAME} is not there; found: {there}")
        return found[version]
    if found:
        return found[max(found, key=_numbers)]
    return root if storage.matching(os.path.join(root, _INFO)) else None


def _versions(root: str) -> dict:
    """{version: folder} in `root` and in `root`/imagenet2012."""
    found = {}
    for place in (root, os.path.join(root, NAME)):
        for file in storage.matching(os.path.join(place, "*.*.*", _INFO)):
            folder = os.path.dirname(file)
            if _numbers(os.path.basename(folder)) and _is_ours(place, file):
                found.setdefault(os.path.basename(folder), folder)
    return found


def _numbers(version: str) -> tuple | None:
    """5.1.0 -> (5, 1, 0); None where it is no version."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        return None
    return tuple(map(int, version.split(".")))


def _is_ours(place: str, info_file: str) -> bool:
    """A version's folder counts under imagenet2012/, or where its description says so."""
    if os.path.basename(os.path.normpath(place)) == NAME:
        return True
    try:
        return storage.parsed_json(storage.read_bytes(info_file)).get("name") == NAME
    except (json.JSONDecodeError, AttributeError):
        return False


def _shards(folder: str, split: dict) -> tuple:
    """The split's shards; ValueError where one of the files is missing."""
    lengths = [int(length) for length in split["shardLengths"]]
    template = split.get("filepathTemplate", "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}")
    shards = []
    for number, length in enumerate(lengths):
        name = template.format(
            DATASET=NAME,
            SPLIT=split["name"],
            FILEFORMAT="tfrecord",
            SHARD_X_OF_Y=f"{number:05d}-of-{len(lengths):05d}",
        )
        shards.append(ImageShard(os.path.join(folder, name), length))
    there = set(storage.matching(os.path.join(folder, f"{NAME}-{split['name']}.tfrecord*")))
    missing = [shard.path for shard in shards if shard.path not in there]
    if missing:
        raise ValueError(
            f"{missing[0]} is missing, one of {len(missing)} of the {len(shards)} {split['name']} "
            f"shards that {os.path.join(folder, _INFO)} lists; copy them again"
        )
    return tuple(shard for shard in shards if shard.examples)
