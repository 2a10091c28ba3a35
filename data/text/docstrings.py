"""Collects real English from Python packages: how the corpus of `data.corpus` was made.

    python -m largebatch.data.text.docstrings --output=data/text/docstrings.txt.gz

Python's language reference (`pydoc_data.topics`) and the docstrings of packages that this suite
depends on, read from their source files without importing them. One sentence a line, a blank line
after each document; a document is a topic, or all docstrings of a source file. Code, tables and
formulas are left out, and a sentence is there once only, so that text which is held out is not in
the rest. The same Python and packages give the same bytes; others give another corpus.
"""

from __future__ import annotations

import ast
import contextlib
import gzip
import hashlib
import importlib.metadata
import importlib.util
import inspect
import os
import platform
import re
import warnings
from collections.abc import Iterator
from typing import Any

from largebatch import cli
from largebatch.data.files import storage
from largebatch.data.text import text_documents

# Package, and the folders of it that are read (all: None); tests are left out everywhere.
PACKAGES = (
    ("numpy", None),
    ("scipy", None),
    ("sklearn", None),
    ("matplotlib", None),
    ("keras", None),
    ("tensorflow", ("python/data", "python/distribute", "python/eager", "python/framework",
                    "python/ops", "python/training", "python/util")),
    ("tensorflow_addons", None),
    ("tensorflow_datasets", ("core",)),
    ("official", None),
)  # fmt: skip

_DISTRIBUTIONS = {"sklearn": "scikit-learn", "official": "tf-models-official"}
_LEFT_OUT = frozenset(("tests", "test", "testing", "_examples", "api", "_api", "node_modules"))
_FENCE = re.compile(r"^\s*(```|~~~)")
_DOCTEST = re.compile(r"^\s*(>>>|\.\.\. |\.\. |\.\.\.$|:\w+[^:]*:|[-=~^*#+|]{3,}|@)")
_ARGUMENT = re.compile(r"^\s*(?:[-*•]\s+|\d+\.\s+)?[`*]*\w[\w.,*` ]*?(?:\([^()]*\))?( ?):\s")
_PROSE = re.compile(r"[A-Z][^<>{}\[\]|=_\\@#$~^]*[.!?][\"')]*")
_WORDS = 5  # of a sentence, at least


FLAGS = cli.new_flags()
cli.Define(FLAGS).output_file("output", None, "The file to write, compressed.")


def collect() -> bytes:
    """The corpus of what is installed here, UTF-8."""
    seen: set = set()
    documents = []
    for texts in _documents():
        sentences = []
        for sentence in (sentence for text in texts for sentence in prose(text)):
            if sentence not in seen:
                seen.add(sentence)
                sentences.append(sentence)
        if len(sentences) > 1:
            documents.append("\n".join(sentences) + "\n")
    return "\n".join(documents).encode()


def sources() -> list[str]:
    """What decides what is collected: Python's version and those of the packages that are there."""
    found = [f"python {platform.python_version()}"]
    for package, _ in PACKAGES:
        if importlib.util.find_spec(package) is None:
            continue
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            name = _DISTRIBUTIONS.get(package, package)
            found.append(f"{package} {importlib.metadata.version(name)}")
    return found


def _documents() -> Iterator[list[str]]:
    topics = importlib.util.find_spec("pydoc_data.topics").origin
    for text in _topics(topics):
        yield [text]
    for package, folders in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None:
            continue
        (root, *_) = spec.submodule_search_locations
        for file in _sources(root, folders):
            yield _docstrings(file)


def _sources(root: str, folders: tuple | None) -> Iterator[str]:
    for folder in (root,) if folders is None else [os.path.join(root, name) for name in folders]:
        for path, below, files in os.walk(folder):
            below[:] = sorted(name for name in below if name not in _LEFT_OUT)
            for name in sorted(files):
                if name.endswith(".py") and not re.search(r"(^test_|_test\.py$)", name):
                    yield os.path.join(path, name)


def _tree(file: str) -> ast.Module | None:
    with open(file, "rb") as source:
        content = source.read()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of others' escape sequences
            return ast.parse(content)
    except (SyntaxError, ValueError):
        return None  # a template, or another Python's syntax


def _topics(file: str) -> Iterator[str]:
    """The values of the module's one dictionary, in order."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Dict):
            for value in node.values:
                yield ast.literal_eval(value)
            return


def _docstrings(file: str) -> list[str]:
    tree = _tree(file)
    if tree is None:
        return []
    return [text for text in map(ast.get_docstring, _documented(tree)) if text]


def _documented(node: ast.AST) -> Iterator[Any]:
    """The module, classes and functions, as they stand in the source; expressions, which have most
    of a tree's nodes and no docstrings, are not looked into."""
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        yield node
    for block in ("body", "orelse", "handlers", "finalbody"):
        below = getattr(node, block, ())
        for statement in below if isinstance(below, list) else ():
            yield from _documented(statement)


def prose(text: str) -> list[str]:
    """The sentences of a docstring: no code, no tables, no lists of types."""
    paragraphs, lines, fenced = [], [], False

    def end_paragraph():
        if lines:
            paragraphs.append(" ".join(lines))
            lines.clear()

    for line in inspect.cleandoc(text).split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
            end_paragraph()
        elif fenced or _DOCTEST.match(line) or not line.strip():
            end_paragraph()
        else:
            argument = _ARGUMENT.match(line)
            if argument:  # `name: what it is`, or `name : its type`
                end_paragraph()
                line = "" if argument.group(1) else line[argument.end() :]
            lines.append(" ".join(line.split()))
    end_paragraph()
    return [
        sentence
        for paragraph in paragraphs
        for sentence in text_documents.sentences(re.sub(r"[`*]+|::?\w+:", "", paragraph), "free")
        if _PROSE.fullmatch(sentence) and len(sentence.split()) >= _WORDS
    ]


def main() -> int:
    cli.require(FLAGS, "output")
    content = collect()
    storage.write_bytes(FLAGS.output, gzip.compress(content, mtime=0))
    print(f"{len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}, from:")
    print("\n".join(sources()))
    return 0


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
