"""A row's step compiled for a TPU core: lowered by one program, compiled by another, kept.

The step is lowered by a program of the experiments, which know rows, and compiled by a Python of
its own, for libtpu's compiler and TensorFlow 2.15 do not fit into one. Both are costly (a minute
each for BERT-Large on two quiet cores), so every result is kept in a cache folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from largebatch.checkout import how_to_make
from largebatch.experiments.compile import compile_client
from largebatch.tpu.lowering.topologies import Topology

LOWERING = (sys.executable, "-m", "largebatch.experiments.compile.lowered_step")
PACKAGES = ("jax[tpu]==0.10.2", "libtpu==0.0.42.1")  # private parts of JAX are used: exact
MAKE = how_to_make("tpu-compile-environment", ".venv-tpu", "python3.11", PACKAGES)
MISTAKE = 2  # the lowering program's exit code for a user's mistake


class CompileError(RuntimeError):
    """A program failed; the message holds the end of what it said."""


class CompileEnvironment:
    """The environment with libtpu's compile-only client.

    Args:
      folder: A virtual environment, as MAKE makes it.

    Raises:
      ValueError: It is not there or lacks a package; the message says how it is made.
    """

    def __init__(self, folder: str | os.PathLike):
        self._python = Path(folder) / "bin" / "python"
        if not self._python.exists():
            raise ValueError(
                f"--environment={folder} is no environment (no bin/python in it): `{MAKE}` makes "
                "one, in about 1.3 GB"
            )
        ended = self._run("--versions")
        if ended.returncode:
            raise ValueError(
                f"--environment={folder} lacks jax or libtpu ({_last_line(ended.stderr)}); "
                f"`{MAKE}` makes one that has them"
            )
        self.versions: dict[str, str] = json.loads(ended.stdout)

    def compile(self, step: Path, topology: Topology) -> dict[str, Any]:
        """Returns what `compile_client` found; ValueError where libtpu knows no such topology."""
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "result.json"
            ended = self._run(str(step), topology.name, str(output))
            if ended.returncode == compile_client.UNKNOWN_TOPOLOGY:
                raise ValueError(f"--topology={topology.name}: {_last_line(ended.stderr)}")
            if ended.returncode or not output.exists():
                raise CompileError(f"the compiler failed for {topology.name}: {_end(ended)}")
            return json.loads(output.read_text())

    def _run(self, *arguments: str) -> subprocess.CompletedProcess:
        command = [str(self._python), compile_client.__file__, *arguments]
        return subprocess.run(command, capture_output=True, text=True)


class StepCompiler:
    """Compiles steps of one row's stage, with what is known already from the cache.

    Args:
      row_flags: Which step: flags of `lowered_step`, but for the program and the batch.
      program: One of `lowering.PROGRAMS`.
      environment: Compiles.
      cache: Folder where lowered steps and results are kept. They are found again by the step's
        description and the compiler's versions; a change of the suite's own code is not noticed.
      fresh: Ignores what is there.
      say: Takes a line on what is being done.
    """

    def __init__(
        self,
        row_flags: Sequence[str],
        program: str,
        environment: CompileEnvironment,
        cache: str | os.PathLike,
        fresh: bool = False,
        say: Callable[[str], None] = print,
    ):
        self._flags = [*row_flags, f"--program={program}"]
        self._program = program
        self._environment = environment
        self._cache = Path(cache)
        self._fresh = fresh
        self._say = say
        self._made: set[Path] = set()

    def describe(self) -> dict[str, Any]:
        """What `lowered_step` says of the step; its batch is the row's own on the paper's chips."""
        return json.loads(self._lower("--describe"))

    def compile(self, batch: int, topology: Topology) -> dict[str, Any]:
        """The step with `batch` examples a core, compiled: sizes, flops, and whether it fits."""
        described = json.loads(self._lower("--describe", f"--batch_per_core={batch}"))
        asked = {**described, "program": self._program}
        kept = self._file("result", {**asked, "topology": topology.name,
                                     "versions": self._environment.versions})  # fmt: skip
        if self._is_there(kept):
            return json.loads(kept.read_text())
        step, sizes = self._lowered(asked, batch)
        self._say(f"compiling {batch} a core for {topology.name}")
        result = {"batch_per_core": batch, **sizes, **self._environment.compile(step, topology)}
        result.setdefault("limit_bytes", None)
        if result["fits"]:
            # What other programs of the run keep on the core while this one runs.
            idle = max(0, sizes["resident_bytes"] - result["memory"]["arguments"])
            result["memory"]["idle"] = idle
            result["total_bytes"] += idle
            # What has no idle part was judged by the compiler itself.
            result["fits"] = not idle or result["total_bytes"] <= topology.usable
        elif result["total_bytes"] is None and "temporaries_bytes" in result:
            result["total_bytes"] = sizes["resident_bytes"] + result["temporaries_bytes"]
        self._keep(kept, json.dumps(result).encode())
        return result

    def _lowered(self, asked: dict[str, Any], batch: int) -> tuple[Path, dict[str, int]]:
        """The file of the step's HLO, and the sizes that the lowering program tells."""
        step, sizes = self._file("hlo", asked), self._file("sizes", asked)
        if not (self._is_there(step) and self._is_there(sizes)):
            self._say(f"lowering {batch} a core")
            self._cache.mkdir(parents=True, exist_ok=True)
            partial = step.with_suffix(f".{os.getpid()}")
            told = json.loads(self._lower(f"--batch_per_core={batch}", f"--output={partial}"))
            os.replace(partial, step)
            self._made.add(step)
            told = {name: told[name] for name in ("parameters", "resident_bytes")}
            self._keep(sizes, json.dumps(told).encode())
        return step, json.loads(sizes.read_text())

    def _lower(self, *flags: str) -> str:
        command = [*LOWERING, *self._flags, *flags]
        ended = subprocess.run(command, capture_output=True, text=True)
        if ended.returncode == MISTAKE:
            raise ValueError(_last_line(ended.stderr).removeprefix("error: "))
        if ended.returncode:
            raise CompileError(f"the step could not be lowered: {_end(ended)}")
        return _last_line(ended.stdout)

    def _file(self, kind: str, key: dict[str, Any]) -> Path:
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
        return self._cache / f"{digest}.{kind}"

    def _is_there(self, file: Path) -> bool:
        return file.exists() and (not self._fresh or file in self._made)

    def _keep(self, file: Path, content: bytes) -> None:
        """Written whole or not at all: a search that is stopped goes on from here."""
        self._cache.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(f".{os.getpid()}")
        partial.write_bytes(content)
        os.replace(partial, file)
        self._made.add(file)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _end(ended: subprocess.CompletedProcess) -> str:
    return f"exit code {ended.returncode}\n{ended.stderr.strip()[-2000:]}"
