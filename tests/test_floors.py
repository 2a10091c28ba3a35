"""The floors inside the rooms (docs/architecture.md): a room uses what stands below it alone.

Read from the source: imports, those inside functions, too, and names of modules in strings, such as
those of programs that are started with `-m`.
"""

import ast
import functools
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# room: (its floor, the rooms below that it may use). Within one floor nobody knows the other.
FLOORS = {
    "experiments": {
        "program": (1, ""),
        "plots": (1, ""),
        "rows": (2, "program"),
        "recipes": (3, "rows"),
        "tasks": (3, "program rows"),
        "tables": (4, "program rows recipes"),
        "records": (5, "program rows tables"),
        "costs": (5, "program rows tables"),
        "compile": (5, "program rows tables tasks"),
        "launching": (6, "program rows tables tasks records costs"),
        "sweeping": (6, "program rows tables records"),
        "claims": (6, "program rows tables records"),
        "reporting.model": (7, "program rows tables records claims"),
        "analyses": (7, "program plots rows tables tasks records launching claims"),
        "tools": (7, "program rows tables tasks records"),
        "export_program": (7, "program rows tables tasks records costs launching"),
        "reporting.figures": (8, "program plots rows tables records costs claims reporting.model"),
        "documents": (
            9,
            "program plots rows tables records costs compile claims reporting.model "
            "reporting.figures analyses",
        ),
        "reporting.pages": (
            9,
            "program plots rows tables records claims reporting.model reporting.figures",
        ),
        "": (10, "*"),  # run, sweep, report
    },
    "data": {
        "files": (1, ""),
        "streams": (1, ""),
        "text": (2, "files"),
        "images": (2, "files streams"),
        "pretraining.read": (2, "files streams"),
        "squad": (3, "files streams text"),
        "imagenet": (3, "files streams images"),
        "pretraining.make": (3, "files text pretraining.read"),
        "": (4, "*"),  # the programs
    },
    "tpu": {
        "hosts": (1, ""),
        "folder": (1, ""),
        "pod": (1, ""),
        "loop": (2, "hosts folder"),
        "lowering": (3, "hosts loop"),
        "": (4, "*"),
    },
    **{room: {"": (1, "")} for room in ("optimizers", "models")},
}
NAME = re.compile(r"largebatch((?:\.\w+)+)")


def modules():
    """{dotted name below largebatch: file} of every module of the rooms."""
    found = {}
    for top in FLOORS:
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room_of(name):
    """'experiments.reporting.model.cells' -> ('experiments', 'reporting.model')."""
    top, *rest = name.split(".")
    inner = ".".join(rest)
    rooms = [room for room in FLOORS[top] if room and f"{inner}.".startswith(f"{room}.")]
    return top, max(rooms, key=len, default="")


@functools.cache
def uses(name):
    """[(line, module)]: what a module imports, or names in a string, of the suite's own."""
    found = []
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # Prose may name a program (a docstring, "python -m ..."); a bare name is used.
            names = [node.value] if re.fullmatch(r"largebatch(\.\w+)+", node.value) else []
        for dotted in names:
            module = dotted.removeprefix("largebatch.") if dotted.startswith("largebatch.") else ""
            while module and module not in MODULES:
                module = module.rpartition(".")[0]
            if module and module != name:
                found.append((node.lineno, module))
    return found


def edges():
    for name, path in MODULES.items():
        for line, used in uses(name):
            yield name, used, f"{path.relative_to(ROOT)}:{line} uses {used}"


@pytest.mark.parametrize("top", FLOORS)
def test_what_a_room_may_use_stands_on_a_lower_floor(top):
    for room, (floor, below) in FLOORS[top].items():
        for name in below.split() if below != "*" else ():
            assert FLOORS[top][name][0] < floor, f"{room} may use {name}, which is not below it"


def test_every_folder_has_a_floor():
    strangers = [
        name
        for name, path in MODULES.items()
        if path.name == "__init__.py" and "." in name and room_of(name)[1] != name.partition(".")[2]
    ]
    parents = {"experiments.reporting", "data.pretraining"}  # rooms of rooms
    assert not set(strangers) - parents, strangers


def test_three_programs_lie_at_the_top_of_experiments():
    assert {path.name for path in (ROOT / "experiments").glob("*.py")} == {
        *("__init__.py", "run.py", "sweep.py", "report.py")
    }


def test_nobody_uses_what_does_not_stand_below():
    back = []
    for name, used, place in edges():
        (top, room), (other_top, other) = room_of(name), room_of(used)
        if top != other_top or room == other:
            continue  # between the tops: test_architecture
        below = FLOORS[top][room][1]
        if below != "*" and other not in below.split():
            back.append(place)
    assert not back, "\n".join(["back edges:", *back])


def test_the_foundations_know_nobody():
    known = [
        place
        for name, used, place in edges()
        if room_of(name)[0] != "experiments" and room_of(used)[0] != room_of(name)[0]
    ]
    assert not known, "\n".join(known)


def test_no_module_needs_itself():
    """No cycle of modules, deferred imports counted: each can be read after what it uses."""
    graph = defaultdict(set)
    for name, used, _ in edges():
        graph[name].add(used)
    state = {}

    def visit(name, path):
        state[name] = "open"
        for used in sorted(graph[name]):
            if state.get(used) == "open":
                cycle = [*path[path.index(used) :], used]
                pytest.fail("a cycle: " + " -> ".join(cycle))
            if used not in state:
                visit(used, [*path, used])
        state[name] = "done"

    for name in sorted(MODULES):
        if name not in state:
            visit(name, [name])
