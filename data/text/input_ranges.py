"""A shard's part of the input: byte ranges of text files, or a range of a TFDS set's examples.

The input is all its files, one after the other; it is cut into equal parts, and each cut is moved
on to the next end of a document. A document longer than a whole part is cut at a line's end, or at
a space where there is no line's end either, so that no shard is much larger than the others.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterator

from largebatch.data.files import storage
from largebatch.data.text import text_documents

BYTES_A_SHARD = 8 << 20
SMALL_SHARDS = 8  # of a small input, so that it has work for several processes …
SMALL_BYTES = 1 << 20  # … of at least this each
_STEP = 1 << 16
_READ = 1 << 22


@dataclasses.dataclass(frozen=True)
class TextFile:
    """An input file: path, bytes, SHA-256, and the style its text is of."""

    file: str
    bytes: int
    sha256: str
    text: str


@dataclasses.dataclass(frozen=True)
class TextRange:
    """Bytes [start, end) of a file, whole documents."""

    file: str
    start: int
    end: int
    text: str
    blank_lines: int

    def documents(self) -> Iterator[tuple[str, list]]:
        """Raises ValueError: not UTF-8, with the file, line and byte; or no longer readable."""
        try:
            with storage.open_bytes(self.file) as file:
                file.seek(self.start)
                content = file.read(self.end - self.start)
        except OSError as error:
            raise ValueError(f"cannot read {self.file}: {storage.reason(error)}") from error
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(not_utf8(self.file, self.start + error.start)) from error
        del content
        yield from text_documents.documents(text, self.text, self.blank_lines)


def not_utf8(file: str, place: int) -> str:
    """What to say of the byte of a file that is not UTF-8."""
    line, left = 1, place
    with storage.open_bytes(file) as stream:
        while left > 0:
            part = stream.read(min(left, _READ))
            if not part:
                break
            line, left = line + part.count(b"\n"), left - len(part)
        byte = stream.read(1)
    return (
        f"{file}:{line}: not UTF-8: byte 0x{byte.hex()} at offset {place}; convert the file first, "
        "for example iconv -f latin1 -t utf-8"
    )


def inspect(
    patterns: tuple, style: str, say: Callable[[str], None] = lambda line: None
) -> list[TextFile]:
    """The files of glob patterns, in the patterns' order, each pattern's sorted.

    Raises:
      ValueError: a pattern matches nothing, a file is empty or holds nothing but white space.
    """
    paths = []
    for pattern in patterns:
        found = storage.matching(pattern)
        if not found:
            raise ValueError(f"--input={pattern} matches no file")
        paths += [path for path in found if path not in paths]
    files = []
    for path in paths:
        digest, size, beginning, blank = hashlib.sha256(), 0, b"", True
        try:
            with storage.open_bytes(path) as file:
                while True:
                    part = file.read(_READ)
                    if not part:
                        break
                    if not size:
                        beginning = part[: text_documents.DETECTED_BYTES]
                    digest.update(part)
                    size += len(part)
                    blank = blank and part.isspace()
        except OSError as error:
            raise ValueError(f"cannot read {path}: {storage.reason(error)}") from error
        if blank:
            raise ValueError(
                f"{path} is empty{' (white space only)' if size else ''}; leave it out"
            )
        found = text_documents.detect_style(beginning) if style == "auto" else style
        files.append(TextFile(path, size, digest.hexdigest(), found))
        say(f"{path}: {size / 1e6:.1f} MB, {found}")
    return files


def default_shards(total_bytes: int) -> int:
    """One for 8 MiB of text; of a small input up to eight, of at least 1 MiB."""
    return max(
        -(-total_bytes // BYTES_A_SHARD), min(SMALL_SHARDS, -(-total_bytes // SMALL_BYTES)), 1
    )


def cut(files: list, shards: int, blank_lines: int) -> list[list[TextRange]]:
    """The input in at most `shards` parts: empty ones are left out."""
    total = sum(file.bytes for file in files)
    reach = max(_STEP, -(-total // shards))
    places = [(0, 0)]  # (file's number, byte)
    number, before = 0, 0  # the file that a nominal cut falls into, and the bytes of those before
    for shard in range(1, shards):
        nominal = total * shard // shards
        while nominal - before >= files[number].bytes:
            before += files[number].bytes
            number += 1
        place = (number, _next_end(files[number], nominal - before, reach, blank_lines))
        places.append(max(places[-1], place))
    places.append((len(files), 0))
    parts = [_between(files, *pair, blank_lines) for pair in zip(places, places[1:])]
    return [part for part in parts if part]


def _between(files, begin, end, blank_lines) -> list[TextRange]:
    ranges = []
    for number in range(begin[0], min(end[0] + 1, len(files))):
        start = begin[1] if number == begin[0] else 0
        stop = end[1] if number == end[0] else files[number].bytes
        if stop > start:
            ranges.append(
                TextRange(files[number].file, start, stop, files[number].text, blank_lines)
            )
    return ranges


def _next_end(file: TextFile, offset: int, reach: int, blank_lines: int) -> int:
    """Where the first document ends that ends at or after `offset`, or a replacement for that."""
    if offset == 0:
        return 0
    pattern = re.compile(rb"\n(?:[ \t\r]*\n){%d,}(?=[^\s])" % blank_lines)
    start, seen = max(0, offset - 1), b""
    with storage.open_bytes(file.file) as stream:
        stream.seek(start)
        while len(seen) < reach:
            part = stream.read(_STEP)
            if not part:
                return file.bytes
            # Only what is new is searched, with what a break may have begun before it.
            begin = max(0, len(seen) - 256)
            seen += part
            found = pattern.search(seen, begin)
            if found:
                return start + found.end()
    for end in (b"\n", b" "):
        place = seen.find(end, 1)
        if place >= 0:
            return start + place + 1
    place = 1
    while place < len(seen) and seen[place] & 0xC0 == 0x80:  # inside a character
        place += 1
    return start + place
