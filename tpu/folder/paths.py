"""Paths of a run's folder: pathlib's own on this machine, and its likeness for gs:// and others."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union


def is_remote(path: str | os.PathLike) -> bool:
    return "://" in str(path)


def run_path(path: str | os.PathLike) -> AnyPath:
    """A pathlib path, or a RemotePath where `path` names a file system of TensorFlow's."""
    if isinstance(path, RemotePath):
        return path
    # As a pathlib path gs://bucket/run would be a folder of this machine, lost with it.
    return RemotePath(str(path)) if is_remote(path) else Path(path)


def remove_tree(path: AnyPath) -> None:
    """Removes a folder and all in it; one that is not there is fine."""
    if isinstance(path, RemotePath):
        path.remove_tree()
    else:
        shutil.rmtree(path, ignore_errors=True)


def write_whole(path: AnyPath, text: str, mark: str = "part") -> None:
    """Writes a file whole or not at all; several writers need a `mark` each."""
    temporary = path.parent / f".{path.name}.{mark}"
    try:
        with temporary.open("w") as file:
            file.write(text)
            file.flush()
            if isinstance(path, Path):
                os.fsync(file.fileno())  # A rename may reach the disk before the content.
        temporary.replace(path)  # type: ignore[arg-type]
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


class RemotePath:
    """What this package uses of pathlib.Path, on any file system that tf.io.gfile reaches.

    Errors are those of pathlib: FileNotFoundError, or another OSError. Only a folder's listing is
    asked what is there: `exists` of an object store (and of ram://) takes a prefix for a folder.
    """

    def __init__(self, address: str):
        scheme, _, rest = address.partition("://")
        self._address = f"{scheme}://{rest.strip('/')}"

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(f"{self._address}/{name}")

    def __str__(self) -> str:
        return self._address

    __repr__ = __fspath__ = __str__

    @property
    def name(self) -> str:
        return self._address.rpartition("/")[2]

    @property
    def parent(self) -> RemotePath:
        return RemotePath(self._address.rpartition("/")[0])

    def mkdir(self, parents: bool = True, exist_ok: bool = True) -> None:
        with _os_errors(self):
            _gfile().makedirs(self._address)

    def is_dir(self) -> bool:
        with _os_errors(self):
            return _gfile().isdir(self._address)

    def iterdir(self) -> Iterator[RemotePath]:
        with _os_errors(self):
            names = _gfile().listdir(self._address)
        return iter([self / name.rstrip("/") for name in names])

    @contextlib.contextmanager
    def open(self, mode: str = "r") -> Iterator[Any]:
        with _os_errors(self), _gfile().GFile(self._address, mode) as file:
            yield file

    def read_text(self) -> str:
        with self.open() as file:
            return file.read()

    def write_text(self, text: str) -> None:
        with self.open("w") as file:
            file.write(text)

    def replace(self, target: RemotePath) -> None:
        with _os_errors(self):
            _gfile().rename(self._address, str(target), overwrite=True)

    def unlink(self, missing_ok: bool = False) -> None:
        try:
            with _os_errors(self):
                _gfile().remove(self._address)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def remove_tree(self) -> None:
        with contextlib.suppress(OSError), _os_errors(self):
            _gfile().rmtree(self._address)


AnyPath = Union[Path, RemotePath]


def _gfile():
    # TensorFlow takes seconds to import, and a local folder needs none of it.
    import tensorflow as tf

    return tf.io.gfile


@contextlib.contextmanager
def _os_errors(path: RemotePath):
    """Turns TensorFlow's errors into those that pathlib raises."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(2, "No such file or directory", str(path)) from error
    except tf.errors.OpError as error:
        first = (error.message.strip().splitlines() or [type(error).__name__])[0]
        raise OSError(error.error_code, first, str(path)) from error
