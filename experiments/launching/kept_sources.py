"""A run's source code stays what it was when it started, whatever happens to the checkout.

AutoGraph reads a function's source from its file when the function is first traced: for an
evaluation, a second stage or a fine-tuning, hours after its module was imported. If the checkout
has been changed meanwhile, other lines are compiled than those that were imported.
"""

from __future__ import annotations

import linecache
import sys

_kept: dict[str, list[str]] = {}
_update = linecache.updatecache


def keep_sources() -> None:
    """Keeps the source of this suite's loaded modules as it is now; later calls add new modules."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if name.partition(".")[0] == "largebatch" and file.endswith(".py") and file not in _kept:
            _kept[file] = _update(file, module.__dict__)
    # AutoGraph drops what linecache holds of a file and has it read anew, by this function.
    linecache.updatecache = _kept_or_updated


def _kept_or_updated(filename: str, module_globals: dict | None = None) -> list[str]:
    lines = _kept.get(filename)
    if lines is None:
        return _update(filename, module_globals)
    # Without a time of change, it is never compared with the file.
    linecache.cache[filename] = (sum(map(len, lines)), None, lines, filename)
    return lines
