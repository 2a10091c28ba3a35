"""Which code a run was made with."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import largebatch
from largebatch.checkout import PACKAGE


def versions() -> dict[str, str]:
    """{package: version} of what decides a run's arithmetic; "not installed" where it is not.

    The packages of a TPU are named where they are there. The version of the imported package is
    that of this code; a checkout's installed metadata may be older.
    """
    packages = ("tensorflow", "tf-keras", "tensorflow-addons", "tf-models-official")
    found = {"python": platform.python_version(), "largebatch": largebatch.__version__}
    for package in (*packages, "tensorflow-datasets", "numpy", "tensorflow-tpu", "libtpu"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            if package not in ("tensorflow-tpu", "libtpu"):
                found[package] = "not installed"
    return found


def commit() -> str | None:
    """The commit of the code, `+changes` added if files differ from it; None outside a checkout."""
    root = PACKAGE
    try:
        head = _git(root, "rev-parse", "HEAD")
        top = Path(_git(root, "rev-parse", "--show-toplevel")).resolve()
        if top != root:  # installed inside somebody else's repository
            return None
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+changes" if changed else "")


def today() -> str:
    """'2026-11-20', in UTC: what a result is dated with."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def commit_dates(commits: Iterable[str]) -> dict[str, str]:
    """{commit: '2026-11-20'} of those that this checkout knows; {} outside a checkout."""
    names = sorted({commit.partition("+")[0] for commit in commits})
    known = [name for name in names if re.fullmatch("[0-9a-f]{40}", name)]
    if not known:
        return {}
    try:
        lines = _git(
            PACKAGE, "log", "--no-walk", "--ignore-missing", "--format=%H %cs", *known, "--"
        )
    except (OSError, subprocess.CalledProcessError):
        return {}
    return dict(line.split() for line in lines.splitlines())


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
