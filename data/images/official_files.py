"""Where MNIST and CIFAR-10 can lie in a folder, and loading them from there through the cache."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

from largebatch import stack
from largebatch.data.files import cache, storage
from largebatch.data.images import tfds_builder


@dataclasses.dataclass(frozen=True)
class Source:
    """What is known of a data set before it is read. `official`: the files TFDS's builder reads."""

    name: str
    num_train: int
    num_test: int
    image_shape: tuple
    num_classes: int
    official: tuple
    homepage: str


SOURCES = {
    "mnist": Source(
        "mnist",
        60_000,
        10_000,
        (28, 28, 1),
        10,
        (
            "train-images-idx3-ubyte.gz",
            "train-labels-idx1-ubyte.gz",
            "t10k-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz",
        ),
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "cifar10": Source(
        "cifar10",
        50_000,
        10_000,
        (32, 32, 3),
        10,
        ("cifar-10-binary.tar.gz",),
        "https://www.cs.toronto.edu/~kriz/",
    ),
}


def arrays(source: Source, data_dir: str | None, cache_dir: str | None) -> dict:
    """The set's arrays, `mean` and `std`, under the names of ImageSet's fields.

    They are kept in the cache folder: TFDS takes 13 s to prepare MNIST's official files and 4 s to
    decode CIFAR-10's records, import included; the cached arrays are read in under 0.2 s, without
    TensorFlow.

    Raises:
      ValueError: as `image_set.load` says.
    """
    root = cache.folder(cache_dir) / "images"
    if data_dir is None:
        # TFDS's own default, without importing it.
        folder = Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()
        if _prepared_folder(source, folder) is None:
            with cache.locked(root, f"{source.name}-download"):
                if _prepared_folder(source, folder) is None:
                    stack.say(f"downloading {source.name}")
                    tfds_builder.download(source, folder)
    else:
        folder = _local_folder(data_dir)

    def said(prepare, *arguments):
        stack.say(f"preparing {source.name}")
        return prepare(source, *arguments)

    prepared = _prepared_folder(source, folder)
    if prepared is not None:
        files = [file for file in prepared.iterdir() if file.is_file()]
        entry = cache.key(f"{source.name}-{prepared.name}", files)
        return cache.arrays(root, entry, lambda scratch: said(tfds_builder.decode, prepared))
    official = _official_files(source, folder)
    entry = cache.key(f"{source.name}-official", official)
    return cache.arrays(root, entry, lambda scratch: said(tfds_builder.prepare, official, scratch))


def check(source: Source, data_dir: str) -> None:
    """Raises ValueError: the set is neither prepared nor in its official files there."""
    folder = _local_folder(data_dir)
    if _prepared_folder(source, folder) is None:
        _official_files(source, folder)


def _local_folder(data_dir: str) -> Path:
    if "://" in str(data_dir):
        raise ValueError(
            f"the data folder {data_dir} is a URL; image sets that fit into memory are read from a "
            "local folder: copy it to this host's disk first"
        )
    folder = Path(data_dir).expanduser()
    if not folder.is_dir():
        state = "is not a folder" if folder.exists() else "does not exist"
        raise ValueError(f"the data folder {folder} {state}")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise ValueError(f"the data folder {folder} may not be read by this user")
    return folder


def _prepared_folder(source: Source, folder: Path) -> Path | None:
    """The newest version of the set that TFDS has prepared in `folder`, which may itself be it."""
    if _is_prepared(source, folder):
        return folder
    found = {}
    for parent in (folder / source.name, folder):
        for child in parent.iterdir() if parent.is_dir() else ():
            if re.fullmatch(r"\d+\.\d+\.\d+", child.name) and _is_prepared(source, child):
                found[tuple(int(number) for number in child.name.split("."))] = child
    return found[max(found)] if found else None


def _is_prepared(source: Source, folder: Path) -> bool:
    info = folder / "dataset_info.json"
    if not info.is_file():
        return False
    try:
        return storage.parsed_json(info.read_text())["name"] == source.name
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{info} is damaged: it is not TFDS's description of a set") from error


def _official_files(source: Source, folder: Path) -> list:
    """The official files' paths in `folder` or folder/name; ValueError if any is missing."""
    for place in (folder, folder / source.name):
        missing = [name for name in source.official if not (place / name).is_file()]
        if not missing:
            return [place / name for name in source.official]
        if len(missing) < len(source.official):
            raise ValueError(
                f"{place} lacks {', '.join(missing)} of {source.name}'s official files; get them "
                f"from {source.homepage}"
            )
    raise ValueError(
        f"the data folder {folder} lacks {source.name}: looked for "
        f"{source.name}/<version>/dataset_info.json, as TFDS prepares it, and for "
        f"{', '.join(source.official)}. Get the official files from {source.homepage}, or give no "
        "data folder, and TFDS downloads them"
    )
