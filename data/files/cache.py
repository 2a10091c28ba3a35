"""A folder of prepared arrays that several processes may share."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

_FORMAT = 1  # part of every key: a change of what is stored must not meet old files


def folder(cache_dir: str | None) -> Path:
    """cache_dir, or $XDG_CACHE_HOME/largebatch, or ~/.cache/largebatch."""
    if cache_dir is not None:
        return Path(cache_dir).expanduser()
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "largebatch"


def key(name: str, files: list) -> str:
    """A name for what is made of `files`; another one when a file's name, size or time changes."""
    digest = hashlib.sha256(f"format {_FORMAT}".encode())
    for file in sorted(files):
        status = os.stat(file)
        digest.update(f"{file.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return f"{name}-{digest.hexdigest()[:16]}"


def arrays(root: Path, entry: str, prepare: Callable[[Path], dict]) -> dict:
    """The dict of arrays kept as root/entry.npz; `prepare(scratch folder)` makes it where it is not
    there or damaged.

    Processes that want the same entry at once wait for one of them. An entry appears whole, by a
    rename, or not at all. What a killed process left behind is removed by the next one.

    Raises:
      ValueError: the folder cannot be written; whatever `prepare` raises.
    """
    path = root / f"{entry}.npz"
    found = _read(path)
    if found is not None:
        return found
    with locked(root, entry):
        found = _read(path)  # another process may have made it while this one waited
        if found is not None:
            return found
        scratch = root / f"{entry}.scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            made = prepare(scratch)
            _write(path, scratch / "arrays.npz", made)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return made


@contextlib.contextmanager
def locked(root: Path, entry: str) -> Iterator[None]:
    """Holds root/entry.lock, which one process at a time can; the others wait.

    Raises:
      ValueError: the folder cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = open(root / f"{entry}.lock", "w")
    except OSError as error:
        raise ValueError(
            f"cannot write to the cache folder {root} ({error.strerror}); set XDG_CACHE_HOME to a "
            "writable folder"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system releases it however this process ends
        yield


def _read(path: Path) -> dict | None:
    """The entry, or None where there is none or it is damaged: a zip holds a checksum of each
    array, which reading it checks."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        logging.warning("The cache file %s is damaged (%s); it is made again.", path, error)
        return None


def _write(path: Path, temporary: Path, made: dict) -> None:
    try:
        with open(temporary, "wb") as file:
            np.savez(file, **made)  # uncompressed: reading is then as quick as the disk
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        # The arrays are at hand: a full disk costs the next run some seconds, not this one.
        logging.warning("Cannot keep %s (%s); the next run prepares it again.", path, error)
        with contextlib.suppress(OSError):
            temporary.unlink()
