"""docs/analyses.md: its commands and pictures exist, and its programs answer without TensorFlow."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from largebatch.experiments.tables import registry

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/analyses.md").read_text()
PROGRAMS = (
    *("sharpness", "lipschitz", "layer_ratios", "distance"),
    *("theorem_rates", "layer_density"),
)
COMMANDS = re.findall(r"python -m largebatch\.experiments\.(\w+)(.*)", TEXT.replace("\\\n", " "))


def test_every_program_has_a_command():
    assert {program for program, _ in COMMANDS} >= set(PROGRAMS)


@pytest.mark.parametrize("program, arguments", COMMANDS)
def test_every_flag_and_row_of_a_command_exists(program, arguments):
    known = importlib.import_module(f"largebatch.experiments.{program}").FLAGS
    for flag in re.findall(r"--(\w+)", arguments):
        assert flag in known, f"{program} has no --{flag}"
    for row in re.findall(r"--experiment=([\w/-]+)", arguments):
        registry.find(row)


@pytest.mark.parametrize("picture", re.findall(r"\]\((figures/[^)]*)\)", TEXT))
def test_every_picture_is_there(picture):
    assert "</svg>" in (ROOT / "docs" / picture).read_text()


def test_help_needs_no_tensorflow():
    check = (
        "import importlib, sys\n"
        f"for name in {PROGRAMS}:\n"
        "    importlib.import_module(f'largebatch.experiments.{name}')\n"
        "    assert 'tensorflow' not in sys.modules, name\n"
    )
    ended = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
