"""CONTRIBUTING.md: its model, table and row are added to a copy of the package, and run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# "..., `models/perceptron.py`:" and the block that follows; "below the line `X`:" likewise.
FILE = re.compile(r"`([\w/]+\.py)`[^`]*:\n\n```python\n(.*?)```", re.DOTALL)
ENTRY = re.compile(r"`([\w/]+\.py)`, below the line `([^`]+)`:\n\n```python\n(.*?)```", re.DOTALL)
ROW = re.compile(r"Below `\((\d+), \.\.\.\)`:\n\n```python\n(.*?)```", re.DOTALL)
TABLE = "experiments/tables/widths.py"


def inserted(path, line, text):
    """Puts `text` behind the one line of a file that begins with `line`."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    (place,) = [n for n, found in enumerate(lines) if found.strip().startswith(line)]
    path.write_text("".join([*lines[: place + 1], text, *lines[place + 1 :]]), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A folder with the package as it is once a contributor has done what the page says."""
    folder = tmp_path_factory.mktemp("contributed")
    package = folder / "largebatch"
    package.mkdir()
    for path in ROOT.iterdir():
        if (path / "__init__.py").is_file():
            shutil.copytree(path, package / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.suffix == ".py" and path.name != "setup.py":
            shutil.copy(path, package)
    for name, text in FILE.findall(PAGE):
        assert not (package / name).exists(), name
        (package / name).write_text(text, encoding="utf-8")
    ((name, line, text),) = ENTRY.findall(PAGE)
    inserted(package / name, line, text)
    ((batch, text),) = ROW.findall(PAGE)
    inserted(package / TABLE, f"({batch},", text)
    shutil.copy(ROOT / "pyproject.toml", package)
    return folder


def run(copy, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )


def test_the_new_rows_are_listed_and_described(copy):
    row = "--experiment=widths/lamb-2048"
    listed = run(copy, "-m", "largebatch.experiments.run", "--list", "widths/*")
    assert listed.returncode == 0, listed.stderr
    assert re.findall(r"^widths/lamb-(\d+)  *perceptron", listed.stdout, re.MULTILINE) == [
        *("256", "512", "1024", "2048")
    ]
    described = run(copy, "-m", "largebatch.experiments.run", "--describe", row)
    assert described.returncode == 0, described.stderr
    assert re.search(r"model_width +128 +assumed: .*the default of perceptron", described.stdout)
    assert re.search(r"learning_rate +0\.0282\d+ +rule: the square root", described.stdout)


def test_the_new_files_pass_the_linters(copy):
    files = [f"largebatch/{name}" for name, _ in FILE.findall(PAGE)]
    for command in (["check"], ["format", "--check"]):
        ended = run(copy, "-m", "ruff", *command, *files)
        assert ended.returncode == 0, ended.stdout


@pytest.mark.slow
def test_the_new_row_trains_the_new_model(copy):
    row = ("--experiment=widths/lamb-2048", "--scale=smoke", "--output_dir=run")
    ended = run(copy, "-m", "largebatch.experiments.run", *row)
    assert ended.returncode == 0, ended.stderr
    assert "widths/lamb-2048 finished" in ended.stdout
    report = run(copy, "-m", "largebatch.experiments.report", "--runs=run", "--table=widths")
    assert report.returncode == 0, report.stderr
    assert "Perceptron at smoke scale: perceptron on digits" in report.stdout
