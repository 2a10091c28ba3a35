"""Novels and encyclopedia articles as documents of paragraphs.

What a document is, in a file of

  Project Gutenberg  what lies between two blank lines or more: a chapter, or a part of one that the
                     book sets apart. The header and the licence are left out.
  WikiText           an article. Its headings are left out, and so are the marks <unk> of rare
                     words; @-@, @,@ and @.@ become the signs that they stand for.
  any other text     what lies between two blank lines or more.

A piece of fewer than SHORTEST characters is a title, a motto or a table of contents, and is left
out: 0.5 % of a novel.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from largebatch.data.files import storage
from largebatch.data.text.input_ranges import not_utf8

SHORTEST = 300
_GUTENBERG = re.compile(
    r"^\*\*\* ?START OF TH[^\n]*\n(.*?)^\*\*\* ?END OF TH", re.MULTILINE | re.DOTALL
)
_BREAK = re.compile(r"\n(?:[^\S\n]*\n){2,}")
_TITLE = re.compile(r"^ = [^=\n]+ = *$", re.MULTILINE)
_HEADING = re.compile(r"^ (?:= )+[^\n]*?(?: =)+ *$", re.MULTILINE)
_MARKS = ((re.compile(r" ?<unk>"), ""), (re.compile(r" @([-,.])@ "), r"\1"))


def documents(text: str) -> list[str]:
    """The documents of a file's text, paragraphs parted by one blank line."""
    text = text.replace("\r\n", "\n")
    book = _GUTENBERG.search(text)
    if book is None and _TITLE.search(text):
        pieces = [_article(piece) for piece in _TITLE.split(text)]
    else:
        pieces = _BREAK.split(text if book is None else book[1])
    return [piece for piece in map(str.strip, pieces) if len(piece) >= SHORTEST]


def _article(text: str) -> str:
    text = _HEADING.sub("", text)
    for mark, sign in _MARKS:
        text = mark.sub(sign, text)
    return "\n\n".join(line.strip() for line in text.split("\n") if line.strip())


def collect(folder: str) -> list[str]:
    """All documents of the .txt files in `folder` or below, each once.

    Their order is that of their digests: chapters of one book lie apart, whatever the files are
    called, so that a random next segment is seldom of the same book.

    Raises:
      ValueError: There is no such file, it is not UTF-8 or cannot be read, or no document is found.
    """
    files = sorted(path for path in Path(folder).expanduser().rglob("*.txt") if path.is_file())
    if not files:
        raise ValueError(f"{folder} holds no .txt files; name a folder of books or articles")
    found: dict[str, None] = {}
    for file in files:
        content = storage.read_bytes(str(file), "the text")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(not_utf8(str(file), error.start)) from error
        found.update(dict.fromkeys(documents(text)))
    if not found:
        raise ValueError(f"{folder}: no document of {SHORTEST} characters in {len(files)} files")
    return sorted(found, key=lambda text: hashlib.sha256(text.encode()).digest())


def joined(found: Iterable[str]) -> bytes:
    """Documents as one text with two blank lines after each."""
    return "".join(f"{document}\n\n\n" for document in found).encode()
