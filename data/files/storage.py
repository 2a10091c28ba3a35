"""Files on this machine or, by a path such as gs://bucket/name, wherever TensorFlow can reach."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from typing import IO, Any


def is_remote(path: str) -> bool:
    return "://" in path


def _gfile():
    import tensorflow as tf

    return tf.io.gfile


@contextlib.contextmanager
def _remote(path: str) -> Iterator[None]:
    """Raises ValueError, in one line, where the file system cannot be asked: no network."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        raise ValueError(f"cannot look for {path}: {reason(error)}") from error


def folder_state(path: str) -> str | None:
    """None where `path` is a folder; otherwise 'does not exist' or 'is not a folder'.

    Raises:
      ValueError: its file system cannot be asked.
    """
    if is_remote(path):
        with _remote(path):
            is_folder, exists = _gfile().isdir(path), _gfile().exists(path)
    else:
        is_folder, exists = os.path.isdir(path), os.path.lexists(path)
    return None if is_folder else "is not a folder" if exists else "does not exist"


def errors(path: str) -> tuple:
    """What reading or writing the file may raise, besides what this module's functions say."""
    if not is_remote(path):
        return (OSError,)
    import tensorflow as tf

    return (OSError, tf.errors.OpError)


def read_bytes(path: str, what: str = "the file") -> bytes:
    """Raises ValueError: it cannot be read; `what` says what it was to be."""
    try:
        with open_bytes(path) as file:
            return file.read()
    except errors(path) as error:
        raise ValueError(f"cannot read {what} {path}: {reason(error)}") from error


def parsed_json(content: bytes | str) -> Any:
    """What a JSON file holds.

    Raises:
      json.JSONDecodeError: it is not JSON, or is nested deeper than Python reads.
    """
    try:
        return json.loads(content)
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", "", 0) from None


def open_bytes(path: str, mode: str = "rb") -> IO[bytes]:
    """Raises OSError."""
    if not is_remote(path):
        return open(path, mode)
    import tensorflow as tf

    try:
        file = _gfile().GFile(path, mode)
        if mode == "rb":
            file.size()  # a GFile opens late: this is where a missing file shows
        return file
    except tf.errors.OpError as error:
        raise OSError(error.message) from error


def size(path: str) -> int | None:
    """Bytes of a file; None where there is none."""
    if is_remote(path):
        with _remote(path):
            return _gfile().stat(path).length if _gfile().exists(path) else None
    return os.path.getsize(path) if os.path.isfile(path) else None


def matching(pattern: str) -> list[str]:
    """The files that a glob pattern names, sorted."""
    if is_remote(pattern):
        with _remote(pattern):
            found = [path for path in _gfile().glob(pattern) if not _gfile().isdir(path)]
    else:
        found = [path for path in glob.glob(pattern) if os.path.isfile(path)]
    return sorted(found)


def patterns(values: Iterable[str]) -> tuple[str, ...]:
    """The glob patterns of a repeatable flag: each value, cut at its commas unless it matches files
    as it stands, commas and all."""
    found: list[str] = []
    for value in values:
        found += [value] if matching(value) else [part for part in value.split(",") if part]
    return tuple(found)


def write_bytes(path: str, content: bytes) -> None:
    """The file appears whole or not at all.

    Raises:
      ValueError: it cannot be written.
    """
    scratch = temporary(path)
    try:
        with open_bytes(scratch, "wb") as file:
            file.write(content)
        rename(scratch, path)
    except errors(path) as error:
        remove(scratch)
        raise ValueError(f"cannot write {path}: {reason(error)}") from error


def temporary(path: str) -> str:
    """A name to write a file under; no other process, on whatever machine, has the same."""
    return f"{path}.{uuid.uuid4().hex[:12]}.partial"


def remove_temporaries(prefix: str) -> None:
    """What killed processes left of files named PREFIX…"""
    for path in matching(f"{prefix if is_remote(prefix) else glob.escape(prefix)}*.partial"):
        remove(path)


def rename(old: str, new: str) -> None:
    if is_remote(new):
        _gfile().rename(old, new, overwrite=True)
    else:
        os.replace(old, new)


def remove(path: str) -> None:
    """Of a file that need not be there."""
    if is_remote(path):
        if _gfile().exists(path):
            _gfile().remove(path)
    elif os.path.lexists(path):
        os.remove(path)


def make_folder(prefix: str) -> None:
    """Makes the folder of files named PREFIX…, where it is not there.

    Raises:
      ValueError: it cannot be made.
    """
    folder = os.path.dirname(prefix)
    if not folder or is_remote(folder):
        return
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot make the folder {folder}: {reason(error)}") from error


def reason(error: Exception) -> str:
    said = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
    return " ".join(said.split())
