"""Kinds of flags that absl does not have: paths, what is written to, finite numbers."""

from __future__ import annotations

import math
import os
import tempfile
from typing import Any

from absl import flags


class Path(flags.ArgumentParser):
    """A path, its `~` expanded: a shell expands it only where it begins a word."""

    syntactic_help = "a path"

    def parse(self, argument: Any) -> str | None:
        if argument is None:
            return None
        if not argument:
            raise ValueError("want a path")
        path = os.path.expanduser(argument)
        if path.startswith("~"):
            raise ValueError(f"there is no user {path.partition('/')[0][1:]}")
        return path

    def flag_type(self) -> str:
        return "path"


class Paths(flags.ListParser):
    """Paths, separated by commas."""

    def parse(self, argument: Any) -> list[str]:
        found = (Path().parse(one) for one in super().parse(argument) if one)
        return [path for path in found if path is not None]

    def flag_type(self) -> str:
        return "paths"


class OutputFile(Path):
    """A file to write; its folder is made where it is not there."""

    def obstacle(self, path: str) -> str | None:
        """Why it cannot be written, or None; of a path like gs://... nothing is known here."""
        if "://" in path:
            return None
        if os.path.isdir(path) or not os.path.basename(path):
            return "is a folder; give the file's name, too"
        if os.path.exists(path):
            return None if os.access(path, os.W_OK) else "cannot be written"
        return OutputFolder().obstacle(os.path.dirname(path) or ".")

    def make_folder(self, path: str) -> None:
        if "://" not in path:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)


class OutputFolder(Path):
    """A folder to write to, made where it is not there."""

    def obstacle(self, path: str) -> str | None:
        """As `OutputFile.obstacle`."""
        if "://" in path:
            return None
        there = path
        while not os.path.lexists(there):
            there = os.path.dirname(there) or "."
        if not os.path.isdir(there):
            return f"{there} is not a folder"
        return _no_room_in(there)


class FiniteFloat(flags.FloatParser):
    """A number; neither nan nor infinite."""

    def convert(self, argument: Any) -> float:
        value = super().convert(argument)
        if not math.isfinite(value):
            raise ValueError("want a finite number")
        return value


def _no_room_in(folder: str) -> str | None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return f"the folder {folder} cannot be written ({error.strerror})"
