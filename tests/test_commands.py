"""The commands of README.md, CONTRIBUTING.md and docs/: all exist, and the cheap ones are run."""

import dataclasses
import fnmatch
import functools
import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from largebatch.experiments.rows import scale
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FIELDS = {field.name for field in dataclasses.fields(Row)}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
SETUP = (ROOT / "setup.py").read_text(encoding="utf-8")
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
CODE = re.compile(r"^```[^\n]*\n(.*?)^```|^((?:(?: {4}|\t).*\n)+)|`([^`\n]+)`", re.M | re.S)
CHEAP = ("--list", "--describe", "--dry_run")


def code_of(page):
    """Every piece of code of a page, fenced, indented or in a line, with its long lines joined."""
    text = page.read_text(encoding="utf-8")
    for match in CODE.finditer(text):
        yield next(group for group in match.groups() if group).replace("\\\n", " ")


def lines_of(page):
    return [line.strip() for code in code_of(page) for line in code.splitlines()]


def programs_of(page):
    """[(module, its arguments)] of every `python -m largebatch...` that gives any."""
    found = []
    for line in lines_of(page):
        command = re.search(r"python -m (largebatch[\w.]+)\b(?!\.\.)(.*)", line)
        if command:
            try:
                words = shlex.split(command[2], comments=True)
            except ValueError:  # a piece of prose
                words = command[2].split()
            found.append((command[1], words))
    return found


@functools.cache
def flags_of(program):
    """The names of a program's flags; None where it takes none of its own."""
    module = importlib.import_module(program)
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{program}.__main__")
    if hasattr(module, "FLAGS"):
        return set(module.FLAGS)
    command = [sys.executable, "-m", program, "--help"]
    asked = subprocess.run(command, capture_output=True, text=True)
    assert asked.returncode in (0, 1), asked.stderr  # 1: absl's own help
    return set(re.findall(r"--(?:\[no\])?(\w+)", asked.stdout))


@EACH_PAGE
def test_every_program_exists_and_knows_its_flags(page):
    for program, words in programs_of(page):
        known = flags_of(program)
        for word in words[: words.index("--")] if "--" in words else words:
            flag = re.match(r"--(\w+)", word)
            if flag:
                name = flag[1] if flag[1] in known else flag[1].removeprefix("no")
                assert name in known, f"{program} has no --{flag[1]}"


@EACH_PAGE
def test_every_row_table_setting_and_scale_of_a_command_exists(page):
    for program, words in programs_of(page):
        for flag, value in re.findall(r"--(\w+)[= ]([^\s]+)", " ".join(words)):
            where = f"{program} --{flag}={value}"
            if re.search(r"[A-Z…]", value):  # a placeholder
                continue
            if flag == "experiment":
                registry.find(value)
            elif flag == "table" and program.startswith("largebatch.experiments"):
                registry.table_name(value)
            elif flag in ("rows", "list"):
                assert registry.matching(value), where
            elif flag == "set":
                assert value.partition("=")[0] in FIELDS, where
            elif flag == "scale":
                assert value in scale.ALL_SCALES, where


@EACH_PAGE
def test_every_target_and_variable_of_make_exists(page):
    targets = set(re.findall(r"^([\w-]+):(?!=)", MAKEFILE, re.MULTILINE))
    settings = MAKEFILE + (ROOT / "environment.sh").read_text(encoding="utf-8")
    for line in lines_of(page):
        for words in re.findall(r"(?:^|&& |; |`)make((?: [\w=/.-]+)+)", line):
            for word in words.split():
                name, equals, _ = word.partition("=")
                if equals:
                    assert re.search(rf"\b{name}\b", settings), f"make has no variable {name}"
                else:
                    assert word in targets, f"make has no target {word}"


@EACH_PAGE
def test_every_console_script_and_extra_is_in_setup(page):
    for name in re.findall(r"\blargebatch-([a-z_]+)\b(?!/)", "\n".join(lines_of(page))):
        assert f'"{name}"' in SETUP or f"largebatch-{name} =" in SETUP, f"largebatch-{name}"
    for extra in re.findall(r"(?:largebatch|\.)\[(\w+)\]", "\n".join(lines_of(page))):
        assert f'"{extra}": ' in SETUP, f"there is no extra {extra}"


@EACH_PAGE
def test_every_file_that_a_page_names_exists(page):
    tops = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    made = re.findall(r"`([\w/.]+)`[^`]*:\n\n```python", page.read_text(encoding="utf-8"))
    for code in (code for code in code_of(page) if code not in made):
        path = code.split(":")[0]
        if "/" in path and path.split("/")[0] in tops and re.fullmatch(r"[\w./-]+", path):
            assert (ROOT / path).exists(), f"there is no {path}"
    for name in re.findall(r"[\w/]+/test_\w+\.py", page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists() or (ROOT / "tests" / name).exists(), f"there is no {name}"


def cheap_commands():
    found = {}
    for name in ("README.md", "CONTRIBUTING.md", "docs/getting_started.md", "docs/running.md"):
        for line in lines_of(ROOT / name):
            if line.startswith("python -m ") and any(flag in line for flag in CHEAP):
                found.setdefault(line, name)
    return found


@pytest.mark.parametrize("command", cheap_commands())
def test_a_command_that_only_prints_works_as_it_is_typed(command, tmp_path):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0 and ended.stdout, ended.stderr
    assert not list(tmp_path.iterdir())


def test_the_readme_s_commands_are_among_those_that_are_run():
    readme = [command for command, name in cheap_commands().items() if name == "README.md"]
    assert any(fnmatch.fnmatch(command, "*--list 'table7/[*]'") for command in readme)
    assert any("--describe" in command for command in readme)


@pytest.mark.slow
def test_the_readme_s_lines_of_lamb_train(monkeypatch):
    import numpy as np
    import tensorflow as tf

    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (after,) = re.findall(r"`(print\(model\.optimizer[^`]*)`", (ROOT / "README.md").read_text())
    assert len(code.strip().splitlines()) <= 12
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (2048, 28, 28), np.uint8)
    images[:, :10] = 0
    labels = generator.integers(0, 10, 2048)
    images[np.arange(2048), labels] = 255  # a bright row: the digit's number
    monkeypatch.setattr(tf.keras.datasets.mnist, "load_data", lambda: ((images, labels), None))
    names = {}
    exec(code + after, names)
    accuracy = names["model"].history.history["accuracy"]
    assert accuracy[-1] > accuracy[0] > 0
    assert int(names["model"].optimizer.iterations) == 5 * 2


def test_the_code_of_the_page_of_the_optimizers_runs(capsys):
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.layers.Dense(2, name="dense")])
    model.build((None, 3))
    names = {"model": model}
    for code in re.findall(
        r"```python\n(.*?)```", (ROOT / "docs/optimizers.md").read_text(), re.DOTALL
    ):
        exec(code, names)
    assert "dense/kernel" in capsys.readouterr().out
    assert names["warmup_epochs"] == 1
    assert [float(names["schedule"](step)) for step in (0, 59, 1758)] == [
        *(0, pytest.approx(0.01 * (1 - 59 / 1758)), 0)
    ]
