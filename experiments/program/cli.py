"""How each program of this folder starts: flags, --help, and a user's mistake as one line."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Callable

from absl import flags, logging

MISTAKE = 2  # exit code


def new_flags() -> flags.FlagValues:
    """A program's own flags: two programs, imported in one process, may share names."""
    values = flags.FlagValues()
    flags.DEFINE_boolean("help", False, "Print this and exit.", short_name="h", flag_values=values)
    flags.DEFINE_enum(
        "verbosity", "warning", ["debug", "info", "warning", "error"],
        "How much to log; debug also shows where a mistake was noticed.", flag_values=values,
    )  # fmt: skip
    return values


def start(
    main: Callable[[], int], values: flags.FlagValues, usage: str, argv: list[str] | None = None
) -> int:
    """Parses `argv` (sys.argv) into `values`, calls `main`, and returns the exit code."""
    argv = list(sys.argv if argv is None else argv)
    for name in values:
        values[name].unparse()  # what an earlier call in this process was given
    try:
        rest = values(argv)[1:]
    except flags.Error as error:
        return _mistake(f"{error} (--help prints all flags)")
    if values.help:
        print(usage.strip(), "\n\nflags:\n")
        print(_flag_help(values))
        return 0
    if rest:
        return _mistake(f"unexpected argument {rest[0]!r}: flags are written --name=value")
    if not flags.FLAGS.is_parsed():
        flags.FLAGS(argv[:1])  # Libraries that a run loads read absl's global flags.
    logging.set_verbosity(values.verbosity)
    try:
        return main()
    except BrokenPipeError:
        raise  # A reader that stops early (`| head`): see exit_with.
    except (ValueError, OSError) as error:
        if values.verbosity == "debug":
            traceback.print_exc()
        return _mistake(str(error))


def entry(
    main: Callable[[], int], values: flags.FlagValues, usage: str
) -> tuple[Callable[..., int], Callable[[], None]]:
    """(the program: arguments -> exit code; the same for a console, which ends the process)."""

    def program(argv: list[str] | None = None) -> int:
        return start(main, values, usage, argv)

    return program, lambda: exit_with(program)


def print_or_write(text: str, path: str | None) -> int:
    """Prints `text`, or writes it to `path` and says so; returns 0, the exit code."""
    if path is None:
        print(text, end="")
        return 0
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


def _mistake(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return MISTAKE
