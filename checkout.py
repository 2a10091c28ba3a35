"""The suite's checkout, for programs that read or write beside the code; a wheel has none."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

PACKAGE = pathlib.Path(__file__).resolve().parent


def is_checkout(folder: str | os.PathLike) -> bool:
    """Whether a folder holds the suite's sources with what builds its environment."""
    setup = pathlib.Path(folder) / "setup.py"
    try:
        return setup.with_name(
            "environment.sh"
        ).is_file() and 'name="largebatch"' in setup.read_text(encoding="utf-8")
    except OSError:
        return False


def root() -> pathlib.Path:
    """The checkout that this code lies in; for code that was installed, the current folder."""
    return PACKAGE if is_checkout(PACKAGE) else pathlib.Path.cwd()


def how_to_make(target: str, folder: str, python: str, packages: Sequence[str]) -> str:
    """The command for an environment beside the suite's: the Makefile's, or what it would do."""
    if is_checkout(root()):
        return f"make {target}"
    quoted = " ".join(f"'{package}'" for package in packages)
    return f"{python} -m venv {folder} && {folder}/bin/python -m pip install {quoted}"
