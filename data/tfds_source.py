"""MNIST and CIFAR-10 out of a TFDS folder, or made by TFDS's builder from the official files."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import re
from pathlib import Path
from typing import Optional

import numpy as np

from largebatch.data import cache
from largebatch.data.image_set import channel_statistics


@dataclasses.dataclass(frozen=True)
class Source:
    """What is known of a data set before it is read. `official`: the files that TFDS's builder downloads."""

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


def arrays(source: Source, data_dir: Optional[Path], cache_dir: Optional[Path]) -> dict:
    """The set's arrays with `mean` and `std`, as ImageSet's fields of these names.

    They are kept in the cache folder: decoding 70,000 PNGs out of TFDS's records takes seconds, and importing TFDS
    some more, where the cached arrays are read in a tenth of a second.

    Raises:
      ValueError: as `image_set.load` says.
    """
    root = cache.folder(cache_dir) / "images"
    if data_dir is None:
        data_dir = _default_folder()
        if _prepared_folder(source, data_dir) is None:
            _download(source, data_dir)
    data_dir = data_dir.expanduser()
    prepared = _prepared_folder(source, data_dir)
    if prepared is not None:
        files = sorted(file for file in prepared.iterdir() if file.is_file())
        entry = cache.key(f"{source.name}-{prepared.name}", files)
        return cache.arrays(root, entry, lambda scratch: _decode(source, prepared))
    official = _official_files(source, data_dir)
    entry = cache.key(f"{source.name}-official", official)
    return cache.arrays(root, entry, lambda scratch: _prepare(source, official, scratch))


def _default_folder() -> Path:
    """TFDS's own default, without importing it."""
    return Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()


def _prepared_folder(source: Source, data_dir: Path) -> Optional[Path]:
    """The folder of the newest version that TFDS has prepared under data_dir, which may also be that folder itself."""
    if _is_prepared(source, data_dir):
        return data_dir
    found = []
    for parent in (data_dir / source.name, data_dir):
        if parent.is_dir():
            for child in parent.iterdir():
                if re.fullmatch(r"\d+\.\d+\.\d+", child.name) and _is_prepared(source, child):
                    found.append(child)
    return max(
        found, key=lambda path: tuple(int(part) for part in path.name.split(".")), default=None
    )


def _is_prepared(source: Source, path: Path) -> bool:
    info = path / "dataset_info.json"
    if not info.is_file():
        return False
    try:
        return json.loads(info.read_text())["name"] == source.name
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{info} is damaged: it is not TFDS's description of a data set"
        ) from error


def _official_files(source: Source, data_dir: Path) -> list:
    """The paths of the official files under data_dir or data_dir/name; ValueError if any is missing."""
    for folder in (data_dir, data_dir / source.name):
        present = [folder / name for name in source.official if (folder / name).is_file()]
        if len(present) == len(source.official):
            return present
        if present:
            missing = [name for name in source.official if not (folder / name).is_file()]
            raise ValueError(
                f"{folder} lacks {', '.join(missing)} of {source.name}'s official files; get them from {source.homepage}"
            )
    reason = "lacks" if data_dir.is_dir() else "does not exist, so it lacks"
    raise ValueError(
        f"the data folder {data_dir} {reason} {source.name}: looked for {source.name}/<version>/dataset_info.json, as "
        f"TFDS prepares it, and for {', '.join(source.official)}. Get the official files from {source.homepage}, or give no "
        "data folder to let TFDS download them"
    )


@contextlib.contextmanager
def _quiet_tfds():
    """TFDS without progress bars and prints, and without a look at Google Cloud Storage, which hangs when offline."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.utils import gcs_utils

    tfds.disable_progress_bar()
    before = gcs_utils._is_gcs_disabled
    gcs_utils._is_gcs_disabled = True
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield tfds
    finally:
        gcs_utils._is_gcs_disabled = before


def _download(source: Source, data_dir: Path) -> None:
    """What TFDS does by itself: download the official files and prepare them in its folder."""
    with _quiet_tfds() as tfds:
        try:
            tfds.builder(source.name, data_dir=str(data_dir)).download_and_prepare(
                download_config=tfds.download.DownloadConfig(try_download_gcs=False)
            )
        except (
            Exception
        ) as error:  # TFDS raises whatever its HTTP library, the disk or its checks raise
            raise ValueError(
                f"{source.name} is not in {data_dir} and TFDS could not download it "
                f"({type(error).__name__}: {_first_line(error)}). Get {', '.join(source.official)} from "
                f"{source.homepage} and name their folder with --data_dir"
            ) from error


def _prepare(source: Source, official: list, scratch: Path) -> dict:
    """Lets TFDS's builder read the official files where they are, and work in `scratch`."""
    with _quiet_tfds() as tfds:
        builder = tfds.builder(source.name, data_dir=str(scratch / "tfds"))
        registered = {info.filename: info for info in builder.url_infos.values()}
        for file in official:
            _check_file(file, registered[file.name])
        config = tfds.download.DownloadConfig(
            # TFDS takes a file of a registered name out of this folder instead of downloading it.
            manual_dir=str(official[0].parent),
            extract_dir=str(scratch / "extracted"),
            try_download_gcs=False,
        )
        builder.download_and_prepare(
            download_dir=str(scratch / "downloads"), download_config=config
        )
    return _decode(source, Path(builder.data_path))


def _check_file(file: Path, registered) -> None:
    """ValueError unless size and SHA-256 are the ones that TFDS has registered."""
    size = file.stat().st_size
    if size != registered.size:
        state = "truncated" if size < registered.size else "not the official file"
        raise ValueError(
            f"{file} is {state}: it has {size:,} bytes, the official one {registered.size:,}; get it again"
        )
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != registered.checksum:
        raise ValueError(
            f"{file} is damaged: its SHA-256 is {digest.hexdigest()}, the official one's {registered.checksum}; get it again"
        )


def _decode(source: Source, prepared: Path) -> dict:
    """All examples of a folder that TFDS has prepared, in its order."""
    import tensorflow as tf

    made = {}
    with _quiet_tfds() as tfds:
        try:
            builder = tfds.builder_from_directory(str(prepared))
        except Exception as error:
            raise ValueError(
                f"{prepared} cannot be read as a TFDS folder: {_first_line(error)}"
            ) from error
        for split, count in (("train", source.num_train), ("test", source.num_test)):
            if split not in builder.info.splits:
                raise ValueError(
                    f"{prepared} has no split {split!r}: it is not the whole {source.name}"
                )
            try:
                images, labels = _read_split(builder, split, count, source)
            except (tf.errors.OpError, OSError, RuntimeError) as error:
                files = [Path(str(file)) for file in builder.info.splits[split].filepaths]
                raise ValueError(_what_is_damaged(files, error)) from error
            if len(labels) != count:
                raise ValueError(
                    f"{prepared} holds {len(labels):,} {split} examples of {source.name}, wanted {count:,}: a file is cut short"
                )
            made[f"{split}_images"], made[f"{split}_labels"] = images, labels
    made["mean"], made["std"] = channel_statistics(made["train_images"])
    return made


def _read_split(builder, split: str, count: int, source: Source) -> tuple:
    import tensorflow as tf

    config = {"interleave_cycle_length": 1, "try_autocache": False, "assert_cardinality": False}
    from tensorflow_datasets import ReadConfig

    with tf.device("CPU:0"):
        dataset = builder.as_dataset(
            split=split, shuffle_files=False, read_config=ReadConfig(**config)
        )
        dataset = dataset.map(lambda example: (example["image"], example["label"]))
        images = np.empty((count, *source.image_shape), np.uint8)
        labels = np.empty((count,), np.int32)
        filled = 0
        for image, label in dataset.batch(1000).prefetch(2).as_numpy_iterator():
            if image.shape[1:] != source.image_shape:
                raise ValueError(
                    f"{builder.data_path} holds images {image.shape[1:]}, wanted {source.image_shape}"
                )
            room = min(len(label), count - filled)
            images[filled : filled + room], labels[filled : filled + room] = (
                image[:room],
                label[:room],
            )
            filled += len(label)
    if filled > count:
        raise ValueError(
            f"{builder.data_path} holds more than {count:,} {split} examples of {source.name}"
        )
    return images[:filled], labels[:filled]


def _what_is_damaged(files: list, error: Exception) -> str:
    """A sentence that names the file at which reading fails: TensorFlow's own message often does not."""
    import tensorflow as tf

    for file in files:
        if not file.is_file():
            return f"{file} is missing; get the data set again"
        try:
            for _ in tf.data.TFRecordDataset(str(file)).batch(1000):
                pass
        except tf.errors.OpError as damage:
            return f"{file} is truncated or damaged ({_first_line(damage)}); get it again"
    return f"{files[0].parent} holds an example that cannot be decoded ({_first_line(error)}); get it again"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
