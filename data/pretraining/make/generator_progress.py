"""What a person sees of the making of shards: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import rich.console
import rich.progress

from largebatch.data.pretraining.make import text_shares

if TYPE_CHECKING:
    from largebatch.data.pretraining.make.shard import ShardTask

SECONDS_BETWEEN_LINES = 10.0


class GeneratorProgress:
    """Shows shards, examples, their rates, and the time left.

    Args:
      console: Where to write; the standard error by default, so that output can be piped.
      quiet: Show nothing.
    """

    def __init__(self, console: rich.console.Console | None = None, quiet: bool = False):
        self._console = console or rich.console.Console(stderr=True, highlight=False, quiet=quiet)
        self._bar: rich.progress.Progress | None = None
        self._began = time.monotonic()
        self._last_line = 0.0
        self._shards = self._done = self._kept = self._examples = 0

    def start(self, tasks: list, left: list) -> None:
        """`left` of `tasks` are yet to be made."""
        self._began = time.monotonic()
        self._shards, self._kept = len(tasks), len(tasks) - len(left)
        if self._kept:
            self.say(f"{self._kept} of {self._shards} shards are there from an earlier run")
        if self._console.is_terminal and left:
            self._bar = rich.progress.Progress(
                rich.progress.TextColumn("shard {task.completed}/{task.total}"),
                rich.progress.BarColumn(),
                rich.progress.TextColumn("{task.description}"),
                rich.progress.TimeElapsedColumn(),
                rich.progress.TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task("", total=self._shards, completed=self._kept)
            self._bar.start()

    def done(self, task: ShardTask, record: dict) -> None:
        """A shard's task is done."""
        self._done += 1
        self._examples += sum(
            record[split]["examples"] for split in ("train", "eval") if record[split]
        )
        text = f"{self._examples:,} examples, {self._rate():,.0f}/s"
        if self._bar is not None:
            self._bar.update(self._task, completed=self._kept + self._done, description=text)
            return
        now = time.monotonic()
        if now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            self.say(f"shard {self._kept + self._done}/{self._shards}  {text}")

    def finished(self, manifest: dict) -> None:
        seconds = time.monotonic() - self._began
        for split, content in manifest["splits"].items():
            if content["shards"]:
                size = sum(shard["bytes"] for shard in content["shards"])
                self.say(
                    f"{split}: {content['examples']:,} examples with {content['masked_tokens']:,} "
                    f"masked tokens in {len(content['shards'])} shards, {size / 1e6:,.1f} MB"
                )
        for line in text_shares.lines(manifest):
            self.say(line)
        if self._done:
            self.say(f"made {self._examples:,} examples in {seconds:.1f} s, {self._rate():,.0f}/s")

    def say(self, line: str) -> None:
        """Prints a line above the bar."""
        self._console.print(line, markup=False, soft_wrap=True)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _rate(self) -> float:
        return self._examples / max(1e-9, time.monotonic() - self._began)
