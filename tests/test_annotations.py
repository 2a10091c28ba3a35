"""Every public function says what it takes and gives; `make types` checks that it is true."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ("optimizers", "models", "data", "tpu", "experiments")
FILES = {
    "root": [path for path in sorted(ROOT.glob("*.py")) if path.name != "setup.py"],
    **{room: sorted((ROOT / room).rglob("*.py")) for room in ROOMS},
}
CALLED_BY_USERS = ("__init__", "__call__")


def public_functions(node, method=False):
    """Yields (function, whether it is a method) of a module's public functions and classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            if not child.name.startswith("_"):
                yield from public_functions(child, method=True)
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if not child.name.startswith("_") or child.name in CALLED_BY_USERS:
                yield child, method
        elif isinstance(child, (ast.If, ast.Try, ast.With)):
            yield from public_functions(child, method)


def unsaid(function, method):
    """The names of the parameters that have no annotation, and "return"."""
    arguments = function.args
    taken = [*arguments.posonlyargs, *arguments.args]
    static = any(getattr(d, "id", None) == "staticmethod" for d in function.decorator_list)
    taken = taken[1:] if method and not static else taken
    taken += [*arguments.kwonlyargs, *filter(None, (arguments.vararg, arguments.kwarg))]
    missing = [argument.arg for argument in taken if argument.annotation is None]
    # With one annotated parameter a constructor is known to give None.
    given = function.returns is not None or (function.name == "__init__" and taken)
    return missing if given else [*missing, "return"]


@pytest.mark.parametrize("room", FILES)
def test_every_public_function_is_annotated(room):
    found = [
        f"{path.relative_to(ROOT)}:{function.lineno}: {function.name} lacks {', '.join(missing)}"
        for path in FILES[room]
        for function, method in public_functions(ast.parse(path.read_text(encoding="utf-8")))
        if (missing := unsaid(function, method))
    ]
    assert not found, "\n".join(found)


def test_a_function_without_annotations_is_found():
    source = """
class Public:
    def __init__(self, a, *b: int, c: int = 0, **d): ...
    def said(self, a: int) -> int: ...
    @staticmethod
    def static(a): ...
    def _private(self, a): ...
class _Private:
    def method(self, a): ...
def returns_unsaid(): ...
"""
    found = {f.name: unsaid(f, method) for f, method in public_functions(ast.parse(source))}
    assert found == {
        "__init__": ["a", "d"],
        "said": [],
        "static": ["a", "return"],
        "returns_unsaid": ["return"],
    }
