"""Has the C library keep the memory that batches free, for the batches to come.

By default glibc hands a block of a batch's size back to the system when it is freed, and the pages
of each batch are faulted in and cleared anew: of ImageNet's input that takes more processor time
than resizing. Where the C library is another one, nothing changes.
"""

from __future__ import annotations

import ctypes
import functools
import os

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of mallopt, in glibc's malloc.h
_KEPT = 1 << 30  # bytes that may stay unused at an arena's end
_STEP = 64 << 20  # bytes by which an arena grows and shrinks


@functools.cache
def keep() -> bool:
    """Settles it for the whole process, once; whether it could be.

    Who has set glibc's own variables, MALLOC_…, has settled it already.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    options = ((_MMAP_THRESHOLD, _KEPT), (_TRIM_THRESHOLD, _KEPT), (_TOP_PAD, _STEP))
    return all([mallopt(option, value) for option, value in options])
