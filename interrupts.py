"""Ctrl-C: one line and exit code 130, wherever in a program it falls.

Python raises KeyboardInterrupt, and prints a traceback where nobody catches it: while a program's
modules are imported, or in a callback, which drops it. TensorFlow's import may turn it into another
error. So the signal has a handler from the package's import on, which remembers that it came.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType, TracebackType

CODE = 130
LINE = "interrupted"
PATIENCE = 3.0  # seconds for cleaning up; a further Ctrl-C after them ends the process at once
_RETRY = 0.05  # seconds


class Interrupted(SystemExit, KeyboardInterrupt):
    """Ctrl-C. Uncaught it ends the process with CODE and without a traceback; so do workers."""


class _State:
    asked_at: float | None = None
    answered = False  # somebody prints the line


def settle() -> None:
    """Takes over Ctrl-C, unless it is ignored or somebody else has it already."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        try:
            signal.signal(signal.SIGINT, _asked)
        except ValueError:  # Signals are the main thread's.
            return
        signal.signal(signal.SIGALRM, _again)
        sys.unraisablehook = _dropped
        sys.excepthook = _uncaught


def starts_a_program() -> bool:
    """Whether `python -m largebatch...` looks for its module, or `largebatch-run` or so begins."""
    (program, *_) = sys.argv or [""]
    return program == "-m" or os.path.basename(program).startswith("largebatch-")


def ended() -> None:
    """The program has answered; what comes while the interpreter ends changes nothing."""
    if signal.getsignal(signal.SIGINT) is _asked:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def asked() -> bool:
    """Whether Ctrl-C has come, whatever exception has become of it."""
    return _State.asked_at is not None


def answered_by_caller() -> None:
    """From now on the caller prints the line; before, the handler does."""
    _State.answered = True


def _asked(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _State.asked_at is None:
        _State.asked_at = now
        if not _State.answered:
            _tell()
            ended()
        raise Interrupted(CODE)
    if now - _State.asked_at > PATIENCE:
        os._exit(CODE)
    # Sooner, it would break into the removal of temporary folders.


def _again(number: int, frame: FrameType | None) -> None:
    raise Interrupted(CODE)


def _dropped(unraisable: sys.UnraisableHookArgs) -> None:
    """Python drops what a callback raises, such as importlib's; Ctrl-C is raised once more."""
    if isinstance(unraisable.exc_value, Interrupted):
        signal.setitimer(signal.ITIMER_REAL, _RETRY)
    else:
        sys.__unraisablehook__(unraisable)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What an import made of Ctrl-C, before the program began."""
    if not asked():
        sys.__excepthook__(kind, error, trace)
        return
    os._exit(CODE)


def _tell() -> None:
    os.write(2, f"{LINE}\n".encode())
