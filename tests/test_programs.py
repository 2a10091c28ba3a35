"""The names that programs are started by: every one answers, as a module and as a script."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from largebatch import programs

ROOT = Path(__file__).resolve().parent.parent
SETUP = (ROOT / "setup.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name, module", programs.PROGRAMS.items())
def test_a_short_name_leads_to_the_file_of_its_module(name, module):
    spec = importlib.util.find_spec(name)
    assert Path(spec.origin) == ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py")
    assert '__name__ == "__main__"' in Path(spec.origin).read_text(encoding="utf-8")


def test_a_name_that_is_no_program_is_not_found():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("largebatch.experiments.no_such_program")


def test_every_program_of_a_sub_room_has_a_short_name():
    short = {module.removesuffix(".__main__") for module in programs.PROGRAMS.values()}
    found = set()
    for path in (ROOT / "experiments").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_program = re.search(r"= cli\.entry\(", path.read_text(encoding="utf-8"))
        if is_program and len(parts) > 2 and parts[-1] != "__main__":
            found.add(".".join(("largebatch", *parts)))
    assert found <= short, found - short


@pytest.mark.parametrize(
    "name", ["experiments.scaling_model", "experiments.figures", "tpu.compile"]
)
def test_a_short_name_runs(name):
    command = [sys.executable, "-m", f"largebatch.{name}", "--help"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0 and "--" in ended.stdout, ended.stderr
