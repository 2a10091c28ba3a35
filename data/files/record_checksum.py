"""What a TFRecord file says of its first record: enough to tell it from another run's file.

A file of another run may have as many records and as many bytes. Its first record is another one,
and TFRecord stores a checksum with each: https://www.tensorflow.org/tutorials/load_data/tfrecord.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent import futures

from largebatch.data.files import storage

HEADER, FOOTER = 12, 4  # bytes: length and its checksum; the content's checksum


def first_checksum(path: str) -> int | None:
    """The masked CRC32C that is stored behind the first record; None where the file ends before.

    The content itself is not read: damage to it is found, and named, when the record is.

    Raises:
      OSError: the file cannot be opened.
    """
    with storage.open_bytes(path) as file:
        header = file.read(HEADER)
        end = HEADER + int.from_bytes(header[:8], "little")
        if len(header) < HEADER or end + FOOTER > (storage.size(path) or 0):
            return None
        file.seek(end)
        return int.from_bytes(file.read(FOOTER), "little")


def others(wanted: Mapping[str, int | None]) -> list[str]:
    """Those of the files, path -> checksum, that begin with another record than the checksum's.

    Not among them are files with nothing to compare: the reader of one that is cut says so itself.
    """
    # In a bucket each look takes some 50 ms, and there may be thousands.
    with futures.ThreadPoolExecutor(16) as pool:
        found = pool.map(_is_another, wanted, wanted.values())
        return [path for path, another in zip(wanted, found) if another]


def _is_another(path: str, wanted: int | None) -> bool:
    if wanted is None:
        return False
    try:
        return first_checksum(path) not in (wanted, None)
    except storage.errors(path):
        return False
