"""ImageNet as TFDS has prepared it: finding `imagenet2012`'s files and what they hold."""

from __future__ import annotations

import dataclasses
import json
import os
import re

from largebatch.data import storage

NAME = "imagenet2012"
NUM_CLASSES = 1000
# Of the training pixels / 255, as every public ResNet-50 has them.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
_INFO = "dataset_info.json"


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


def find_imagenet(data_dir: str | None, image_size: int = 224) -> ImageNetFiles:
    """The newest `imagenet2012` in `data_dir`, which TFDS has prepared; nothing is downloaded.

    Nothing of an image is read. A damaged record is found when it is met.

    Args:
      data_dir: TFDS's folder (it holds imagenet2012/5.1.0), imagenet2012 in it, or the version's
        folder; any that tf.io.gfile reads (gs://...). None: $TFDS_DATA_DIR, or TFDS's default.
      image_size: pixels a side of the images that a pipeline makes.

    Raises:
      ValueError: the set is not there, or its description is damaged or does not fit its files.
    """
    if image_size < 1:
        raise ValueError(f"image_size is {image_size}, wanted at least 1 pixel")
    root = data_dir
    if root is None:
        root = os.environ.get("TFDS_DATA_DIR", os.path.join("~", "tensorflow_datasets"))
    root = os.path.expanduser(os.fspath(root))
    folder = _newest(root)
    if folder is None:
        raise ValueError(
            f"{root} holds no {NAME}: looked for {NAME}/<version>/{_INFO}, as `tfds build {NAME}` "
            "prepares it from the official archives. Give TFDS's folder as the data folder "
            "(--data_dir)"
        )
    info_file = os.path.join(folder, _INFO)
    try:
        info = json.loads(storage.read_bytes(info_file))
        splits = {split["name"]: split for split in info["splits"]}
        if info["name"] != NAME:
            raise ValueError(f"{info_file} describes {info['name']!r}, wanted {NAME!r}")
        shards = {name: _shards(folder, splits[name]) for name in ("train", "validation")}
        version = info["version"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{info_file} is damaged: it is not TFDS's description of a set with the splits train "
            f"and validation ({type(error).__name__}: {error})"
        ) from error
    return ImageNetFiles(folder, version, image_size, shards["train"], shards["validation"])


def _newest(root: str) -> str | None:
    """The folder of the newest version, in whichever of its parents `root` is."""
    found = {}
    for place in (root, os.path.join(root, NAME)):
        for file in storage.matching(os.path.join(place, "*.*.*", _INFO)):
            folder = os.path.dirname(file)
            if re.fullmatch(r"\d+\.\d+\.\d+", os.path.basename(folder)) and _is_ours(place, file):
                version = tuple(int(part) for part in os.path.basename(folder).split("."))
                found.setdefault(version, folder)
    if found:
        return found[max(found)]
    return root if storage.matching(os.path.join(root, _INFO)) else None


def _is_ours(place: str, info_file: str) -> bool:
    """A version's folder counts under imagenet2012/, or where its description says so."""
    if os.path.basename(os.path.normpath(place)) == NAME:
        return True
    try:
        return json.loads(storage.read_bytes(info_file)).get("name") == NAME
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
