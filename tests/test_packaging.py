"""setup.py, constraints.txt and the wheel agree with each other and with the folders."""

import importlib
import importlib.metadata
import os
import pathlib
import runpy
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHONS = ("3.9", "3.10", "3.11")


@pytest.fixture
def setup(monkeypatch):
    """The arguments that setup.py gives to setuptools.setup."""
    given = {}
    monkeypatch.setattr(setuptools, "setup", lambda **arguments: given.update(arguments))
    runpy.run_path(str(ROOT / "setup.py"))
    return given


def holds(requirement, python):
    """Whether a requirement's marker is true on Linux with a Python such as "3.11"."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    return requirement.marker is None or requirement.marker.evaluate(environment)


def pins(python):
    """{name: exact version} of the lines of constraints.txt that hold for a Python."""
    found = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        requirement = Requirement(line)
        assert requirement.url is None and not requirement.extras, line
        (specifier,) = requirement.specifier
        assert specifier.operator == "==" and "*" not in specifier.version, line
        if holds(requirement, python):
            name = canonicalize_name(requirement.name)
            assert name not in found, f"{name} is pinned twice for Python {python}"
            found[name] = specifier.version
    return found


def requirements(setup, python):
    extras = [line for lines in setup["extras_require"].values() for line in lines]
    listed = [Requirement(line) for line in [*setup["install_requires"], *extras]]
    return [requirement for requirement in listed if holds(requirement, python)]


def test_the_packages_are_the_folders_that_hold_code(setup):
    ignored = ("tests", "build", "dist", "runs", "results")
    folders = {
        path.parent.relative_to(ROOT)
        for path in ROOT.glob("[!.]*/**/*.py")
        if path.relative_to(ROOT).parts[0] not in ignored and "site-packages" not in path.parts
    }
    packages = {"largebatch", *(".".join(("largebatch", *folder.parts)) for folder in folders)}
    assert set(setup["packages"]) == packages
    assert set(setup["package_dir"]) == packages
    for package in packages:
        assert (ROOT / setup["package_dir"][package] / "__init__.py").is_file(), package


def test_every_console_program_can_be_called(setup):
    for line in setup["entry_points"]["console_scripts"]:
        program, target = line.split(" = ")
        module, function = target.split(":")
        assert callable(getattr(importlib.import_module(module), function)), program


@pytest.mark.parametrize("python", PYTHONS)
def test_the_constraints_satisfy_every_requirement(setup, python):
    exact = pins(python)
    for requirement in requirements(setup, python):
        version = exact.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not pinned for Python {python}"
        assert requirement.specifier.contains(version), f"{requirement}: pinned {version}"


def test_the_five_that_the_suite_is_built_on_are_the_same_for_every_python():
    for name in ("tensorflow", "tensorflow-addons", "tensorflow-text", "tf-models-official"):
        assert len({pins(python)[name] for python in PYTHONS}) == 1, name


@pytest.mark.skipif(
    pathlib.Path(sys.prefix) != ROOT / ".venv", reason="not the environment that make builds"
)
def test_everything_that_is_installed_is_pinned_to_its_version():
    exact = pins("{}.{}".format(*sys.version_info))
    # This folder alone: setuptools, once imported, puts its own vendored packages on sys.path.
    distributions = importlib.metadata.distributions(path=[sysconfig.get_path("purelib")])
    installed = {
        canonicalize_name(found.metadata["Name"]): found.version for found in distributions
    }
    installed.pop("largebatch", None)
    assert len(installed) > 50
    differ = {name: (version, exact.get(name)) for name, version in installed.items()}
    differ = {name: pair for name, pair in differ.items() if pair[0] != pair[1]}
    assert not differ, f"installed and pinned: {differ}"


def test_the_wheel_holds_nothing_beside_largebatch(setup, tmp_path):
    """Built offline from a copy, so that no build folder is left in the tree."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("setup.py", "pyproject.toml", "LICENSE", "README.md", "__init__.py"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    for room in [*setup["package_dir"].values(), "tests"]:
        if room != ".":
            shutil.copytree(ROOT / room, source / room, dirs_exist_ok=True)
    options = ["--no-build-isolation", "--no-deps", "--no-index", f"--wheel-dir={tmp_path}"]
    build = [sys.executable, "-m", "pip", "wheel", *options, str(source)]
    built = subprocess.run(build, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    code = {name for name in names if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in code} == {"largebatch"}
    assert not [name for name in names if "tests" in name.split("/")]
    for package, folder in setup["package_dir"].items():
        for module in (ROOT / folder).glob("*.py"):
            if module.name != "setup.py":
                assert f"{package.replace('.', '/')}/{module.name}" in code


def test_continuous_integration_can_be_executed():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
