"""Runs that came back from a GPU, as files to commit: results/gpu/ROW/seed=N/result.json.

    python -m largebatch.benchmarks.gpu_results --from=out/results.tar --output=results/gpu

The report reads what is written (`report --runs=results/gpu`). Of each run result.json is kept, of
a call its log and its step times. A run that is there is replaced only by one that got further.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from largebatch import cli

RESULT = "result.json"
REPORTS = ("log.json", "steps.json", "device.json", "schedule.json")  # of a call
_RANK = {"finished": 2, "diverged": 2}  # ended; anything else was cut off

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.paths("from", [], "Archives, separated by commas.")
define.output_folder("output", "results/gpu", "The folder to write to.")


def members(archives: Iterable[str | os.PathLike]) -> dict[str, bytes]:
    """name -> content of all regular files; of two of one name the later one, as tar appends.

    Raises:
      ValueError: An archive that is damaged from its start, or a name that leaves the folder.
    """
    found: dict[str, bytes] = {}
    for archive in archives:
        try:
            tar = tarfile.open(archive)  # noqa: SIM115 (closed below)
        except (tarfile.ReadError, OSError) as error:
            raise ValueError(f"{archive} cannot be read: {error}") from error
        with tar:
            for name, content in _whole(tar):
                path = PurePosixPath(name)
                if path.is_absolute() or ".." in path.parts:
                    raise ValueError(f"{archive}: the name {name!r} leaves the folder")
                found[str(path)] = content
    return found


def _whole(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    """The regular files of an archive; a call that is stopped may leave the last one unfinished."""
    try:
        for member in tar:
            if member.isfile():
                yield member.name, tar.extractfile(member).read()
    except tarfile.ReadError:
        return


def write(files: Mapping[str, bytes], output: Path) -> dict[str, list[str]]:
    """Writes the runs and the reports; returns {"written", "kept", "not a result"}: names."""
    told: dict[str, list[str]] = {"written": [], "kept": [], "not a result": []}
    for name, content in sorted(files.items()):
        path = PurePosixPath(name)
        if path.name in REPORTS and len(path.parts) == 1:
            _save(output / path.name, _record(content))
        elif path.name == RESULT:
            record = _record(content)
            if not isinstance(record, dict) or "status" not in record or "name" not in record:
                told["not a result"].append(name)
                continue
            parts = path.parts[1:] if path.parts[0] == "runs" else path.parts
            target = output.joinpath(*parts)
            if target.exists() and not _further(record, json.loads(target.read_text())):
                told["kept"].append(name)
                continue
            _save(target, record)
            told["written"].append(name)
    return told


def _further(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    def rank(record):
        return _RANK.get(record["status"], 1), record.get("last_step") or 0

    return rank(new) > rank(old)


def _record(content: bytes):
    try:
        return json.loads(content)
    except ValueError:
        return None


def _save(path: Path, record) -> None:
    if record is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    if not FLAGS["from"].value:
        raise ValueError("--from is missing: the archives that came back")
    told = write(members(FLAGS["from"].value), Path(FLAGS.output))
    for state, names in told.items():
        print(f"{state}: {len(names)}")
        if state != "written":
            for name in names:
                print(f"  {name}")
    return 0


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
