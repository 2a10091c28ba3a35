"""An image classification data set that is held in memory, and the one way to load it."""

from __future__ import annotations

import dataclasses
import difflib

import numpy as np

from largebatch.data.images import digits, official_files
from largebatch.data.images.channels import channel_statistics

NAMES = ("mnist", "cifar10", "digits")


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet:
    """A data set in memory: N train and M test images of H x W pixels and C channels.

    train_images uint8 [N, H, W, C], train_labels int32 [N], test_images uint8 [M, H, W, C],
    test_labels int32 [M]. `mean` and `std` (float32 [C]) are those of the *training* pixels divided
    by 255: a pipeline hands out (pixel / 255 - mean) / std.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    num_classes: int
    mean: np.ndarray
    std: np.ndarray

    @property
    def image_shape(self) -> tuple:
        """(H, W, C)."""
        return tuple(self.train_images.shape[1:])

    @property
    def num_train(self) -> int:
        return len(self.train_images)

    @property
    def num_test(self) -> int:
        return len(self.test_images)


def check_folder(name: str, data_dir: str | None) -> None:
    """Raises ValueError: `data_dir` does not hold the set, of which nothing is read."""
    if name in official_files.SOURCES and data_dir is not None:
        official_files.check(official_files.SOURCES[name], data_dir)


def load(name: str, data_dir: str | None = None, cache_dir: str | None = None) -> ImageSet:
    """Loads "mnist", "cifar10" or "digits" whole.

    Args:
      name: one of NAMES.
      data_dir: a TFDS folder (it holds e.g. mnist/3.0.1), the data set's own folder in one, or a
        folder with the official files. None: TFDS's default folder, and a download when the set is
        not there. "digits" ships with scikit-learn and ignores it. It is only read, never written.
      cache_dir: where prepared arrays are kept; None: $XDG_CACHE_HOME/largebatch, or
        ~/.cache/largebatch. Processes may share it.

    Raises:
      ValueError: an unknown name, a folder without the data set, a damaged file (the message names
        it), a cache folder that cannot be written.
    """
    if name == "digits":
        arrays = digits.arrays()
        mean, std = channel_statistics(arrays["train_images"])
        return ImageSet(name=name, num_classes=digits.NUM_CLASSES, mean=mean, std=std, **arrays)
    if name not in official_files.SOURCES:
        near = difflib.get_close_matches(str(name), NAMES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown data set {name!r}{hint} (known: {', '.join(NAMES)})")
    source = official_files.SOURCES[name]
    arrays = official_files.arrays(source, data_dir, cache_dir)
    return ImageSet(name=name, num_classes=source.num_classes, **arrays)
