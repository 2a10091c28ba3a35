"""Checkpoints that a run can trust: written whole, verified when read, never silently skipped."""

from __future__ import annotations

import fnmatch
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow as tf

from largebatch.tpu.folder.paths import AnyPath, remove_tree, run_path, write_whole

_INDEX = re.compile(r"ckpt-(\d+)\.index$")


class CheckpointError(ValueError):
    """No checkpoint could be read or written; the message names the files and the way out."""


class Checkpoints:
    """The checkpoints of one run.

    The step is in the file's name and the index file is written last, so the folder's listing is
    the only record: there is no `checkpoint` file whose loss could restart a run from step 0.

    Args:
      checkpoint: What is saved and restored.
      directory: Where, on any file system that TensorFlow reaches; made at the first save.
      interval: A save is due at the multiples of this many steps.
      keep: How many of the newest stay.
      variables: The variables in the order in which their states are stored. Their names and
        shapes are kept beside the checkpoints and checked on restore, because an optimizer's
        slots are matched by position and two of equal shape could trade places unnoticed.
      say: Called with a line for the user.
      scratch: Where a host that is not the chief writes its share of a save, to be thrown away:
        reading a variable that replicas keep apart takes part of all hosts.
      agree: Called with the step to restore (None: there is no checkpoint) before it is read;
        raises where hosts differ.
    """

    def __init__(
        self,
        checkpoint: tf.train.Checkpoint,
        directory: str | os.PathLike,
        *,
        interval: int,
        keep: int = 2,
        variables: Sequence[tf.Variable] = (),
        say: Callable[[str], None] = print,
        scratch: Path | None = None,
        agree: Callable[[int | None], None] = lambda step: None,
    ):
        self.checkpoint = checkpoint
        self._interval = interval
        self._folder = run_path(directory)
        self._keep = keep
        self._say = say
        self._scratch = scratch
        self._agree = agree
        self._newest: int | None = None
        self._names = [[variable.name, list(variable.shape)] for variable in variables]

    def steps(self) -> list[int]:
        """Returns the steps that have a checkpoint, oldest first."""
        found = (_INDEX.search(path.name) for path in self._files())
        return sorted(int(match.group(1)) for match in found if match)

    def save(self, checkpoint_number: int, check_interval: bool = True) -> str | None:
        """Saves if a save is due, then removes all but the newest; returns the path or None.

        Raises:
          CheckpointError: If it cannot be written; the ones before are untouched.
        """
        step = int(checkpoint_number)
        if check_interval and step % self._interval:
            return None
        if step == self._newest:
            return None
        if self._scratch is not None:
            self.checkpoint.write(str(self._scratch / f"ckpt-{step}"))
            remove_tree(self._scratch)
            self._newest = step
            return None
        prefix = self._folder / f"ckpt-{step}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write_names()
            self.checkpoint.write(str(prefix))
        except (tf.errors.OpError, OSError) as error:
            self._remove(prefix.name)
            older = self.steps()
            state = f"the one of step {older[-1]} is untouched" if older else "there is none before"
            raise CheckpointError(
                f"the checkpoint of step {step} could not be written to {self._folder} "
                f"({_first_line(error)}); {state}. Make room and run the same command again"
            ) from error
        self._newest = step
        for old in self.steps()[: -self._keep]:
            self._remove(f"ckpt-{old}")
        return str(prefix)

    def restore_or_initialize(self) -> str | None:
        """Restores the newest checkpoint that is whole; returns its path, None if there is none.

        Raises:
          CheckpointError: If there are checkpoints and none is whole, or they belong to another
            model.
        """
        self._remove_leftovers()
        steps = self.steps()
        if steps:
            self._check_names()
        step = self._newest_whole(steps)
        self._agree(step)
        if step is None:
            return None
        prefix = str(self._folder / f"ckpt-{step}")
        self.checkpoint.read(prefix).assert_existing_objects_matched()
        self._newest = step
        if self._scratch is None:
            # A whole run lies between a broken one and the newest good one: it is written again.
            for later in (later for later in steps if later > step):
                self._remove(f"ckpt-{later}")
        return prefix

    def _newest_whole(self, steps: list[int]) -> int | None:
        """Raises CheckpointError: There are some, and none is whole."""
        broken = []
        for step in reversed(steps):
            fault = _fault(str(self._folder / f"ckpt-{step}"))
            if fault is None:
                if broken:
                    self._say(f"unreadable: {', '.join(broken)}; going on from ckpt-{step}")
                return step
            broken.append(f"ckpt-{step} ({fault})")
        orphans = [f"{path.name} (its index is missing)" for path in self._files("ckpt-*.data-*")]
        if broken or orphans:
            raise CheckpointError(
                f"{self._folder} holds no checkpoint that is whole: "
                f"{', '.join([*broken, *orphans])}. Restore one from a copy, or remove the folder "
                "to start again from step 0"
            )
        return None

    def _remove(self, name: str) -> None:
        # The index goes first: without it the rest is no checkpoint.
        for path in reversed(self._files(f"{name}.*")):
            path.unlink(missing_ok=True)
        remove_tree(self._folder / f"{name}_temp")

    def _remove_leftovers(self) -> None:
        """Removes what a process killed in the middle of a save left behind."""
        if self._scratch is not None:
            return
        for path in self._files("ckpt-*_temp"):
            remove_tree(path)

    def _files(self, pattern: str = "*") -> list[AnyPath]:
        """What of the folder has such a name, in the order of the names."""
        try:
            found = [path for path in self._folder.iterdir() if fnmatch.fnmatch(path.name, pattern)]
        except FileNotFoundError:
            return []
        return sorted(found, key=lambda path: path.name)

    def _write_names(self) -> None:
        if not self._files("variables.json"):
            write_whole(self._folder / "variables.json", json.dumps(self._names))

    def _check_names(self) -> None:
        path = self._folder / "variables.json"
        try:
            stored = json.loads(path.read_text())
        except (OSError, ValueError, RecursionError) as error:
            raise CheckpointError(
                f"{path} is missing or unreadable, so the variables in the checkpoints beside it "
                "cannot be told apart; restore it from a copy, or remove the folder to start again"
            ) from error
        for mine, theirs in zip(self._names, stored):
            if mine != theirs:
                raise CheckpointError(
                    f"{self._folder} was written by another model: found {theirs[0]} "
                    f"{theirs[1]} where {mine[0]} {mine[1]} was wanted; give another --output_dir"
                )
        if len(stored) != len(self._names):
            raise CheckpointError(
                f"{self._folder} was written by another model: {len(stored)} variables, "
                f"{len(self._names)} wanted; give another --output_dir"
            )


def restore_model(model: tf.keras.Model, directory: str | os.PathLike) -> str:
    """Gives `model` the weights of a run's newest whole checkpoint; returns its path.

    Raises:
      CheckpointError: There is none, or it is another model's.
    """
    folder = Checkpoints(tf.train.Checkpoint(), directory, interval=1)
    for step in reversed(folder.steps()):
        prefix = str(run_path(directory) / f"ckpt-{step}")
        if _fault(prefix) is None:
            try:
                status = tf.train.Checkpoint(model=model).read(prefix)
                status.assert_existing_objects_matched().expect_partial()
            except (AssertionError, ValueError) as error:
                raise CheckpointError(
                    f"{prefix} is of another model: {_first_line(error)}"
                ) from error
            return prefix
    raise CheckpointError(f"{directory} holds no whole checkpoint; run the training first")


def _fault(prefix: str) -> str | None:
    """Reads every tensor, which checks its checksum; returns what is wrong, or None."""
    try:
        reader = tf.compat.v1.train.NewCheckpointReader(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    # The reader turns its status into a dozen classes, IndexError and SystemError among them.
    except Exception as error:
        return _first_line(error)
    return None


def _first_line(error: Exception) -> str:
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    # TensorFlow puts where in the graph it happened before what happened.
    return re.sub(r"\{\{[^}]*\}\}\s*", "", text.strip().splitlines()[0])
