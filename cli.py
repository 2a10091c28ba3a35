"""How each program of the suite starts: flags, --help, and a user's mistake as one line.

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.string("output", None, "The file to write.")
...
program, console = cli.entry(main, FLAGS, __doc__)
"""

from __future__ import annotations

import functools
import json
import sys
import traceback
from collections.abc import Iterator
from typing import Any, Callable

from absl import flags, logging

from largebatch import flag_kinds, interrupts, stack, streams

FAILED, MISTAKE, INTERRUPTED = 1, 2, interrupts.CODE  # exit codes
GOES_ON = "interrupted; what is done is kept, the same command goes on"


def new_flags() -> flags.FlagValues:
    """A program's own flags: two programs, imported in one process, may share names."""
    values = flags.FlagValues()
    define = Define(values)
    define.boolean("help", False, "Print this and exit.", short_name="h")
    define.boolean("quiet", False, "Print results, warnings and errors only; no progress.")
    define.enum(
        *("verbosity", "warning", ["debug", "info", "warning", "error"]),
        "How much to log; debug adds a traceback to an error.",
    )
    return values


class Define:
    """absl's DEFINE_string, DEFINE_integer, ... for one program: `define.string(...)`.

    A path is one of the kinds below: all programs expand `~`, and find an output that cannot be
    written before they begin.
    """

    def __init__(self, values: flags.FlagValues):
        self._values = values

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        return functools.partial(getattr(flags, f"DEFINE_{kind}"), flag_values=self._values)

    def parsed(self, parser: flags.ArgumentParser, name: str, default: Any, text: str) -> None:
        """A flag of a kind that absl does not have."""
        flags.DEFINE(parser, name, default, text, flag_values=self._values)

    def path(self, name: str, default: str | None, text: str) -> None:
        """A file or folder that is read."""
        self.parsed(flag_kinds.Path(), name, default, text)

    def paths(self, name: str, default: str | None, text: str) -> None:
        """Files, separated by commas."""
        serializer = flags.CsvListSerializer(",")
        values = self._values
        flags.DEFINE(flag_kinds.Paths(), name, default, text, values, serializer=serializer)

    def multi_path(self, name: str, default: list[str], text: str) -> None:
        """Files or folders that are read, each by a flag of its own."""
        flags.DEFINE_multi(
            flag_kinds.Path(), flags.ArgumentSerializer(), name, default, text, self._values
        )

    def output_file(self, name: str, default: str | None, text: str) -> None:
        self.parsed(flag_kinds.OutputFile(), name, default, text)

    def output_folder(self, name: str, default: str | None, text: str) -> None:
        self.parsed(flag_kinds.OutputFolder(), name, default, text)

    def float(self, name: str, default: float | None, text: str, **bounds: float) -> None:
        """A finite number; `lower_bound`, `upper_bound`."""
        self.parsed(flag_kinds.FiniteFloat(**bounds), name, default, text)


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
    interrupts.answered_by_caller()
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
        obstacle = _obstacle(values)
        if obstacle:
            return _end(obstacle)
        _make_folders(values)
        with stack.telling(nothing if values.quiet else say):
            return main(*others)
    except BaseException as error:
        if interrupts.asked() or isinstance(error, KeyboardInterrupt):
            print(interrupted, file=sys.stderr)
            return INTERRUPTED
        if isinstance(error, failures):
            return _end(str(error), FAILED)
        if not isinstance(error, (ValueError, OSError)):
            raise
        if values.verbosity == "debug":
            traceback.print_exc()
        return _end(str(error))


def say(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)


def warn(line: str) -> None:
    """A line of the standard error that stands on one line, whatever a file in it is named."""
    shown = (
        letter if letter.isprintable() or "\udc80" <= letter <= "\udcff" else " " for letter in line
    )
    print("".join(shown), file=sys.stderr, flush=True)


def nothing(line: str) -> None:
    """In place of `say`, under --quiet."""


def _obstacle(values: flags.FlagValues) -> str | None:
    """Why one of the outputs that were asked for cannot be written; found before the work."""
    for flag in _outputs(values):
        why = flag.parser.obstacle(flag.value)
        if why:
            return f"--{flag.name}={flag.value}: {why}"
    return None


def _make_folders(values: flags.FlagValues) -> None:
    """Makes the folders of the files that are to be written."""
    for flag in _outputs(values):
        if isinstance(flag.parser, flag_kinds.OutputFile):
            flag.parser.make_folder(flag.value)


def _outputs(values: flags.FlagValues) -> Iterator[flags.Flag]:
    """The flags that were given and name something to write."""
    kinds = (flag_kinds.OutputFile, flag_kinds.OutputFolder)
    for flag in (values[name] for name in values):
        if flag.present and flag.value is not None and isinstance(flag.parser, kinds):
            yield flag


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


def at_least(values: flags.FlagValues, **least: int) -> None:
    """Raises ValueError for the first of these flags that is below its least value."""
    for name, wanted in least.items():
        if values[name].value is not None and values[name].value < wanted:
            raise ValueError(f"--{name}={values[name].value}: want {wanted} or more")


def print_or_write(text: str, path: str | None) -> int:
    """Prints `text`, or writes it to `path` and says so; returns 0, the exit code."""
    if path is None:
        print(text, end="")
        return 0
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"wrote {path}")
    return 0


def write_json(record: Any, path: str | None) -> None:
    """Writes `record` as JSON, where a file was named."""
    if path is not None:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(record, file, indent=1)
            file.write("\n")


def document(
    make: Callable[[], str], usage: str
) -> tuple[flags.FlagValues, Callable[..., int], Callable[[], None]]:
    """(flags, program, console) of what prints a document, or writes it to --output."""
    values = new_flags()
    Define(values).output_file("output", None, "The file to write; default: print.")
    return values, *entry(lambda: print_or_write(make(), values.output), values, usage)


def exit_with(program: Callable[[], int]) -> None:
    """Ends the process with the code of `program()`."""
    interrupts.settle()
    streams.settle()
    code = program()
    if code == INTERRUPTED:
        interrupts.ended()
    streams.close()
    sys.exit(code)


def _flag_help(values: flags.FlagValues) -> str:
    lines = []
    for name in sorted(dict.fromkeys(flag.name for flag in values._flags().values())):
        flag = values[name]
        kind = "" if flag.boolean else f"={flag.parser.flag_type()}"
        kind = kind.replace("comma separated list of strings", "a,b,...")
        if isinstance(flag.parser, flags.EnumParser):
            kind = "=" + "|".join(flag.parser.enum_values)
        text = flag.help.rpartition(">: ")[2]  # absl puts an enum's values before its help
        # Of a list of values its help goes on with a line of its own.
        text = text.partition(";\n    repeat this option")[0]
        negatable = "[no]" if flag.boolean and flag.default is not False else ""
        lines.append(f"  --{negatable}{name}{kind}\n      {text}{_default(flag)}")
    return "\n".join(lines)


def _default(flag: flags.Flag) -> str:
    """' (default: 7)'; '' where there is none, or the flag's absence says it."""
    if flag.default is None or flag.default is False or flag.default == []:
        return ""
    listed = isinstance(flag.default, list)
    return f" (default: {','.join(map(str, flag.default)) if listed else flag.default})"


def _end(message: str, code: int = MISTAKE) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return code
