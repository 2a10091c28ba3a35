"""setup.py, constraints.txt and the wheel agree with each other and with the folders."""

import email
import functools
import importlib
import importlib.metadata
import os
import pathlib
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections import namedtuple

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import largebatch
from largebatch.experiments.compile import compiled_step
from largebatch.tpu.lowering import conversion

ROOT = pathlib.Path(__file__).resolve().parent.parent
STACKS = {"classic": ("3.9", "3.10", "3.11"), "modern": ("3.12", "3.13")}
PYTHONS = tuple(python for pythons in STACKS.values() for python in pythons)


@pytest.fixture(scope="module")
def setup():
    """The arguments that setup.py gives to setuptools.setup."""
    given = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, "setup", lambda **arguments: given.update(arguments))
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


@functools.cache
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
    ignored = ("tests", "docs", "build", "dist", "runs", "results")
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


def test_a_stack_is_built_on_the_same_versions_for_each_of_its_pythons():
    built_on = ("tensorflow", "tf-keras", "tensorflow-text", "tf-models-official")
    for stack, pythons in STACKS.items():
        for name in (*built_on, *(("tensorflow-addons",) if stack == "classic" else ())):
            assert len({pins(python)[name] for python in pythons}) == 1, name
    assert pins("3.11")["tensorflow"] == "2.15.1" and pins("3.12")["tensorflow"] == "2.20.0"
    assert not [python for python in STACKS["modern"] if "tensorflow-addons" in pins(python)]
    # A TPU's build is of the same release: see `stack.TPU`.
    assert pins("3.12")["tensorflow"] == largebatch.stack.TPU.tensorflow


@pytest.mark.parametrize("python", PYTHONS)
def test_the_gpu_extra_brings_cuda_for_the_stack_s_tensorflow(setup, python):
    (requirement,) = [
        requirement
        for requirement in map(Requirement, setup["extras_require"]["gpu"])
        if holds(requirement, python)
    ]
    assert requirement.extras == {"and-cuda"}
    exact = pins(python)
    cudnn = "8" if python in STACKS["classic"] else "9"
    assert exact["nvidia-cudnn-cu12"].split(".")[0] == cudnn
    assert requirement.specifier.contains(exact["tensorflow"])


@pytest.mark.skipif(
    pathlib.Path(sys.prefix).resolve().parent != ROOT,
    reason="not the environment that make builds",
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


TREE = ("setup.py", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.md", "CONTRIBUTING.md",
        "CHANGELOG.md", "CITATION.cff", "mkdocs.yml", ".codespellrc", ".github", "__init__.py",
        "cli.py", "stack.py", "programs.py", "checkout.py", "interrupts.py", "streams.py",
        "workers.py", "worker_signals.py", "flag_kinds.py", "py.typed", "constraints.txt",
        "environment.sh", "Makefile", "tests", ".ci", "docs")  # fmt: skip


@pytest.fixture(scope="module")
def distributions(setup, tmp_path_factory):
    """(the source distribution, the wheel that is built from it), offline and from a copy."""
    folder = tmp_path_factory.mktemp("distributions")
    source, sdist, wheels = (folder / name for name in ("source", "sdist", "wheels"))
    source.mkdir()
    runs = shutil.ignore_patterns("__pycache__")
    rooms = {folder.split("/")[0] for folder in setup["package_dir"].values()} - {"."}
    for path in map(ROOT.joinpath, (*TREE, *rooms)):
        if path.is_dir():
            shutil.copytree(path, source / path.name, ignore=runs)
        else:
            shutil.copy(path, source)
    build = f"from setuptools.build_meta import build_sdist; build_sdist({str(sdist)!r})"
    call([sys.executable, "-c", build], source)
    (packed,) = sdist.glob("*.tar.gz")
    options = ["--no-build-isolation", "--no-deps", "--no-index", f"--wheel-dir={wheels}"]
    call([sys.executable, "-m", "pip", "wheel", *options, str(packed)], folder)
    (wheel,) = wheels.glob("*.whl")
    return packed, wheel


def call(command, folder):
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def installed(distributions, tmp_path_factory):
    """Runs Python with the wheel's code, in a folder that has nothing to do with the suite."""
    site, elsewhere = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("elsewhere")
    zipfile.ZipFile(distributions[1]).extractall(site)

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(site)}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=elsewhere,
            env=environment,
            capture_output=True,
            text=True,
        )

    assert run("-c", "import largebatch; print(largebatch.__file__)").stdout.startswith(str(site))
    return run


def test_the_wheel_holds_largebatch_and_nothing_beside(setup, distributions):
    names = zipfile.ZipFile(distributions[1]).namelist()
    code = {name for name in names if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in code} == {"largebatch"}
    assert not [name for name in names if "tests" in name.split("/")]
    assert "largebatch/setup.py" not in code
    wanted = {
        f"{package.replace('.', '/')}/{module.name}"
        for package, folder in setup["package_dir"].items()
        for module in (ROOT / folder).glob("*.py")
    }
    data = {"py.typed", "data/text/docstrings.txt.gz", "data/text/docstrings.NOTICE.txt"}
    assert code == (wanted | {f"largebatch/{name}" for name in data}) - {"largebatch/setup.py"}


def test_the_wheel_s_metadata_has_readme_licence_and_pythons(distributions):
    wheel = zipfile.ZipFile(distributions[1])
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = email.message_from_bytes(wheel.read(name))
    assert metadata["Version"] == largebatch.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Author"] == "largebatch contributors"
    assert metadata.get_all("Project-URL") is None and metadata["Home-page"] is None
    assert f"{name.rpartition('/')[0]}/licenses/LICENSE" in wheel.namelist()
    assert metadata["Description-Content-Type"] == "text/markdown"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.strip() in wheel.read(name).decode()
    classifiers = metadata.get_all("Classifier")
    for python in PYTHONS:
        assert f"Programming Language :: Python :: {python}" in classifiers
        assert SpecifierSet(metadata["Requires-Python"]).contains(f"{python}.1")
    assert not SpecifierSet(metadata["Requires-Python"]).contains("3.14")


def test_the_source_distribution_has_what_make_needs(distributions):
    names = {name.partition("/")[2] for name in tarfile.open(distributions[0]).getnames()}
    wanted = ("constraints.txt", "environment.sh", "Makefile", ".ci/run", "tests/conftest.py",
              "CONTRIBUTING.md", "CITATION.cff", "mkdocs.yml", ".github/workflows/ci.yml",
              "tests/test_packaging.py", "docs/install.md",
              "data/text/docstrings.txt.gz")  # fmt: skip
    assert set(wanted) <= names
    tests = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.py")}
    assert tests <= names
    assert not [name for name in names if "__pycache__" in name]


def test_the_programs_around_a_checkout_work_from_a_wheel(installed):
    ended = installed("-m", "largebatch.tpu.pod", "--action=setup", "--accelerator=v6e-8")
    assert ended.returncode == 2 and "is no checkout of the suite" in ended.stderr
    at = ("--repository=https://example.com/a", "--commit=v1", "--stack=modern")
    ended = installed("-m", "largebatch.tpu.pod", "--action=setup", "--accelerator=v6e-8", *at)
    assert ended.returncode == 0 and "git clone" in ended.stdout
    row = ("--experiment=table1/lamb-32768", "--topology=v3:2x2")
    ended = installed("-m", "largebatch.experiments.compile", *row)
    assert ended.returncode == 2 and "-m venv .venv-tpu && " in ended.stderr
    ended = installed("-m", "largebatch.experiments.compile_table")
    assert ended.returncode == 2 and "holds no report" in ended.stderr
    ended = installed(
        "-m", "largebatch.experiments.compile_table", f"--reports={ROOT}/results/tpu_compile"
    )
    assert ended.returncode == 0 and "| BERT-Large, sequences of 128" in ended.stdout


# What is imported of each requirement of the suite, but TensorFlow and what TensorFlow brings.
BEYOND_TENSORFLOW = {
    **{"tensorflow-addons": "tensorflow_addons", "tf-models-official": "official orbit"},
    **{"tensorflow-text": "tensorflow_text", "tensorflow-datasets": "tensorflow_datasets"},
    **{"tensorflow-hub": "tensorflow_hub", "tensorflow-metadata": "tensorflow_metadata"},
    **{"tensorflow-model-optimization": "tensorflow_model_optimization", "kaggle": "kaggle"},
    **{"matplotlib": "matplotlib", "rich": "rich", "scikit-learn": "sklearn scipy"},
    **{"importlib-resources": "importlib_resources", "opencv-python-headless": "cv2"},
    **{"typeguard": "typeguard", "backports-strenum": "backports"},
    "google-crc32c": "google_crc32c",
}
TENSORFLOW_BRINGS = {"tensorflow", "tf-keras", "absl-py", "numpy", "protobuf", "setuptools"}
USES_LAMB = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
sys.meta_path.insert(0, Blocked())
from largebatch.optimizers import LAMB
import tensorflow as tf
model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
model.compile(LAMB(0.01, weight_decay=0.01, jit_compile=False), "mse", run_eagerly=True)
model.fit(tf.ones((4, 3)), tf.ones((4, 1)), verbose=0)
assert int(model.optimizer.iterations) == 1
"""


def test_lamb_needs_tensorflow_and_nothing_else_of_what_the_suite_requires(setup, installed):
    names = {canonicalize_name(Requirement(line).name) for line in setup["install_requires"]}
    assert names == set(BEYOND_TENSORFLOW) | TENSORFLOW_BRINGS
    blocked = {package for found in BEYOND_TENSORFLOW.values() for package in found.split()}
    ended = installed("-c", f"BLOCKED = {blocked}\n{USES_LAMB}")
    assert ended.returncode == 0, ended.stderr


def test_the_makefile_s_other_environments_have_the_packages_that_a_wheel_s_user_is_told():
    makefile = (ROOT / "Makefile").read_text()
    for packages in (compiled_step.PACKAGES, conversion.PACKAGES):
        assert " ".join(f"'{package}'" for package in packages) in makefile


def test_the_part_of_the_tests_for_the_other_stack_is_there():
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    (core,) = re.findall(r"^core := (.*)$", makefile, re.MULTILINE)
    assert [path for path in core.split() if not (ROOT / path).exists()] == []


def test_of_a_test_s_cases_every_nth_is_kept_and_at_least_one(thin):
    Case = namedtuple("Case", "path originalname name")
    items = [
        Case("test_file.py", test, f"{test}[{number}]")
        for test, count in (("few", 2), ("many", 9))
        for number in range(count)
    ]
    assert thin(items, 1) == items
    for n in (2, 3, 4, 20):
        kept = thin(items, n)
        few, many = ([i.name for i in kept if i.originalname == test] for test in ("few", "many"))
        assert len(few) == 1 and abs(len(many) - 9 / n) < 1
        numbers = [int(name[5:-1]) for name in many]
        assert numbers[0] < n and {b - a for a, b in zip(numbers, numbers[1:])} <= {n}


def test_continuous_integration_can_be_executed():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
