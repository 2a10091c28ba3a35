"""Data sets in small files, written where TensorFlow is and read where it is not.

    mnist.npz.xz     the arrays
    cifar10.npz.xz   the JPEGs without their common header, to be decoded by `small_jpegs`
    text-64.xz ...   examples of text, see `data.compact_examples`

What is read is checked against the SHA-256 that was taken of the suite's own arrays.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import io
import json
import lzma
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from largebatch.benchmarks import small_jpegs
from largebatch.experiments.export_program import draws

SUMS = "sha256.json"  # data set -> array -> digest
PARTS = 32  # of a set of JPEGs, decoded by as many processes as there are cores


def digests(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    return {
        name: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        for name, array in arrays.items()
    }


def write_arrays(
    folder: Path,
    name: str,
    arrays: Mapping[str, np.ndarray],
    kept: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Writes arrays as they are or, in their place, `kept`, which they are read from; notes their
    digests."""
    content = io.BytesIO()
    np.savez(content, **(arrays if kept is None else kept))
    (folder / f"{name}.npz.xz").write_bytes(lzma.compress(content.getvalue(), preset=6))
    path = folder / SUMS
    sums = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**sums, name: digests(arrays)}, indent=1))


def write_jpegs(
    folder: Path, name: str, jpegs: Mapping[str, Sequence[bytes]], arrays: Mapping[str, np.ndarray]
) -> None:
    """Writes images as their JPEGs and the rest as it is.

    Args:
      jpegs: name of an array of images -> the files of its images, in order.
      arrays: All arrays, the images too: what reading must give.
    """
    header = small_jpegs.common_header([file for files in jpegs.values() for file in files])
    kept = {key: value for key, value in arrays.items() if key not in jpegs}
    kept["jpeg_header"] = np.frombuffer(header, np.uint8)
    for key, files in jpegs.items():
        scans = [file[len(header) : -2] for file in files]
        kept[f"jpeg_{key}"] = np.frombuffer(b"".join(scans), np.uint8)
        kept[f"size_{key}"] = np.array([len(scan) for scan in scans], np.uint16)
    write_arrays(folder, name, arrays, kept)


def read(folder: Path, name: str, processes: int | None = None) -> dict[str, np.ndarray]:
    """The arrays of a set; ValueError where they are not what was packed."""
    with np.load(
        io.BytesIO(lzma.decompress((folder / f"{name}.npz.xz").read_bytes())), allow_pickle=False
    ) as file:
        arrays = {key: file[key] for key in file.files}
    if "jpeg_header" in arrays:
        arrays = _with_images(arrays, processes)
    wanted = json.loads((folder / SUMS).read_text())[name]
    found = digests(arrays)
    wrong = sorted(key for key in wanted if found.get(key) != wanted[key])
    if wrong:
        raise ValueError(f"{folder / name}: {', '.join(wrong)} is not what was packed")
    return arrays


def orders(
    counts: Mapping[str, int], epochs: Mapping[str, Mapping[int, int]]
) -> dict[str, dict[int, np.ndarray]]:
    """set -> seed -> int32 [epochs x count]: the order in which a run of the seed takes the images.

    By processes: one epoch takes a twentieth of a second, and there are hundreds.
    """
    wanted = [
        (counts[name], seed, epoch)
        for name, seeds in epochs.items()
        for seed, number in seeds.items()
        for epoch in range(number)
    ]
    if not wanted:
        return {}
    with concurrent.futures.ProcessPoolExecutor() as pool:
        drawn = pool.map(draws.permutation, *zip(*wanted), chunksize=4)
        return {
            name: {
                seed: np.concatenate([next(drawn) for _ in range(number)])
                for seed, number in seeds.items()
            }
            for name, seeds in epochs.items()
        }


def _with_images(arrays: dict[str, np.ndarray], processes: int | None) -> dict[str, np.ndarray]:
    header = arrays.pop("jpeg_header").tobytes()
    names = [key.removeprefix("jpeg_") for key in arrays if key.startswith("jpeg_")]
    pieces = {}
    for name in names:
        content = arrays.pop(f"jpeg_{name}").tobytes()
        ends = np.cumsum(arrays.pop(f"size_{name}"), dtype=np.int64)
        starts = [0, *ends[:-1]]
        scans = [content[start:end] for start, end in zip(starts, ends)]
        size = -(-len(scans) // PARTS)
        pieces[name] = [scans[i : i + size] for i in range(0, len(scans), size)]
    every = [piece for name in names for piece in pieces[name]]
    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        decoded = pool.map(small_jpegs.decoded, [header] * len(every), every)
        for name in names:
            arrays[name] = np.concatenate([next(decoded) for _ in pieces[name]])
    return arrays
