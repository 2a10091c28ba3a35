"""What all programs share: paths, outputs, numbers, mistakes in one line."""

import importlib
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from absl import flags

from largebatch import cli, flag_kinds, interrupts, workers

ROOT = Path(__file__).resolve().parent.parent
OUTPUTS = (flag_kinds.OutputFile, flag_kinds.OutputFolder)
PATHS = re.compile(
    r".*_dir|outputs?|runs?|input|vocab|environment|reports|results|measure|read|from|init_checkpoint"
    r"|mlperf_log|image_cache|mnist|cifar10"
)


def programs():
    """{module's name: its flags} of every program."""
    found = {}
    for room in ("experiments", "data", "tpu", "benchmarks"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if "cli.new_flags()" in path.read_text(encoding="utf-8"):
                name = ".".join(("largebatch", *path.relative_to(ROOT).with_suffix("").parts))
                found[name] = importlib.import_module(name).FLAGS
    return found


PROGRAMS = programs()


# Run by Pythons that do not have the suite.
APART = {
    "benchmarks/gpu_run.py",
    "experiments/compile/compile_client.py",
    "experiments/export_program/runner.py",
    "tpu/lowering/portable_client.py",
}


def test_every_program_has_its_flags_from_here():
    others = {
        str(path.relative_to(ROOT))
        for room in ("experiments", "data", "tpu", "benchmarks")
        for path in (ROOT / room).rglob("*.py")
        if '__name__ == "__main__"' in (text := path.read_text(encoding="utf-8"))
        and not any(f"cli.{made}(" in text for made in ("new_flags", "document"))
    }
    assert others == APART


@pytest.fixture
def start():
    """Starts a program of two outputs and a number with arguments; returns its exit code."""

    def start(*arguments, main=lambda: 0, **options):
        values = cli.new_flags()
        define = cli.Define(values)
        define.output_file("output", None, "A file.")
        define.output_folder("folder", None, "A folder.")
        define.float("noise", 0.3, "A number.")
        program, _ = cli.entry(lambda: main(), values, "A program.", **options)
        return program(["program", *arguments])

    return start


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_path_of_a_program_is_one_whose_tilde_is_expanded(name):
    values = PROGRAMS[name]
    if name.startswith("largebatch.tpu.pod"):
        return  # Its folder lies on the TPU's machine.
    for flag in (values[flag] for flag in values if PATHS.fullmatch(flag)):
        parser = flag.parser
        assert isinstance(parser, (flag_kinds.Path, flag_kinds.Paths)), f"{name} --{flag.name}"
        found = parser.parse("~/x")
        assert found in (os.path.expanduser("~/x"), [os.path.expanduser("~/x")])


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_number_of_a_program_is_finite(name):
    values = PROGRAMS[name]
    for flag in (
        values[flag] for flag in values if isinstance(values[flag].parser, flags.FloatParser)
    ):
        for text in ("nan", "inf", "-inf"):
            with pytest.raises(ValueError):
                flag.parser.parse(text)


def test_every_program_s_output_is_checked_before_the_work():
    outputs = {
        f"{name} --{flag}"
        for name, values in PROGRAMS.items()
        for flag in values
        if flag in ("output", "output_dir") and not isinstance(values[flag].parser, OUTPUTS)
    }
    assert outputs == {"largebatch.tpu.pod.__main__ --output_dir"}


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--output={tmp}/file/x", "{tmp}/file is not a folder"),
        ("--output={tmp}", "is a folder; give the file's name, too"),
        ("--output={tmp}/new/", "is a folder; give the file's name, too"),
        ("--folder={tmp}/file/x", "{tmp}/file is not a folder"),
        ("--folder={tmp}/link/x", "{tmp}/link is not a folder"),
        ("--folder=/proc/x", "the folder /proc cannot be written ("),
        ("--output=/proc/x", "the folder /proc cannot be written ("),
        ("--folder=", "want a path"),
        ("--folder=~nobody-of-that-name/x", "there is no user nobody-of-that-name"),
        ("--noise=nan", "want a finite number"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2_before_the_work(
    tmp_path, capsys, start, argument, message
):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert start(argument.format(tmp=tmp_path), main=lambda: pytest.fail("it began")) == 2
    error = capsys.readouterr().err
    assert message.format(tmp=tmp_path) in error and error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


def test_an_output_that_can_be_written_is_no_obstacle(tmp_path, start):
    made = (f"--output={tmp_path}/x", f"--folder={tmp_path}/a/b", "--folder=gs://bucket/x")
    assert [start(argument) for argument in (*made, "--output=/dev/null")] == [0] * 4


def test_the_folder_of_an_output_is_made(tmp_path, start):
    made = tmp_path / "a" / "b"
    assert start(f"--output={made}/x", main=lambda: 0 if made.is_dir() else 1) == 0


def test_a_message_of_several_lines_is_printed_as_one(capsys, start):
    def main():
        raise ValueError("first\n  second\nthird")

    assert start(main=main) == 2
    assert capsys.readouterr().err == "error: first second third\n"


def test_ctrl_c_is_one_line_and_exit_code_130(capsys, start):
    def main():
        raise KeyboardInterrupt

    assert start(main=main, interrupted="stopped watching") == 130
    assert capsys.readouterr().err == "stopped watching\n"


def test_ctrl_c_that_an_import_turned_into_another_error_is_the_same(capsys, start, monkeypatch):
    def main():
        monkeypatch.setattr(interrupts, "asked", lambda: True)
        raise ImportError("initialization failed")

    assert start(main=main) == 130
    assert capsys.readouterr().err == "interrupted\n"


# A shell starts what stands in the background deaf to Ctrl-C, and so are its children.
PROGRAM = """
import os, signal, sys, tempfile, time
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["-m"]
import largebatch
from largebatch import cli
{before}
FLAGS = cli.new_flags()

def main():
    with tempfile.TemporaryDirectory(dir={folder!r}):
        {during}
        time.sleep(20)
    return 0

program, console = cli.entry(main, FLAGS, "")
console()
"""
ASK = "os.kill(os.getpid(), signal.SIGINT)"
AS_IT_ENDS = f"import atexit; atexit.register(lambda: {ASK})"
IN_A_CALLBACK = f"""
import weakref
class Owner: pass
owner = Owner()
found = weakref.ref(owner, lambda _: ({ASK}, time.sleep(1)))
del owner
time.sleep(10)
"""


@pytest.mark.parametrize(
    ("before", "during"),
    [("", ASK), ("", f"{ASK}; {ASK}"), (AS_IT_ENDS, ASK), (ASK, ""), (IN_A_CALLBACK, "")],
    ids=["at work", "twice", "and as it ends", "in an import", "in a callback, which drops it"],
)
def test_wherever_ctrl_c_falls_a_program_says_one_line_and_leaves_nothing(tmp_path, before, during):
    script = PROGRAM.format(before=before, during=during or "pass", folder=str(tmp_path))
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20
    )
    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")
    assert not list(tmp_path.iterdir())


def test_workers_that_are_started_deaf_ignore_ctrl_c_and_this_process_does_not():
    before = signal.getsignal(signal.SIGINT)
    command = [sys.executable, "-c", "import signal; print(int(signal.getsignal(signal.SIGINT)))"]
    with workers.started_deaf():
        ended = subprocess.run(command, capture_output=True, text=True)
    assert int(ended.stdout) == signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_workers_end_with_a_program_that_is_stopped_and_not_for_another_one_s_mistake(error):
    context = multiprocessing.get_context("fork")
    worker = context.Process(target=time.sleep, args=(60,))
    worker.start()
    with pytest.raises(error), workers.ended_with_parent():
        raise error
    worker.join(0.2 if error is ValueError else 10)
    assert (worker.exitcode is None) == (error is ValueError)
    worker.kill()
    worker.join()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_line_of_a_program_s_help_is_one_command(name):
    """A single backslash before a line's end in a docstring joins the lines."""
    usage = sys.modules[name].__doc__
    assert not re.search(r"\S {9}--", usage)


def test_help_shows_each_default_and_how_a_flag_is_turned_off(capsys):
    values = cli.new_flags()
    define = cli.Define(values)
    define.integer("seed", 0, "A number.")
    define.list("rates", ["0.1", "0.2"], "Numbers.")
    define.multi_string("set", [], "Settings.")
    define.boolean("search", True, "A choice.")
    define.boolean("fresh", False, "Another.")
    program, _ = cli.entry(lambda: 0, values, "A program.")
    assert program(["program", "--help"]) == 0
    shown = dict(re.findall(r"^  --(.+)\n      (.*)$", capsys.readouterr().out, re.MULTILINE))
    assert shown["seed=int"] == "A number. (default: 0)"
    assert shown["rates=a,b,..."] == "Numbers. (default: 0.1,0.2)"
    assert shown["set=string"] == "Settings."
    assert shown["[no]search"] == "A choice. (default: True)"
    assert shown["fresh"] == "Another."
