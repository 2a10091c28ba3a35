"""The data of a portable run: image sets whole, other training data as files of batches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from largebatch.data.images.image_set import ImageSet

if TYPE_CHECKING:
    import tensorflow as tf

SET = ("train_images", "train_labels", "test_images", "test_labels")
BLOCK_BYTES = 64 * 2**20  # of a file of batches, before compression


def write_set(images: ImageSet, file: Path | None) -> dict[str, str]:
    """Writes the arrays of a set (None: not); returns the sha256 of each one's bytes."""
    arrays = {name: np.ascontiguousarray(getattr(images, name)) for name in SET}
    if file is not None:
        np.savez_compressed(file, **arrays)
    return {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()}


def write_evaluation(dataset: tf.data.Dataset, file: Path, without: Iterable[str] = ()) -> int:
    """Writes an evaluation's batches, stacked; returns how many there are."""
    batches = [
        {name: value for name, value in batch.items() if name not in without}
        for batch in dataset.as_numpy_iterator()
    ]
    np.savez_compressed(file, **_stacked(batches))
    return len(batches)


def write_updates(
    dataset: tf.data.Dataset, pieces: int, updates: int, folder: Path, root: Path
) -> list[dict[str, Any]]:
    """Writes a stage's updates, each of `pieces` micro-batches, in files of about 64 MiB.

    Returns {"first", "count", "file"} of each, `first` counted from the stage's start.
    """
    folder.mkdir(parents=True)
    blocks: list[dict[str, Any]] = []
    held: list[dict[str, np.ndarray]] = []
    size = first = 0

    def close() -> None:
        nonlocal held, size, first
        file = folder / f"{first:06d}.npz"
        np.savez_compressed(file, **_stacked(held))
        blocks.append({"first": first, "count": len(held), "file": str(file.relative_to(root))})
        first += len(held)
        held, size = [], 0

    for update in _updates(dataset, pieces, updates):
        bytes_of_one = sum(value.nbytes for value in update.values())
        # Blocks of one size, so that one program reads them all.
        full = len(held) >= blocks[0]["count"] if blocks else size + bytes_of_one > BLOCK_BYTES
        if held and full:
            close()
        held.append(update)
        size += bytes_of_one
    if held:
        close()
    return blocks


def _updates(dataset, pieces: int, updates: int) -> Iterator[dict[str, np.ndarray]]:
    """Dictionaries of [M, b, ...]."""
    elements = dataset.take(pieces * updates).as_numpy_iterator()
    held = []
    for element in elements:
        held.append(element)
        if len(held) == pieces:
            yield {name: np.stack([one[name] for one in held]) for name in held[0]}
            held = []


def _stacked(batches: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: _compact(np.stack([one[name] for one in batches])) for name in batches[0]}


def _compact(array: np.ndarray) -> np.ndarray:
    """In the smallest unsigned type that holds it; the runner widens it again. NumPy alone cannot
    read a bfloat16: its bits are kept as uint16."""
    if array.dtype.name == "bfloat16":
        return array.view(np.uint16)
    if array.dtype == np.int32 and array.size and array.min() >= 0:
        for narrow in (np.uint8, np.uint16):
            if array.max() <= np.iinfo(narrow).max:
                return array.astype(narrow)
    return array
