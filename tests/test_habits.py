"""What stands beside the code: one version, the same linters everywhere, CI for each Python."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import largebatch

ROOT = Path(__file__).resolve().parents[1]
SETUP = (ROOT / "setup.py").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TEMPLATES = ROOT / ".github" / "ISSUE_TEMPLATE"


def loaded(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_citation_is_of_this_version_and_names_the_paper():
    citation = loaded("CITATION.cff")
    assert (citation["cff-version"], citation["type"]) == ("1.2.0", "software")
    assert citation["version"] == largebatch.__version__
    assert citation["license"] == "Apache-2.0"
    assert citation["authors"] == [{"name": "largebatch contributors"}]
    (paper,) = citation["references"]
    assert paper["url"] in (ROOT / "README.md").read_text(encoding="utf-8")
    assert [paper["authors"][n]["family-names"] for n in (0, -1)] == ["You", "Hsieh"]


def test_the_changelog_begins_with_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", changelog, re.MULTILINE)[0] == largebatch.__version__


def test_the_version_stands_in_one_place_that_programs_read():
    stated = [
        path
        for path in [*ROOT.glob("*.py"), *ROOT.glob("*.toml"), *ROOT.glob("*.cfg")]
        if re.search(r"^(__version__|version) *=", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert stated == [ROOT / "__init__.py"]


def test_the_hooks_before_a_commit_are_the_linters_of_make_at_their_versions():
    pinned = dict(re.findall(r'"(ruff|codespell)==([\d.]+)"', SETUP))
    hooks = {}
    for repository in loaded(".pre-commit-config.yaml")["repos"]:
        for hook in repository["hooks"]:
            hooks[hook["id"]] = repository["rev"].removeprefix("v")
    assert hooks == {
        **{hook: pinned["ruff"] for hook in ("ruff-check", "ruff-format")},
        "codespell": pinned["codespell"],
    }
    for command in ("ruff check .", "ruff format --check .", "codespell_lib"):
        assert f"\t$(python) -m {command}\n" in MAKEFILE


def test_continuous_integration_runs_ci_run_on_each_python_of_each_stack():
    jobs = loaded(".github/workflows/ci.yml")["jobs"]
    tests = jobs["tests"]
    runs = [(run["stack"], run["python"]) for run in tests["strategy"]["matrix"]["include"]]
    described = re.findall(r'"Programming Language :: Python :: 3"|range\((\d+), (\d+)\)', SETUP)
    first, end = next(map(int, pair) for pair in described if all(pair))
    assert [python for _, python in runs] == [f"3.{minor}" for minor in range(first, end)]
    for stack, python in runs:
        assert stack == ("classic" if int(python[2:]) < 12 else "modern")
    assert [step["run"] for step in tests["steps"] if "run" in step] == [".ci/run"]
    assert "make docs" in [step.get("run") for step in jobs["docs"]["steps"]]


@pytest.mark.parametrize(
    "name", sorted(p.name for p in (ROOT / ".github/ISSUE_TEMPLATE").iterdir())
)
def test_an_issue_template_is_a_form_that_asks_for_something(name):
    form = loaded(f".github/ISSUE_TEMPLATE/{name}")
    if name == "config.yml":
        assert form == {"blank_issues_enabled": True}
        return
    assert form["name"] and form["description"]
    fields = {field["id"]: field for field in form["body"]}
    assert any(field.get("validations", {}).get("required") for field in fields.values())


def test_the_environment_of_the_site_has_the_packages_of_its_extra():
    (extra,) = re.findall(r"^DOCS_REQUIRES = \[(.*?)^\]", SETUP, re.DOTALL | re.MULTILINE)
    names = re.findall(r'"([\w-]+)[<>=]', extra)
    assert f"-c constraints.txt {' '.join(names)};" in MAKEFILE


def test_no_word_is_misspelt():
    asked = subprocess.run([sys.executable, "-c", "import codespell_lib"], capture_output=True)
    if asked.returncode:
        pytest.skip("codespell is not installed: it is in the extra `test`")
    command = [sys.executable, "-m", "codespell_lib"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
