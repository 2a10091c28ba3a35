"""A run's folder: one run, one folder, one process at a time."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class RunFolderError(ValueError):
    """The folder cannot be used for this run; the message says why and what to do."""


class RunFolder:
    """The files of a run: `experiment.json`, `metrics.jsonl`, `result.json`, and its lock.

    Use it as a context manager: the lock is held inside, and freed by the system however the
    process ends.
    """

    def __init__(self, path: str | os.PathLike):
        if "://" in str(path):
            # As a pathlib path it would be a folder of this machine, lost with it.
            raise RunFolderError(
                f"--output_dir={path} is not on this machine's disks; give a local folder (a "
                "mounted bucket is one)"
            )
        self.path = Path(path)
        self._lock = None

    def __enter__(self) -> RunFolder:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.path / ".lock", "a+")
        except OSError as error:
            raise RunFolderError(
                f"--output_dir={self.path} cannot be written ({error.strerror}); give a folder "
                "that can"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "another process"
            self._lock.close()
            raise RunFolderError(
                f"--output_dir={self.path} is in use by {holder}; wait for it, stop it, or give "
                "another folder"
            ) from error
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()} on {socket.gethostname()}")
        self._lock.flush()
        return self

    def __exit__(self, *exception) -> None:
        self._lock.close()

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def events(self) -> Path:
        return self.path / "events"

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Returns a file's object, or None if there is none.

        Raises:
          RunFolderError: If the file is not whole JSON.
        """
        path = self.path / name
        try:
            return json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise RunFolderError(
                f"{path} cannot be read ({error}); it is not a file of a run: give another "
                "--output_dir or remove it"
            ) from error

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Writes a file whole or not at all."""
        handle, temporary = tempfile.mkstemp(dir=self.path, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "w") as file:
                json.dump(value, file, indent=1, allow_nan=False)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, self.path / name)
        except BaseException:
            os.unlink(temporary)
            raise

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    # metrics.jsonl: one record a line, in the order of the steps

    def append_metrics(self, record: Mapping[str, Any]) -> None:
        with open(self.path / "metrics.jsonl", "a") as file:
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
            except ValueError:
                break
        return records

    def keep_metrics(self, keep: Callable[[Mapping[str, Any]], bool]) -> list[dict[str, Any]]:
        """Rewrites the log with the records to keep, and returns them.

        A resumed run drops what lies after its checkpoint: it will write it again.
        """
        records = [record for record in self.metrics() if keep(record)]
        temporary = self.path / ".metrics.jsonl"
        temporary.write_text("".join(json.dumps(record) + "\n" for record in records))
        os.replace(temporary, self.path / "metrics.jsonl")
        return records
