"""environment.sh: it takes a Python that really runs, or says what it found and what to do."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture
def checkout(tmp_path):
    """A folder (its name has a space) with the script, on a PATH that has no Python but fakes."""
    folder = tmp_path / "a checkout"
    (folder / "bin").mkdir(parents=True)
    for name in ("environment.sh", "setup.py", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    for tool in ("bash", "cat", "cksum", "dirname", "grep", "rm", "sed", "tail", "tee"):
        (folder / "bin" / tool).symlink_to(shutil.which(tool))
    return folder


def fake(checkout, name, body):
    path = checkout / "bin" / name
    path.write_text(f"#!{shutil.which('bash')}\n{body}\n")
    path.chmod(0o755)


def make(checkout, **variables):
    """Runs the script; returns (exit code, all that it printed)."""
    ended = subprocess.run(
        [shutil.which("bash"), str(checkout / "environment.sh")],
        env={"PATH": str(checkout / "bin"), "HOME": str(checkout), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return ended.returncode, ended.stdout


# Answers as Python 3.10 would; `-m venv .venv` gives an environment whose pip does nothing.
WORKING = """
case "$*" in
    *ensurepip*|*version_info*) echo 3.10 ;;
    *venv*) /bin/mkdir -p .venv/bin; /bin/cp "$0" .venv/bin/python; echo venv >>made ;;
    *"pip install"*) [ ! -e broken ] || { echo "no such package"; exit 1; } ;;
esac
"""


def test_without_any_python_it_says_what_is_wanted(checkout):
    code, printed = make(checkout)
    assert code == 1
    assert "needs Python 3.9, 3.10 or 3.11" in printed
    assert "python3.11: not found" in printed
    assert "make PYTHON=" in printed


def test_a_shim_that_does_not_run_and_a_wrong_version_are_told_apart(checkout):
    fake(checkout, "python3.11", "echo 'pyenv: command not found' >&2; exit 127")
    fake(checkout, "python3", "echo 3.13")
    code, printed = make(checkout)
    assert code == 1
    assert "python3.11: found, but it does not run" in printed
    assert "python3: Python 3.13" in printed


def test_a_python_without_venv_is_named_with_the_remedy(checkout):
    fake(checkout, "python3", 'case "$*" in *ensurepip*) exit 1 ;; esac; echo 3.11')
    code, printed = make(checkout)
    assert code == 1
    assert "without the venv module" in printed and "python3.11-venv" in printed


def test_the_python_that_was_named_is_the_only_one_tried(checkout):
    fake(checkout, "python3.11", WORKING)
    code, printed = make(checkout, PYTHON="python3.8")
    assert code == 1
    assert "python3.8: not found" in printed and "python3.11:" not in printed


def test_a_shim_that_does_not_run_is_passed_over(checkout):
    fake(checkout, "python3.11", "exit 127")
    fake(checkout, "python3.10", WORKING)
    code, printed = make(checkout)
    assert code == 0, printed
    assert "Making .venv with python3.10" in printed


def test_a_python_of_pyenv_is_found_when_path_has_none(checkout):
    fake(checkout, "working", WORKING)
    folder = checkout / ".pyenv" / "versions" / "3.10.13" / "bin"
    folder.mkdir(parents=True)
    (checkout / "bin" / "working").rename(folder / "python")
    code, printed = make(checkout)
    assert code == 0, printed
    assert "3.10.13/bin/python" in printed


def test_a_complete_environment_is_left_alone_until_a_pin_changes(checkout):
    fake(checkout, "python3.10", WORKING)
    made = checkout / "made"
    assert make(checkout)[0] == 0
    assert make(checkout) == (0, "")
    assert made.read_text().split() == ["venv"]
    with open(checkout / "constraints.txt", "a") as constraints:
        constraints.write("# changed\n")
    assert make(checkout)[0] == 0
    assert made.read_text().split() == ["venv", "venv"]


def test_a_failed_install_shows_why_and_is_made_anew(checkout):
    fake(checkout, "python3.10", WORKING)
    (checkout / "broken").touch()
    code, printed = make(checkout)
    assert code != 0
    assert "no such package" in printed
    (checkout / "broken").unlink()
    assert make(checkout)[0] == 0
    assert (checkout / "made").read_text().split() == ["venv", "venv"]
