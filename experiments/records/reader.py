"""Runs as a reader finds them: folders with the files that a run writes, and nothing else.

A folder counts as a run when it holds experiment.json or result.json. What cannot be read as a
run is returned as a problem with its path and reason: nothing here raises for what a file holds.
"""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import json
import math
import os
import stat
from typing import Any, BinaryIO, NamedTuple

from largebatch.experiments.records.row_record import FORMAT

LOCK_FILE = ".lock"  # held with flock while the run lasts
ENDED = ("finished", "diverged")  # nothing is left to run
REMOVED = "was removed while it was read"
STATUSES = (*ENDED, "interrupted", "running")


@dataclasses.dataclass(frozen=True)
class Run:
    """One folder. `status` is finished, diverged, interrupted (cut off, too) or running."""

    folder: str
    name: str
    scale: str
    seed: int
    status: str
    overrides: dict[str, Any]
    row: dict[str, Any]  # the resolved settings
    metrics: dict[str, float]  # of the final evaluation, of a finished run
    record: dict[str, Any]  # the whole file

    @property
    def tags(self) -> list[str]:
        found = self.record.get("tags")
        return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []

    def curve(self, kind: str, value: str) -> list[tuple[float, float]]:
        """[(x, value)] of the 'history' (evaluations) or the 'train_history', finite ones; x is the
        epoch or, of text, which has none, the share of the run's examples."""
        points = []
        entries = self.record.get(kind)
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict):
                x, y = entry.get("epoch", entry.get("progress")), entry.get(value)
                if finite_number(x) and finite_number(y):
                    points.append((x, y))
        return points


class Problem(NamedTuple):
    """A file that looks like a run's and cannot be used."""

    path: str
    reason: str


def find_runs(root: str) -> tuple[list[Run], list[Problem]]:
    """All runs under `root`, in the order of their paths, and the files that are none."""
    runs: list[Run] = []
    problems: list[Problem] = []

    def unreadable(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # gone since its name was read
            problem = f"cannot be read: {error.strerror}"
            problems.append(Problem(printable(str(error.filename)), problem))

    for folder, subfolders, files in os.walk(root, onerror=unreadable):
        subfolders.sort()
        if "experiment.json" in files or "result.json" in files:
            found = read_run(folder)
            if isinstance(found, Run):
                runs.append(found)
            else:
                problems.append(found or Problem(folder, REMOVED))
    return runs, problems


def read_run(folder: str) -> Run | Problem | None:
    """The run in `folder`; None where there is none."""
    result = os.path.join(folder, "result.json")
    experiment = os.path.join(folder, "experiment.json")
    path = result if os.path.lexists(result) else experiment
    if not os.path.lexists(path):
        return None
    if printable(folder) != folder:
        return Problem(printable(folder), "has a name that is not UTF-8")
    try:
        record = json.loads(read_file(path).decode("utf-8"))
    except FileNotFoundError:
        return Problem(path, "is a link to nothing" if os.path.islink(path) else REMOVED)
    except OSError as error:
        return Problem(path, f"cannot be read: {error.strerror}")
    except (ValueError, RecursionError):  # JSON, UTF-8
        return Problem(path, "is not JSON: half-written, or another program's")
    reason = _misfit(record, needs_status=path == result)
    if reason:
        return Problem(path, reason)
    status = record["status"] if path == result else "interrupted"
    if status not in ENDED and is_locked(folder):
        status = "running"
    metrics = record.get("metrics") if path == result else None
    return Run(
        folder=folder,
        name=record["name"],
        scale=record["scale"],
        seed=record["seed"],
        status=status,
        overrides=record["overrides"],
        row=record["row"],
        metrics={k: v for k, v in (metrics or {}).items() if finite_number(v)},
        record=record,
    )


def logged(folder: str, last: bool = False) -> list[dict[str, Any]]:
    """The whole records of the run's metrics.jsonl, [] where there are none; a line that a crash
    cut, and what follows it, are left out. `last`: of the file's end alone, the last one."""
    path = os.path.join(folder, "metrics.jsonl")
    try:
        lines = read_file(path, 2048 if last else None).splitlines()
    except OSError:
        return []
    records: list[dict[str, Any]] = []
    for line in lines[-1:] if last else lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            break
        if isinstance(record, dict):
            records.append(record)
    return records


def is_locked(folder: str) -> bool:
    """Whether a process holds the folder's lock now."""
    try:
        with _opened(os.path.join(folder, LOCK_FILE)) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def read_file(path: str, last: int | None = None) -> bytes:
    """The content of a regular file, or its last so many bytes.

    Raises:
      OSError: It cannot be read, or is something else: a FIFO would be waited for.
    """
    with _opened(path) as file:
        if last is not None:
            file.seek(max(0, os.fstat(file.fileno()).st_size - last))
        return file.read()


def _opened(path: str) -> BinaryIO:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return open(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is not a regular file", path)


def printable(path: str) -> str:
    """A path whose bytes are not UTF-8 with these bytes written out; any other as it is."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


_TYPES = {"name": str, "scale": str, "seed": int, "overrides": dict, "row": dict}


def _misfit(record: Any, needs_status: bool) -> str:
    """Why `record` is not a run's, or ''."""
    if not isinstance(record, dict):
        return "is not a run's: want a JSON object"
    if "format" not in record:
        return "is not a run's: it has no 'format'"
    if record["format"] != FORMAT:
        return f"has the format {record['format']!r}; this version reads {FORMAT}"
    for field, kind in _TYPES.items():
        if not isinstance(record.get(field), kind):
            return f"is not a run's: want {field!r} to be of type {kind.__name__}"
    if needs_status and record.get("status") not in STATUSES[:3]:
        return f"has the status {record.get('status')!r}, want one of {', '.join(STATUSES[:3])}"
    if not isinstance(record.get("metrics") or {}, dict):
        return "is not a run's: want 'metrics' to be an object"
    return ""


def finite_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float holds
        return False
