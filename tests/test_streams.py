"""A program's output on what it is started with: closed, cut off, ASCII; and the libraries' own."""

import io
import os
import subprocess
import sys

import pytest

from largebatch import streams

PROGRAM = """
import os, sys
from largebatch import cli, streams
{before}
print("0.99 ± 0.01, × 2", flush=True)
{after}
FLAGS = cli.new_flags()
cli.exit_with(lambda: cli.start(lambda: print("the ± end") or 0, FLAGS, "", sys.argv[:1]))
"""
INFORMATION = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\\n"
    "I0000 00:00:1795831167.445302   14942 device_compiler.h:186] Compiled cluster using XLA!\\n"
)


def run(before="", after="", shell="{}", **variables):
    """Runs the program in a shell's line; returns what ended."""
    script = PROGRAM.format(before=f"streams.settle()\n{before}", after=after)
    line = shell.format(f"'{sys.executable}' -c \"$SCRIPT\"")
    environment = {**os.environ, "SCRIPT": script, **variables}
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"], env=environment, capture_output=True, timeout=20
    )


@pytest.mark.parametrize(
    ("shell", "variables", "output"),
    [
        ("{} >&-", {}, b""),
        ("{} >&- 2>&-", {}, b""),
        ("{} | head -1", {}, "0.99 ± 0.01, × 2\n".encode()),
        ("{}", {"PYTHONIOENCODING": "ascii"}, b"0.99 +- 0.01, x 2\nthe +- end\n"),
        ("{}", {"LC_ALL": "C"}, b"0.99 +- 0.01, x 2\nthe +- end\n"),
    ],
    ids=["no stdout", "no stderr either", "a reader that stops", "ASCII", "the C locale"],
)
def test_a_finished_program_ends_with_0_wherever_its_output_goes(shell, variables, output):
    variables = {"LC_ALL": "C.UTF-8", **variables}
    ended = run(after="import time; time.sleep(0.1)", shell=shell, **variables)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, output, b"")


def test_what_xla_and_abseil_say_of_their_start_is_left_out_and_errors_are_not():
    written = f"os.write(2, b'{INFORMATION}E0000 00:00:1.5  1 x.cc:1] no memory\\n')"
    ended = run("streams.filter_libraries()", written)
    assert ended.returncode == 0
    assert ended.stderr == b"E0000 00:00:1.5  1 x.cc:1] no memory\n"


def test_a_crash_does_not_lose_its_message():
    written = f"os.write(2, b'{INFORMATION}terminate called\\n'); os.abort()"
    ended = run("streams.filter_libraries()", written, shell="{} 2>&1 | cat")
    assert ended.returncode == 134
    assert b"terminate called" in ended.stdout and b"XLA" not in ended.stdout


def test_a_name_that_is_not_utf_8_is_printed_with_its_bytes():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=streams.PLAIN)
    stream.write("runs/\udcff")
    stream.flush()
    assert stream.buffer.getvalue() == b"runs/\\xff"
