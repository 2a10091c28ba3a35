"""The map of the suite, held by reading its source: who may import whom, and the house rules."""

import ast
import functools
import importlib
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOUNDATIONS = {"optimizers", "models", "data", "tpu"}
# Room -> the other rooms that it may import.
MAY_IMPORT = {
    **{room: set() for room in FOUNDATIONS},
    "experiments": FOUNDATIONS,
    "benchmarks": FOUNDATIONS | {"experiments"},
}
MODULES = sorted(path for room in MAY_IMPORT for path in (ROOT / room).rglob("*.py"))
SOURCES = [*MODULES, *sorted(ROOT.glob("*.py")), *sorted((ROOT / "tests").rglob("*.py"))]
MAX_LINES = 350
DATA_PROGRAMS = (
    *("create_pretraining_data", "build_vocabulary", "prepare_prose", "count_records"),
    "text.docstrings",
)


@functools.cache  # every test reads all files
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@functools.cache
def imports_of(path):
    """[(line, dotted name)] of every import in a file, also those inside functions.

    `from a import b` gives a.b: b may be a module.
    """
    found = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return found


def place(path, line):
    return f"{path.relative_to(ROOT)}:{line}"


def imported(path, package):
    """The places where a file imports a package or something in it."""
    return [
        place(path, line)
        for line, name in imports_of(path)
        if name == package or name.startswith(f"{package}.")
    ]


def has_main(path):
    return any(
        isinstance(node, ast.If) and "__main__" in ast.dump(node.test)
        for node in tree_of(path).body
    )


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_the_rooms_it_may_know(room):
    strangers = set(MAY_IMPORT) - MAY_IMPORT[room] - {room}
    found = [
        f"{where} imports {stranger}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for stranger in sorted(strangers)
        for where in imported(path, f"largebatch.{stranger}")
    ]
    assert not found, found


def test_every_import_of_our_own_is_absolute_and_through_largebatch():
    found = [
        f"{place(path, line)} imports {name}"
        for path in SOURCES
        for line, name in imports_of(path)
        if name.startswith(".") or name.split(".")[0] in MAY_IMPORT
    ]
    assert not found, found


def test_tensorflow_addons_stays_behind_one_module():
    users = {path for path in MODULES if imported(path, "tensorflow_addons")}
    assert len(users) <= 1, users


# Private names of TensorFlow, Keras, orbit and JAX: one module a room; they give the reasons.
INTERNALS = {
    "optimizers/keras_internals.py",
    "models/keras_internals.py",
    "tpu/hosts/tensorflow_internals.py",
    "data/images/tfds_builder.py",  # TensorFlow Datasets': whether it asks Google Cloud Storage
    # Run by the Pythons of other environments, which have JAX and not the suite.
    "tpu/lowering/portable_client.py",
    "experiments/compile/compile_client.py",
}
# Subclasses of Keras' optimizers and layers, which override and inherit private names.
SUBCLASSES = {
    *(f"optimizers/{name}.py" for name in ("addons", "base", "keras_baselines", "skip_nonfinite")),
    "models/grouped_norm.py",
}
PRIVATE_MODULES = re.compile(r"(tensorflow\.python|(tf_)?keras\.src|jax\._src|jaxlib)(\.|$)")
PUBLIC_WITH_UNDERSCORE = {"_replace", "_asdict", "_fields", "_make", "_exit"}


def own_private_names():
    """What the suite itself defines: functions, classes, constants, attributes of self."""
    found = set()
    for node in (node for path in MODULES for node in ast.walk(tree_of(path))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                found.add(node.attr)
    return found


def foreign_private_names(path, own):
    """(line, name) of each private name of another package that a file uses."""
    for line, name in imports_of(path):
        if PRIVATE_MODULES.match(name):
            yield line, name
    for node in ast.walk(tree_of(path)):
        name = ""
        if isinstance(node, ast.Attribute):
            name = node.attr
        elif isinstance(node, ast.Call) and "setattr" in ast.dump(node.func):
            name = getattr(node.args[1], "value", "")
        dunder = name.startswith("__") and name != "__internal__"
        if str(name).startswith("_") and not dunder and name not in own | PUBLIC_WITH_UNDERSCORE:
            yield node.lineno, name


def test_private_names_of_other_packages_stay_behind_one_module_a_room():
    own, found = own_private_names(), {}
    for path in MODULES:
        for line, name in foreign_private_names(path, own):
            found.setdefault(str(path.relative_to(ROOT)), []).append(f"{path}:{line} uses {name}")
    strangers = [use for file in found.keys() - INTERNALS - SUBCLASSES for use in found[file]]
    assert not strangers, "\n".join(strangers)
    assert INTERNALS | SUBCLASSES == set(found), "a module that needs none any more"


def test_flags_are_defined_and_read_by_programs_only():
    """Libraries take arguments: `FLAGS.name` stands only in a module that has a main.

    Below `experiments`, where no flags are shared by programs, so does the import of what defines
    them.
    """
    found = []
    for path in MODULES:
        if has_main(path):
            continue
        if path.relative_to(ROOT).parts[0] in FOUNDATIONS:
            for package in ("absl.flags", "absl.app", "largebatch.cli"):
                found += [f"{where} imports {package}" for where in imported(path, package)]
        found += [
            f"{place(path, node.lineno)} reads a flag"
            for node in ast.walk(tree_of(path))
            if isinstance(node, (ast.Attribute, ast.Subscript))
            and isinstance(node.value, ast.Name)
            and node.value.id == "FLAGS"
        ]
    assert not found, found


def test_no_module_is_named_after_nothing():
    vague = {"util", "utils", "helper", "helpers", "common", "misc"}
    found = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if vague
        & {word for part in path.relative_to(ROOT).parts for word in re.split(r"\W|_", part)}
    ]
    assert not found, found


def test_no_file_has_outgrown_its_one_idea():
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in SOURCES}
    long = {str(path): lines for path, lines in lengths.items() if lines > MAX_LINES}
    assert not long, f"more than {MAX_LINES} lines: {long}"


def test_no_line_is_let_off_its_length():
    mark = "noqa: " + "E501"
    assert not [path for path in SOURCES if mark in path.read_text(encoding="utf-8")]


def test_no_file_names_a_folder_of_the_machine_it_was_written_on():
    local = re.compile(r"(?<![\w.~})])/(?:home|root|Users|work|workspace|mnt)/\w")
    documents = [ROOT / name for name in ("Makefile", "environment.sh", "README.md", ".ci/run")]
    found = [
        place(path, number)
        for path in [*SOURCES, *documents]
        if path.exists()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if local.search(line)
    ]
    assert not found, found


def test_the_tests_mirror_the_rooms():
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("*.py")}
    # A room inside a room has its tests in a folder of its name. faults/ is about whole runs, in
    # processes that are killed.
    rooms = {folder for folder in folders if folder.parts[:1] and (ROOT / folder).is_dir()}
    rooms = {folder for folder in rooms if folder.parts[0] in MAY_IMPORT}
    strangers = {str(folder) for folder in folders - rooms if folder.parts} - {"faults"}
    assert not strangers, strangers


def test_rooms_and_programs_import_without_tensorflow():
    """`--help` and `--list` answer at once: TensorFlow is imported where a run starts."""
    names = [f"largebatch.{room}" for room in sorted(MAY_IMPORT)]
    names += [f"largebatch.experiments.{program}" for program in ("run", "sweep", "report")]
    names += ["largebatch.experiments.claims.__main__", "largebatch.experiments.claims.words"]
    names += [f"largebatch.data.{program}" for program in DATA_PROGRAMS]
    names += ["largebatch.tpu.pod.__main__", "largebatch.experiments.compile.__main__"]
    program = (
        "import importlib, sys\n"
        f"for name in {names}:\n"
        "    importlib.import_module(name)\n"
        "    heavy = {'tensorflow', 'tensorflow_addons', 'official', 'orbit'} & set(sys.modules)\n"
        "    assert not heavy, f'{name} imports {sorted(heavy)}'\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("room", sorted(FOUNDATIONS))
def test_every_name_that_a_room_offers_is_there(room):
    package = importlib.import_module(f"largebatch.{room}")
    assert package.__all__
    assert set(package.__all__) <= set(dir(package))
    missing = [name for name in package.__all__ if getattr(package, name, None) is None]
    assert not missing, missing
    with pytest.raises(AttributeError, match="no_such_name"):
        package.no_such_name  # noqa: B018
