"""A run's folder: one run, one folder, one process at a time."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from largebatch.tpu.folder.folder_lock import NAME as LOCK
from largebatch.tpu.folder.folder_lock import RunFolderError, folder_lock
from largebatch.tpu.folder.paths import AnyPath, run_path, write_whole

__all__ = ["PeerFolder", "RunFolder", "RunFolderError"]


class RunFolder:
    """The files of a run: `experiment.json`, `metrics.jsonl`, `result.json`, and its lock.

    Use it as a context manager: the lock is held inside. The folder is one of this machine, or
    any that TensorFlow reaches, such as gs://bucket/run. A folder that was made for nothing, since
    the run ended before it wrote anything, is removed again.
    """

    def __init__(self, path: str | os.PathLike):
        self.path: AnyPath = run_path(path)
        self._lock = folder_lock(self.path)
        self._made: list[Path] = []  # the folders that were not there, the innermost first

    def __enter__(self) -> RunFolder:
        if isinstance(self.path, Path):
            self._made = [path for path in (self.path, *self.path.parents) if not path.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise RunFolderError(
                f"--output_dir={self.path} cannot be written ({error.strerror}); give a folder "
                "that can"
            ) from error
        return self

    def __exit__(self, *exception) -> None:
        self._remove_if_empty()
        self._lock.release()

    def _remove_if_empty(self) -> None:
        """Removes the folders that this run made, where there is nothing but its lock in them."""
        with contextlib.suppress(OSError):
            if self._made and [path.name for path in self.path.iterdir()] == [LOCK]:
                (self.path / LOCK).unlink()
                for folder in self._made:
                    folder.rmdir()

    # Where a host that is not to write the run's checkpoints writes its share of a save.
    scratch: Path | None = None

    def check_shared(self) -> None:
        """The chief's own folder."""

    def subfolder(self, name: str) -> RunFolder:
        """A run inside this one, such as a fine-tuning."""
        return type(self)(self.path / name)

    @property
    def checkpoints(self) -> AnyPath:
        return self.path / "checkpoints"

    @property
    def events(self) -> AnyPath:
        return self.path / "events"

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Returns a file's object, or None if there is none.

        Raises:
          RunFolderError: If the file is not whole JSON.
        """
        path = self.path / name
        if isinstance(path, Path) and path.exists() and not path.is_file():
            raise RunFolderError(f"{path} is not a regular file: give another --output_dir")
        try:
            return json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise RunFolderError(
                f"{path} cannot be read ({error}); it is not a file of a run: give another "
                "--output_dir or remove it"
            ) from error

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Writes a file whole or not at all."""
        self._replace(name, json.dumps(value, indent=1, allow_nan=False) + "\n")

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    # metrics.jsonl: one record a line, in the order of the steps

    def append_metrics(self, record: Mapping[str, Any]) -> None:
        self._lock.check()
        with (self.path / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(record, allow_nan=False) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """Returns the whole records; a last line cut by a crash is left out."""
        try:
            lines = (self.path / "metrics.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        records = []
        for line in lines:
            try:
                records.append(json.loads(line))
            except (ValueError, RecursionError):
                break
        return records

    def keep_metrics(self, keep: Callable[[Mapping[str, Any]], bool]) -> list[dict[str, Any]]:
        """Rewrites the log with the records to keep, and returns them.

        A resumed run drops what lies after its checkpoint: it will write it again.
        """
        records = [record for record in self.metrics() if keep(record)]
        self._replace("metrics.jsonl", "".join(json.dumps(record) + "\n" for record in records))
        return records

    def _replace(self, name: str, text: str) -> None:
        self._lock.check()
        write_whole(self.path / name, text)


class PeerFolder(RunFolder):
    """The folder of a run of several hosts, as all but the chief have it: read, never written.

    What the loop must write on every host (a save takes part of all) goes to a temporary folder.
    """

    def __enter__(self) -> PeerFolder:
        self._temporary = tempfile.TemporaryDirectory(prefix="largebatch-host-")
        self.scratch = Path(self._temporary.name) / "checkpoints"
        return self

    def __exit__(self, *exception) -> None:
        self._temporary.cleanup()

    def check_shared(self) -> None:
        """Raises RunFolderError where the folder is not the one that the chief has locked."""
        try:
            names = [path.name for path in self.path.iterdir()]
        except OSError:
            names = []
        if LOCK not in names:
            raise RunFolderError(
                f"--output_dir={self.path} is not the folder that the first host writes; give one "
                "that all hosts reach by the same path (a network disk, or gs://BUCKET/FOLDER)"
            )

    @property
    def events(self) -> Path:
        return Path(self._temporary.name) / "events"

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        pass

    def remove(self, name: str) -> None:
        pass

    def append_metrics(self, record: Mapping[str, Any]) -> None:
        pass

    def keep_metrics(self, keep: Callable[[Mapping[str, Any]], bool]) -> list[dict[str, Any]]:
        return [record for record in self.metrics() if keep(record)]
