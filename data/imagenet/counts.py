"""How many records each raw TFRecord file of ImageNet holds: counted once, kept in a small file.

Streams are cut into hosts, epochs and steps by arithmetic, and an evaluation must count every
image; TFRecord files do not say how many records they hold. The checksum of each file's first
record is kept beside its count: many files hold as many, and one must not stand for another.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from concurrent import futures

from largebatch.data.files import cache, record_checksum, storage
from largebatch.data.files.record_checksum import FOOTER, HEADER

MANIFEST = "largebatch_counts.json"
SPLITS = ("train", "validation")
# Of the files that Google's imagenet_to_gcs.py writes.
OFFICIAL = {("train", 1024): 1_281_167, ("validation", 128): 50_000}
COMMAND = "python -m largebatch.data.count_records --data_dir={}"
_FORMAT = 1
_NAME = re.compile(r"(train|validation)-(\d{5})-of-(\d{5})$")


def raw_shards(folder: str) -> dict | None:
    """{split: its files' paths, in order} of train-00000-of-01024, ...; None where there are none.

    Both splits lie in `folder`, or each in a folder of its name in it.

    Raises:
      ValueError: some are missing.
    """
    found = {}
    for split in SPLITS:
        for place in (folder, os.path.join(folder, split)):
            paths = storage.matching(os.path.join(place, f"{split}-*-of-*"))
            found.setdefault(split, [path for path in paths if _NAME.search(path)])
            if found[split]:
                break
            del found[split]
    if not found:
        return None
    for split in SPLITS:
        if split not in found:
            raise ValueError(
                f"{folder} holds {', '.join(found)} files of ImageNet and none of {split}: "
                f"{split}-00000-of-..... is missing"
            )
    for paths in found.values():
        _check_complete(paths)
    return found


def _check_complete(paths: list) -> None:
    wanted = int(_NAME.search(paths[0]).group(3))
    numbers = {tuple(map(int, _NAME.search(path).groups()[1:])) for path in paths}
    for number in range(wanted):
        if (number, wanted) not in numbers:
            missing = re.sub(r"\d{5}-of", f"{number:05d}-of", paths[0])
            raise ValueError(
                f"{missing} is missing, one of {wanted - len(numbers)} of {wanted} files; "
                "copy them again"
            )
    if len(numbers) != wanted:
        raise ValueError(
            f"{os.path.dirname(paths[0])} holds files of more than one set: -of-{wanted:05d} and "
            "others; keep one"
        )


def read_counts(folder: str, shards: dict) -> dict:
    """{split: the number of records of each of its files} as `count` has left it.

    Raises:
      ValueError: there is no manifest, it is damaged, or it is another set's, or a file of another
        set lies among these.
    """
    for path in _places(folder):
        if not storage.matching(path):
            continue
        again = f"count again: {COMMAND.format(folder)}"
        try:
            stored = storage.parsed_json(storage.read_bytes(path))
            if stored["format"] != _FORMAT:
                raise ValueError(f"{path} has format {stored['format']}, wanted {_FORMAT}; {again}")
            counts = {split: stored["records"][split] for split in SPLITS}
            kept = stored.get("first_checksums", {})  # {}: counted before they were kept
            checksums = {
                shard: kept.get(split, {}).get(os.path.basename(shard))
                for split in SPLITS
                for shard in shards[split]
            }
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path} is damaged ({type(error).__name__}: {error}); {again}"
            ) from error
        for split in SPLITS:
            names = [os.path.basename(path) for path in shards[split]]
            if sorted(counts[split]) != names:
                raise ValueError(f"{path} is not of the {split} files of {folder}; {again}")
            counts[split] = [int(counts[split][name]) for name in names]
            check_official(split, dict(zip(names, counts[split])))
        wrong = record_checksum.others(checksums)
        if wrong:
            raise ValueError(
                f"{wrong[0]} begins with another record 0 than the file that {path} tells of, as "
                f"do {len(wrong) - 1} others: copy it again, or {again}"
            )
        return counts
    raise ValueError(
        f"{folder} holds TFRecord files of ImageNet, and no {MANIFEST} that says how many records "
        f"each has. Count them once, it takes minutes: {COMMAND.format(folder)}"
    )


def count(folder: str, jobs: int) -> tuple:
    """Counts the records of all files; returns (the manifest's path, {split: images}).

    Only the records' lengths are read, so that a file cut at a record's end is noticed only where
    the sum is known: in the official 1024 and 128 files.

    Args:
      jobs: files that are read at once.

    Raises:
      ValueError: no files, one that is cut or corrupt, a sum other than the official one.
    """
    shards = raw_shards(folder)
    if shards is None:
        raise ValueError(f"{folder} holds no train-00000-of-..... of ImageNet")
    records, checksums = {}, {}
    with futures.ThreadPoolExecutor(jobs) as pool:
        for split, paths in shards.items():
            names = [os.path.basename(path) for path in paths]
            records[split] = dict(zip(names, pool.map(count_file, paths)))
            check_official(split, records[split])
            checksums[split] = dict(zip(names, pool.map(record_checksum.first_checksum, paths)))
    kept = {"format": _FORMAT, "records": records, "first_checksums": checksums}
    content = json.dumps(kept, indent=0).encode()
    return _keep(folder, content), {split: sum(of.values()) for split, of in records.items()}


def count_file(path: str) -> int:
    """The number of records in a TFRecord file, by their lengths alone.

    Raises:
      ValueError: it cannot be read, or does not end where a record ends.
    """
    try:
        size, position, number = storage.size(path), 0, 0
        with storage.open_bytes(path) as file:
            while position < size:
                file.seek(position)
                header = file.read(HEADER)
                position += HEADER + int.from_bytes(header[:8], "little") + FOOTER
                if position > size:
                    raise ValueError(
                        f"{path}: record {number} is corrupt, or the file is cut inside it; copy "
                        "the file again"
                    )
                number += 1
    except storage.errors(path) as error:
        raise ValueError(f"cannot read {path}: {storage.reason(error)}") from error
    return number


def check_official(split: str, records: dict) -> None:
    """Raises ValueError where as many files as the official ones hold another number of images."""
    wanted = OFFICIAL.get((split, len(records)))
    found = sum(records.values())
    if wanted in (None, found):
        return
    few = min(records, key=lambda name: records[name])
    raise ValueError(
        f"the {len(records)} {split} files hold {found:,} records, ImageNet has {wanted:,} images; "
        f"the fewest are in {few} ({records[few]:,}). Copy the files again"
    )


def _places(folder: str) -> Iterable:
    """Where a manifest may lie: beside the files; where that is read-only, in the cache folder."""
    yield os.path.join(folder, MANIFEST)
    whole = folder if storage.is_remote(folder) else os.path.realpath(folder)
    digest = hashlib.sha256(whole.rstrip("/").encode()).hexdigest()[:16]
    yield str(cache.folder(None) / "imagenet_counts" / f"{digest}.json")


def _keep(folder: str, content: bytes) -> str:
    beside, other = _places(folder)
    try:
        storage.write_bytes(beside, content)
        return beside
    except ValueError:
        os.makedirs(os.path.dirname(other), exist_ok=True)
        storage.write_bytes(other, content)
        return other
