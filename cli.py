"""How each program of the suite starts: flags, --help, and a user's mistake as one line.

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.string("output", None, "The file to write.")
...
program, console = cli.entry(main, FLAGS, __doc__)
"""

from __future__ import annotations

import functools
import os
import sys
import traceback
from typing import Any, Callable

from absl import flags, logging

FAILED, MISTAKE, INTERRUPTED = 1, 2, 130  # exit codes
GOES_ON = "interrupted; what is done is kept, the same command goes on"


def new_flags() -> flags.FlagValues:
    """A program's own flags: two programs, imported in one process, may share names."""
    values = flags.FlagValues()
    define = Define(values)
    define.boolean("help", False, "Print this and exit.", short_name="h")
    define.enum(
        *("verbosity", "warning", ["debug", "info", "warning", "error"]),
        "How much to log; debug also shows where a mistake was noticed.",
    )
    return values


class Define:
    """absl's DEFINE_string, DEFINE_integer, ... for one program: `define.string(...)`."""

    def __init__(self, values: flags.FlagValues):
        self._values = values

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        return functools.partial(getattr(flags, f"DEFINE_{kind}"), flag_values=self._values)

    def parsed(self, parser: flags.ArgumentParser, name: str, default: Any, text: str) -> None:
        """A flag of a kind that absl does not have."""
        flags.DEFINE(parser, name, default, text, flag_values=self._values)


def start(
    main: Callable[..., int],
    values: flags.FlagValues,
    usage: str,
    argv: list[str] | None = None,
    *,
    passes_on: str | None = None,
    failures: type[Exception] | tuple[type[Exception], ...] = (),
    interrupted: str = "interrupted",
) -> int:
    """Parses `argv` (sys.argv) into `values`, calls `main`, and returns the exit code.

    Args:
      passes_on: Arguments that are not this program's; `main` takes them. "--": those after `--`;
        "unknown": flags that are not among `values`.
      failures: Exceptions that are not the user's mistakes: the exit code is FAILED.
      interrupted: What is printed when the user stops the program.
    """
    argv = list(sys.argv if argv is None else argv)
    cut = argv.index("--") if passes_on == "--" and "--" in argv else len(argv)
    for name in values:
        values[name].unparse()  # An earlier call in this process had its own.
    values.set_gnu_getopt(passes_on == "unknown")
    try:
        rest = values(argv[:cut], known_only=passes_on == "unknown")[1:]
    except flags.Error as error:
        return _end(f"{error} (--help prints all flags)")
    if values.help:
        print(usage.strip(), "\n\nflags:\n")
        print(_flag_help(values))
        return 0
    if rest and passes_on != "unknown":
        return _end(f"unexpected argument {rest[0]!r}: flags are written --name=value")
    others = {None: (), "--": (argv[cut + 1 :],), "unknown": (rest,)}[passes_on]
    if not flags.FLAGS.is_parsed():
        flags.FLAGS(argv[:1])  # Libraries that a run loads read absl's global flags.
    logging.set_verbosity(values.verbosity)
    try:
        return main(*others)
    except BrokenPipeError:
        raise  # A reader that stops early (`| head`): see exit_with.
    except failures as error:
        return _end(str(error), FAILED)
    except (ValueError, OSError) as error:
        if values.verbosity == "debug":
            traceback.print_exc()
        return _end(str(error))
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        return INTERRUPTED


def entry(
    main: Callable[..., int], values: flags.FlagValues, usage: str, **options: Any
) -> tuple[Callable[..., int], Callable[[], None]]:
    """(the program: arguments -> exit code; the same for a console, which ends the process)."""

    def program(argv: list[str] | None = None) -> int:
        return start(main, values, usage, argv, **options)

    return program, lambda: exit_with(program)


def require(values: flags.FlagValues, *names: str) -> None:
    """Raises ValueError for the first of these flags that was not given."""
    for name in names:
        if values[name].value is None:
            raise ValueError(f"--{name} is missing (--help prints all flags)")


def print_or_write(text: str, path: str | None) -> int:
    """Prints `text`, or writes it to `path` and says so; returns 0, the exit code."""
    if path is None:
        print(text, end="")
        return 0
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"wrote {path}")
    return 0


def exit_with(program: Callable[[], int]) -> None:
    """Ends the process with the code of `program()`; a reader that stops early is no error."""
    try:
        code = program()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _flag_help(values: flags.FlagValues) -> str:
    lines = []
    for name in sorted(dict.fromkeys(flag.name for flag in values._flags().values())):
        flag = values[name]
        kind = "" if flag.boolean else f"={flag.parser.flag_type()}"
        if isinstance(flag.parser, flags.EnumParser):
            kind = "=" + "|".join(flag.parser.enum_values)
        default = "" if flag.default in (None, False, []) else f" (default: {flag.default})"
        text = flag.help.rpartition(">: ")[2]  # absl puts an enum's values before its help
        lines.append(f"  --{name}{kind}\n      {text}{default}")
    return "\n".join(lines)


def _end(message: str, code: int = MISTAKE) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code
