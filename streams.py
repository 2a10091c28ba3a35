"""A program's output on whatever terminal, pipe or closed file it is started with.

A reader that stops early (`| head -1`) or was never there ends no program; a terminal that knows
ASCII alone gets plain characters in place of ± and ×, and a name that is not UTF-8 its bytes.

XLA and Abseil write information and warnings of their start to the standard error, at no level that
could be set (TensorFlow 2.15). A process of its own leaves them out: what a library says as this
process crashes still comes through. Python's own stderr goes past it.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import subprocess
import sys
import unicodedata
from typing import Any, TextIO

PLAIN = "largebatch.plain"  # the name of the encoding's error handler
_PLAIN = {
    **{"±": "+-", "×": "x", "÷": "/", "·": "*", "–": "-", "—": "-", "−": "-", "…": "..."},
    **{"≤": "<=", "≥": ">=", "≈": "~", "“": '"', "”": '"', "‘": "'", "’": "'", "→": "->"},
    **{"α": "alpha", "β": "beta", "γ": "gamma", "ε": "epsilon", "λ": "lambda", "η": "eta"},
    **{"φ": "phi", "μ": "mu", "σ": "sigma", "∞": "inf", "‖": "||", "∑": "sum", "√": "sqrt"},
}

# Information and warnings in Abseil's format, and the line before the first of them.
_FILTER = r"""
import os, re, sys
information = rb"[IW]\d{4} \d\d:\d\d:\d+\.\d+ +\d+ \S+:\d+\] "
beginning = rb"WARNING: All log messages before absl::InitializeLog"
noise = re.compile(information + rb"|" + beginning)
for line in sys.stdin.buffer:
    if not noise.match(line):
        os.write(1, line)
"""


class _State:
    """Of this process; None before `settle`."""

    errors: int | None = None  # the descriptor of the standard error as the user gave it
    filter: subprocess.Popen | None = None


def settle() -> None:
    """Makes the standard streams forgiving; a closed one is opened on nothing."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:  # Otherwise the next file that is opened would be taken for it.
            os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    _State.errors = os.dup(2)
    sys.stdout = forgiving(sys.stdout, 1)
    sys.stderr = forgiving(sys.stderr, _State.errors)


def filter_libraries() -> None:
    """From now on what libraries write to the standard error goes through the filter."""
    if _State.errors is None or _State.filter is not None:
        return
    command = [sys.executable, "-I", "-S", "-c", _FILTER]
    try:
        started = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=_State.errors,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is not meant for it
        )
    except OSError:
        return
    _State.filter = started
    if started.stdin is not None:  # it is a pipe
        os.dup2(started.stdin.fileno(), 2)
        started.stdin.close()


def close() -> None:
    """What was written has arrived, and the filter has ended."""
    sys.stdout.flush()
    sys.stderr.flush()
    if _State.filter is not None and _State.errors is not None:
        os.dup2(_State.errors, 2)
        with contextlib.suppress(subprocess.TimeoutExpired):  # a child may hold its end, too
            _State.filter.wait(timeout=1)


def forgiving(stream: TextIO | None, descriptor: int) -> TextIO:
    """A text stream to `descriptor`, with the encoding of `stream`; None: it was closed."""
    if stream is not None:
        stream.flush()
    encoding = "utf-8" if stream is None else stream.encoding
    if os.environ.get("LC_ALL") in ("C", "POSIX") and "PYTHONIOENCODING" not in os.environ:
        encoding = "ascii"  # Python itself takes UTF-8 there.
    return io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(descriptor, "w", closefd=False)),
        encoding=encoding,
        errors=PLAIN,
        line_buffering=descriptor != 1 or os.isatty(descriptor),
    )


class _Forgiving(io.FileIO):
    """Writes to nothing once its reader is gone."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return len(data)


def plain(error: UnicodeError) -> tuple[str, int]:
    """The error handler: what the encoding has in place of a character that it lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = "".join(_as_ascii(letter) for letter in error.object[error.start : error.end])
    return found, error.end


def _as_ascii(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # a byte of a file's name that is not UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    if letter in _PLAIN:
        return _PLAIN[letter]
    kept = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return kept or "?"


codecs.register_error(PLAIN, plain)
