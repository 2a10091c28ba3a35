"""A run's records at Weights & Biases, beside the run's own files, which stay the ones that count.

    python -m largebatch.experiments.run --experiment=table7/lamb --wandb

The project is WANDB_PROJECT's, by default `largebatch`; the rest is wandb's own environment. What
goes on after an interruption goes on in the same run there: its name is kept in wandb.json.
"""

from __future__ import annotations

import contextlib
import os
import uuid
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from largebatch.experiments.program.errors import UserError

FILE = "wandb.json"
PROJECT = "largebatch"
# What a record says of itself, and what is no number.
_PLACE = ("kind", "step", "layers")


@contextlib.contextmanager
def logged(
    folder: Any, wanted: bool, experiment: Mapping[str, Any], quiet: bool = False
) -> Iterator[Any]:
    """Gives the folder to train in, which tells Weights & Biases of the records where `wanted`.

    `quiet`: the package prints nothing but warnings.
    """
    if not wanted or folder.scratch:  # A host that is not the first appends no metrics.
        yield folder
        return
    heard = WandbFolder(folder, experiment, quiet)
    try:
        yield heard
    except BaseException:
        heard.close(1)
        raise
    heard.close(0)


class WandbFolder:
    """A run's folder that also tells Weights & Biases of the metrics as they are appended."""

    def __init__(self, folder: Any, experiment: Mapping[str, Any], quiet: bool = False):
        """Begins, or goes on with, the run there.

        Args:
          folder: The run's.
          experiment: What experiment.json holds.
          quiet: Whether the package prints nothing but warnings.
        """
        wandb = package()
        self._folder = folder
        stored = folder.read_json(FILE)
        if stored is None:
            stored = {"id": uuid.uuid4().hex[:16]}
            folder.write_json(FILE, stored)
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=stored["id"],
            resume="allow",
            name=f"{experiment['name']} seed={experiment['seed']}",
            group=experiment["table"],
            tags=[experiment["scale"], *experiment["tags"]],
            config={**experiment["row"], "seed": experiment["seed"]},
            dir=str(folder.path) if "://" not in str(folder.path) else None,
            settings=wandb.Settings(silent=True) if quiet else None,
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._folder, name)

    def append_metrics(self, record: Mapping[str, Any]) -> None:
        self._folder.append_metrics(record)
        numbers = {
            f"{record['kind']}/{name}": value
            for name, value in record.items()
            if name not in _PLACE and isinstance(value, (int, float))
        }
        if numbers:
            self._run.log(numbers, step=record["step"])

    def close(self, exit_code: int) -> None:
        self._run.finish(exit_code=exit_code)


def package() -> Any:
    """The package wandb; UserError where it is not there."""
    try:
        with warnings.catch_warnings():
            # Some of its releases use pydantic in ways of which that warns, in four lines.
            warnings.simplefilter("ignore")
            import wandb
    except ImportError as error:
        raise UserError(
            "--wandb needs the package wandb: pip install 'largebatch[wandb]', or pip install wandb"
        ) from error
    return wandb
