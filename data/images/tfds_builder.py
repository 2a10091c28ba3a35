"""What TFDS's builders do for us: download, prepare the official files, decode what is prepared."""

from __future__ import annotations

import contextlib
import hashlib
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from largebatch.data.images.channels import channel_statistics

_BATCH = 1000


def download(source: Any, data_dir: Path) -> None:
    """What TFDS does by itself: downloads the official files and prepares them in its folder.

    Raises:
      ValueError: no network, no disk, a wrong checksum; the message says what to do without one.
    """
    with _quiet_tfds() as tfds:
        import requests  # TFDS's own way to the network

        try:
            # Any answer will do. Without this question TFDS retries for over 3 minutes offline.
            requests.head(source.homepage, timeout=10)
            tfds.builder(source.name, data_dir=str(data_dir)).download_and_prepare(
                download_config=tfds.download.DownloadConfig(try_download_gcs=False)
            )
        except Exception as error:  # whatever TFDS's HTTP library, the disk or its checks raise
            raise ValueError(
                f"{source.name} is not in {data_dir} and TFDS could not download it "
                f"({type(error).__name__}: {_first_line(error)}). Get "
                f"{', '.join(source.official)} from {source.homepage} and give their folder as "
                "the data folder (--data_dir)"
            ) from error


def prepare(source: Any, official: list, scratch: Path) -> dict:
    """The arrays of the official files, which are read where they are; TFDS works in `scratch`.

    Raises:
      ValueError: a file that is not the official one, byte for byte; no room in `scratch`.
    """
    with _quiet_tfds() as tfds:
        builder = tfds.builder(source.name, data_dir=str(scratch / "tfds"))
        registered = {info.filename: info for info in builder.url_infos.values()}
        for file in official:
            _check_official(file, registered[file.name])
        config = tfds.download.DownloadConfig(
            # TFDS takes a file of a registered name out of this folder instead of downloading it.
            manual_dir=str(official[0].parent),
            extract_dir=str(scratch / "extracted"),
            try_download_gcs=False,
        )
        import tensorflow as tf

        try:
            builder.download_and_prepare(
                download_dir=str(scratch / "downloads"), download_config=config
            )
        except (OSError, tf.errors.OpError) as error:
            raise ValueError(
                f"TFDS could not prepare {source.name} in {scratch.parent} ({_first_line(error)}); "
                "is there room for about 500 MB?"
            ) from error
    return decode(source, Path(builder.data_path))


def decode(source: Any, prepared: Path) -> dict:
    """The arrays of a folder that TFDS has prepared, in its order, `mean` and `std` included.

    Raises:
      ValueError: a truncated or damaged record, a number of examples that is not the set's (a
        TFRecord cut between two records reads as a shorter file), images of another shape.
    """
    import tensorflow as tf

    made = {}
    with _quiet_tfds() as tfds:
        try:
            builder = tfds.builder_from_directory(str(prepared))
        except Exception as error:  # json, protobuf and registry errors of many kinds
            raise ValueError(
                f"{prepared} cannot be read as a TFDS folder: {_first_line(error)}"
            ) from error
        for split, count in (("train", source.num_train), ("test", source.num_test)):
            if split not in builder.info.splits:
                raise ValueError(f"{prepared} has no split {split!r} of {source.name}")
            files = [Path(str(file)) for file in builder.info.splits[split].filepaths]
            try:
                images, labels, found = _read_split(tfds, builder, split, count, source)
            except (tf.errors.OpError, OSError) as error:
                raise ValueError(_what_is_damaged(files, error)) from error
            if found != count:
                raise ValueError(
                    f"{', '.join(map(str, files))}: {found:,} {split} examples of {source.name}, "
                    f"wanted {count:,}; the file is cut short or not the whole set, get it again"
                )
            made[f"{split}_images"], made[f"{split}_labels"] = images, labels
    made["mean"], made["std"] = channel_statistics(made["train_images"])
    return made


@contextlib.contextmanager
def _quiet_tfds():
    """TFDS without progress bars and prints, and without looking at Google Cloud Storage, which
    costs minutes of retries when there is no network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies warn about Python versions
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


def _check_official(file: Path, registered) -> None:
    """ValueError unless size and SHA-256 are the ones that TFDS has registered."""
    size = file.stat().st_size
    if size != registered.size:
        state = "truncated" if size < registered.size else "not the official file"
        raise ValueError(
            f"{file} is {state}: {size:,} bytes, the official file has {registered.size:,}; get it "
            "again"
        )
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != registered.checksum:
        raise ValueError(
            f"{file} is damaged: its SHA-256 is {digest.hexdigest()}, the official file's "
            f"{registered.checksum}; get it again"
        )


def _read_split(tfds, builder, split: str, count: int, source) -> tuple:
    """(images uint8 [count, H, W, C], labels int32 [count], the number of examples found)."""
    import tensorflow as tf

    # Cardinality is checked by the caller, who can name the file.
    config = tfds.ReadConfig(
        interleave_cycle_length=1, try_autocache=False, assert_cardinality=False
    )
    images = np.empty((count, *source.image_shape), np.uint8)
    labels = np.empty((count,), np.int32)
    found = 0
    with tf.device("CPU:0"):
        dataset = builder.as_dataset(split=split, shuffle_files=False, read_config=config)
        dataset = dataset.map(lambda example: (example["image"], example["label"]))
        for image, label in dataset.batch(_BATCH).prefetch(2).as_numpy_iterator():
            if image.shape[1:] != source.image_shape:
                raise ValueError(
                    f"{builder.data_path} holds images of {image.shape[1:]}, wanted "
                    f"{source.image_shape}"
                )
            room = max(0, min(len(label), count - found))
            images[found : found + room] = image[:room]
            labels[found : found + room] = label[:room]
            found += len(label)
    return images, labels, found


def _what_is_damaged(files: list, error: Exception) -> str:
    """A sentence with the file at which reading fails, which TensorFlow's message often lacks."""
    import tensorflow as tf

    for file in files:
        if not file.is_file():
            return f"{file} is missing; get the data set again"
        try:
            for _ in tf.data.TFRecordDataset(str(file)).batch(_BATCH):
                pass
        except tf.errors.OpError as damage:
            return f"{file} is truncated or damaged ({_first_line(damage)}); get it again"
    return f"{files[0].parent}: an example cannot be decoded ({_first_line(error)}); get it again"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
