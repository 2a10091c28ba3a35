"""How a program of this folder starts: its flags, and a user's mistake as one line."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, Callable, NoReturn

MISTAKE = 2  # exit code


class Flags(argparse.ArgumentParser):
    """Flags written --name=value; its errors are one line."""

    def __init__(self, usage: str):
        super().__init__(
            description=usage,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def add(
        self,
        name: str,
        default: Any,
        text: str,
        kind: Callable = str,
        choices: Sequence[str] | None = None,
    ) -> None:
        """A flag; one of kind `boolean` may stand without a value, for true."""
        bare: dict[str, Any] = {"nargs": "?", "const": True} if kind is boolean else {}
        metavar = "true|false" if kind is boolean else kind.__name__
        metavar = "|".join(choices) if choices else metavar
        if default is not None:
            text += f" Default: {str(default).lower() if kind is boolean else default}."
        self.add_argument(
            f"--{name}",
            default=default,
            type=kind,
            choices=choices,
            metavar=metavar,
            help=text.replace("%", "%%"),
            **bare,
        )

    def error(self, message: str) -> NoReturn:
        print(f"error: {message} (--help prints all flags)", file=sys.stderr)
        sys.exit(MISTAKE)


def boolean(text: str) -> bool:
    values = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return values[text.lower()]


def run(main: Callable[[], None]) -> int:
    """Calls `main`; returns the exit code."""
    # Of TensorFlow and of what it imports, here and in processes that are started from here.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # nothing here needs a GPU, or may take its memory
    os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        main()
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print("interrupted; what is done is kept, the same command goes on", file=sys.stderr)
        return 130
    return 0
