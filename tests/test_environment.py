"""environment.sh: it takes a Python that really runs, or says what it found and what to do.

Likewise .ci/run, which tests one stack and then the other. The Pythons, uv and make are fakes that
note what they were asked for; nothing is installed.
"""

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
    (folder / ".ci").mkdir()
    for name in ("environment.sh", "setup.py", "constraints.txt", ".ci/run"):
        shutil.copy(ROOT / name, folder / name)
    tools = ("bash", "cat", "cksum", "dirname", "grep", "ln", "mktemp", "rm", "sed", "tail", "tee")
    for tool in tools:
        (folder / "bin" / tool).symlink_to(shutil.which(tool))
    return folder


def fake(checkout, name, body):
    path = checkout / "bin" / name
    path.write_text(f"#!{shutil.which('bash')}\n{body}\n")
    path.chmod(0o755)


def make(checkout, script="environment.sh", **variables):
    """Runs the script; returns (exit code, all that it printed)."""
    ended = subprocess.run(
        [shutil.which("bash"), str(checkout / script)],
        env={"PATH": str(checkout / "bin"), "HOME": str(checkout), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return ended.returncode, ended.stdout


def working(version):
    """Answers as a Python would; `-m venv FOLDER` gives an environment whose pip does nothing."""
    return f"""
case "$*" in
    *ensurepip*|*version_info*) echo {version} ;;
    *"-m venv"*) /bin/mkdir -p "$3/bin"; /bin/cp "$0" "$3/bin/python"; echo venv >>made ;;
    *"pip install"*) [ ! -e broken ] || {{ echo "no such package"; exit 1; }} ;;
esac
"""


WORKING = working("3.10")
# Makes the environment, and notes what it was asked for; a file `NAME fails` lets a target fail.
MAKE = """
echo "$*" >>asked
[ "$1" != test ] || bash ./environment.sh
[ ! -e "$1 fails" ]
"""
# `uv venv --quiet --python PYTHON FOLDER`, `uv pip install ...`, `uv python install|find VERSION`.
UV = """
case "$*" in
    "python install"*) [ -e bin/downloaded ] || exit 1 ;;
    "python find"*) echo "$PWD/bin/downloaded" ;;
    venv*)
        case "$4" in /*) ;; *) echo "looks for $4 itself"; exit 2 ;; esac
        /bin/mkdir -p "$5/bin"; /bin/cp "$4" "$5/bin/python"; echo uv-venv >>made ;;
    "pip install"*) echo uv-install >>made ;;
esac
"""


def test_without_any_python_it_says_what_is_wanted(checkout):
    code, printed = make(checkout)
    assert code == 3
    assert "needs Python 3.9 to 3.13, and found none" in printed
    assert "python3.11: not found" in printed
    assert "make PYTHON=" in printed


def test_a_shim_that_does_not_run_and_a_wrong_version_are_told_apart(checkout):
    fake(checkout, "python3.11", "echo 'pyenv: command not found' >&2; exit 127")
    fake(checkout, "python3", "echo 3.14")
    code, printed = make(checkout)
    assert code == 3
    assert "python3.11: found, but it does not run" in printed
    assert "python3: Python 3.14" in printed


def test_a_python_without_venv_is_named_with_the_remedy(checkout):
    fake(checkout, "python3", 'case "$*" in *ensurepip*) exit 1 ;; esac; echo 3.11')
    code, printed = make(checkout)
    assert code == 3
    assert "without the venv module" in printed and "python3.11-venv" in printed


def test_the_python_that_was_named_is_the_only_one_tried(checkout):
    fake(checkout, "python3.11", WORKING)
    code, printed = make(checkout, PYTHON="python3.8")
    assert code == 3
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
    assert code == 4  # which continuous integration tells from a script that broke
    assert "no such package" in printed
    (checkout / "broken").unlink()
    assert make(checkout)[0] == 0
    assert (checkout / "made").read_text().split() == ["venv", "venv"]


@pytest.mark.parametrize(
    ("stack", "taken", "folder"),
    [
        (None, "python3.11", ".venv"),
        ("classic", "python3.11", ".venv-classic"),
        ("modern", "python3.12", ".venv-modern"),
    ],
)
def test_a_stack_has_its_pythons_and_its_folder(checkout, stack, taken, folder):
    for version in ("3.8", "3.11", "3.12"):
        fake(checkout, f"python{version}", working(version))
    code, printed = make(checkout, **({} if stack is None else {"STACK": stack}))
    assert code == 0, printed
    assert f"Making {folder} with {taken} (Python {taken[6:]})" in printed
    assert (checkout / folder / "installed-from").exists()


def test_a_stack_whose_python_is_missing_is_not_made_of_another(checkout):
    fake(checkout, "python3.11", working("3.11"))
    code, printed = make(checkout, STACK="modern")
    assert code == 3  # which continuous integration tells from an install that failed
    assert "needs Python 3.12 or 3.13 (STACK=modern), and found none" in printed
    code, printed = make(checkout, STACK="newest")
    assert code == 1 and "STACK=newest is neither classic nor modern" in printed


def test_an_environment_that_is_of_the_stack_already_is_taken(checkout):
    fake(checkout, "python3.12", working("3.12"))
    assert make(checkout)[0] == 0
    assert make(checkout, STACK="modern") == (0, "")
    assert (checkout / ".venv-modern").resolve() == checkout / ".venv"
    assert make(checkout, STACK="modern") == (0, "")
    assert make(checkout, STACK="classic")[0] == 3


def test_uv_installs_where_it_is_and_pip_where_it_is_unwanted(checkout):
    fake(checkout, "python3.13", working("3.13").replace("*ensurepip*|", ""))  # no venv module
    fake(checkout, "uv", UV)
    code, printed = make(checkout)
    assert code == 0, printed
    assert (checkout / "made").read_text().split() == ["uv-venv", "uv-install"]
    assert make(checkout) == (0, "")
    shutil.rmtree(checkout / ".venv")
    fake(checkout, "python3.13", working("3.13"))
    assert make(checkout, INSTALLER="pip")[0] == 0
    assert (checkout / "made").read_text().split()[2:] == ["venv"]


def test_uv_downloads_a_python_where_there_is_none(checkout):
    fake(checkout, "uv", UV)
    assert make(checkout)[0] == 3
    fake(checkout, "downloaded", working("3.12"))
    code, printed = make(checkout)
    assert code == 0 and "bin/downloaded (Python 3.12)" in printed


@pytest.mark.parametrize(("first", "other"), [("3.11", "modern"), ("3.12", "classic")])
def test_integration_tests_the_stack_that_is_found_and_a_part_of_the_other(checkout, first, other):
    fake(checkout, "make", MAKE)
    for version in ("3.10", "3.12"):
        fake(checkout, f"python{version}", working(version))
    fake(checkout, "named", working(first))
    named = str(checkout / "bin" / "named")
    code, printed = make(checkout, ".ci/run", PYTHON=named, STACK=other)
    assert code == 0, printed
    asked = (checkout / "asked").read_text().splitlines()
    assert asked == ["test", f"test-core STACK={other} PYTHON="]
    assert f"Making .venv with {named}" in printed and f"Making .venv-{other} with" in printed
    assert "not tested" not in printed


def test_integration_says_that_the_other_stack_has_no_python(checkout):
    fake(checkout, "make", MAKE)
    fake(checkout, "python3.11", working("3.11"))
    code, printed = make(checkout, ".ci/run")
    assert code == 0
    assert printed.endswith("The modern stack was not tested: there is no Python for it here.\n")
    assert (checkout / "asked").read_text().split() == ["test"]


def test_integration_says_that_the_other_stack_could_not_be_installed(checkout):
    fake(checkout, "make", MAKE)
    fake(checkout, "python3.11", working("3.11"))
    fake(checkout, "python3.12", working("3.12").replace("[ ! -e broken ]", "false"))
    code, printed = make(checkout, ".ci/run")
    assert code == 0 and "no such package" in printed
    assert printed.endswith("modern stack was not tested: its packages could not be installed.\n")


@pytest.mark.parametrize("target", ["test", "test-core"])
def test_integration_fails_where_a_test_of_either_stack_fails(checkout, target):
    fake(checkout, "make", MAKE)
    fake(checkout, "python3.11", working("3.11"))
    fake(checkout, "python3.12", working("3.12"))
    (checkout / f"{target} fails").touch()
    code, printed = make(checkout, ".ci/run")
    assert code != 0 and "not tested" not in printed
    assert (checkout / "asked").read_text().split("\n")[:1] == ["test"]


def test_integration_fails_where_the_first_stack_cannot_be_installed(checkout):
    fake(checkout, "make", MAKE.replace("environment.sh", "environment.sh || exit 2"))
    (checkout / "broken").touch()
    fake(checkout, "python3.11", working("3.11"))
    assert make(checkout, ".ci/run")[0] == 2
