"""A corpus of real English that needs no network: documentation of Python packages, kept here.

5.4 MB of prose from Python's language reference and from docstrings, one sentence a line, a blank
line after each document. `data.docstrings` collected it once, from the packages and versions that
docstrings.NOTICE.txt names with their licences; it is kept as a file so that every Python and
every stack trains on the same text.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

from largebatch.data.files import storage

PACKED = Path(__file__).with_name("docstrings.txt.gz")
SHA256 = "30913cee8f2513046fef48e67f718189d84cc0dd8f87a5e5ef5602af1eb2a80b"


def text() -> bytes:
    """The corpus, UTF-8.

    Raises:
      ValueError: its file is missing or damaged.
    """
    try:
        content = gzip.decompress(PACKED.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"cannot read the corpus {PACKED} ({error}); install again") from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ValueError(f"the corpus {PACKED} is not the one of this version; install again")
    return content


def write_python_corpus(path: str) -> None:
    """Writes the corpus; the file appears whole or not at all.

    Raises:
      ValueError: the file cannot be written, or the corpus not read.
    """
    storage.write_bytes(path, text())
