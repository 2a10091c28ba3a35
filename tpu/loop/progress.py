"""What a person sees of a run: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time

import rich.console
import rich.progress

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Shows step, loss, rate, examples/s and time left.

    The first interval compiles: it says nothing of the speed to come, and is left out of it.

    Args:
      total_steps: Updates in the whole run.
      first_step: Updates done before this process.
      console: Where to write; the standard error by default, so that output can be piped.
      quiet: Shows nothing but warnings.
    """

    def __init__(
        self,
        total_steps: int,
        first_step: int = 0,
        console: rich.console.Console | None = None,
        quiet: bool = False,
    ):
        self._console = console or rich.console.Console(stderr=True, highlight=False)
        self._total = total_steps
        self._quiet = quiet
        self._began: float | None = None  # when the first interval ended
        self._first = first_step
        self._last_line = 0.0
        self._bar = None
        if self._console.is_terminal and not quiet:
            self._bar = rich.progress.Progress(
                rich.progress.TextColumn("step {task.completed}/{task.total}"),
                rich.progress.BarColumn(),
                rich.progress.TextColumn("{task.description}"),
                rich.progress.TextColumn("{task.fields[left]} left"),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task(
                "starting", total=total_steps, completed=first_step, left="?"
            )
            self._bar.start()

    def update(self, step: int, loss: float, rate: float, examples_per_second: float) -> None:
        text = f"loss {loss:.4f}  rate {rate:.3g}"
        if self._began is None:
            self._began, self._first, left = time.monotonic(), step, "?"
        else:
            text += f"  {examples_per_second:,.0f} examples/s"
            left = self._time_left(step)
        if self._bar is not None:
            self._bar.update(self._task, completed=step, description=text, left=left)
            return
        now = time.monotonic()
        if now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            self.say(f"step {step}/{self._total}  {text}  {left} left")

    def phase(self, text: str) -> None:
        """What is done now, in place of the numbers or on a line of its own."""
        if self._bar is not None:
            self._bar.update(self._task, description=text)
        else:
            self.say(text)

    def say(self, line: str) -> None:
        """Prints a line above the bar."""
        if not self._quiet:
            self.warn(line)

    def warn(self, line: str) -> None:
        """As `say`, also where progress is not wanted."""
        self._console.print(line, markup=False, soft_wrap=True)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _time_left(self, step: int) -> str:
        done = step - self._first
        if not done or self._began is None:
            return "?"
        seconds = int((time.monotonic() - self._began) / done * (self._total - step))
        hours, minutes = divmod(seconds // 60, 60)
        if hours:
            return f"{hours}h {minutes:02d}m"
        return f"{minutes}m {seconds % 60:02d}s" if minutes else f"{seconds}s"
