"""The environment that turns HLO into portable artifacts: `make pjrt-environment`."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from largebatch.checkout import how_to_make, root
from largebatch.tpu.lowering import portable_client
from largebatch.tpu.lowering.lowering import for_conversion

FOLDER = root() / ".venv-pjrt"
PACKAGES = ("jax==0.11.2", "numpy==2.5.2")
MAKE = how_to_make("pjrt-environment", FOLDER.name, "python3.12", PACKAGES)


class ConversionError(RuntimeError):
    """The conversion failed."""


class ConversionEnvironment:
    """A Python with JAX.

    Raises:
      ValueError: There is none in the folder, or it lacks JAX.
    """

    def __init__(self, folder: str | os.PathLike | None = None):
        folder = FOLDER if folder is None else Path(folder)
        self._python = folder / "bin" / "python"
        if not self._python.exists():
            raise ValueError(
                f"there is no Python with JAX in {folder}; `{MAKE}` makes one, or give another "
                "--environment"
            )
        ended = self._run("--versions")
        if ended.returncode:
            raise ValueError(
                f"--environment={folder} lacks jax ({_end(ended)}); `{MAKE}` makes one that has it"
            )
        self.versions: dict[str, str] = json.loads(ended.stdout)

    def convert(self, programs: Mapping[str, bytes], folder: Path) -> dict[str, Path]:
        """Writes NAME.stablehlo in `folder` for each HLO; returns the files."""
        with tempfile.TemporaryDirectory() as scratch:
            for name, hlo in programs.items():
                (Path(scratch) / f"{name}.hlo").write_bytes(for_conversion(hlo))
            ended = self._run(scratch)
            if ended.returncode:
                raise ConversionError(f"HLO could not be converted: {_end(ended)}")
            files = {}
            for name in programs:
                files[name] = folder / f"{name}.stablehlo"
                files[name].write_bytes((Path(scratch) / f"{name}.stablehlo").read_bytes())
        return files

    def _run(self, *arguments: str) -> subprocess.CompletedProcess:
        command = [str(self._python), portable_client.__file__, *arguments]
        clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        return subprocess.run(command, capture_output=True, text=True, env=clean)


def _end(ended: subprocess.CompletedProcess) -> str:
    lines = ended.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit code {ended.returncode}"
