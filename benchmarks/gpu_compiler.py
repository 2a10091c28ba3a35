"""Programs made ready by threads while others run, in the order in which they are needed."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterable
from typing import Any


class Compiler:
    """What `make` returns of each program, as soon as it is there.

    Args:
      threads: Programs that are made at the same time.
      make: The name of a program -> what its runs need.
      say: Takes a line of progress.
    """

    def __init__(self, threads: int, make: Callable[[str], Any], say: Callable[[str], None]):
        self._pool = concurrent.futures.ThreadPoolExecutor(threads)
        self._make, self._say = make, say
        self._futures: dict[str, concurrent.futures.Future] = {}
        self._told: set[str] = set()

    def begin(self, programs: Iterable[str]) -> None:
        for program in programs:
            self._futures[program] = self._pool.submit(self._timed, program)

    def _timed(self, program: str):
        begin = time.monotonic()
        made = self._make(program)
        self._say(f"compiled {program} in {time.monotonic() - begin:.1f} s")
        return made

    def ready(self, program: str) -> bool:
        """Whether `get` returns, or raises, at once."""
        return self._futures[program].done()

    def get(self, program: str):
        """What was made; raises what `make` raised."""
        return self._futures[program].result()

    def wait(self, seconds: float = 0.5) -> bool:
        """Waits for a program that is new since the last call; False where none is left to come."""
        new = {name for name, future in self._futures.items() if future.done()} - self._told
        left = [future for future in self._futures.values() if not future.done()]
        if not new and not left:
            return False
        if not new:
            concurrent.futures.wait(left, seconds, concurrent.futures.FIRST_COMPLETED)
        self._told |= new
        return True

    def give_up(self) -> None:
        """Begins no further program; those that are being made go on."""
        self._pool.shutdown(wait=False, cancel_futures=True)
