"""Writes the map of the paper: each section, formula, table and figure, and where it is here.

    python -m largebatch.experiments.paper_map                              # prints it
    python -m largebatch.experiments.paper_map --output=docs/paper_map.md   # writes it

The second part tells how ambiguous formulas were read. A test holds that docs/paper_map.md is what
this prints.
"""

from __future__ import annotations

import ast
import functools
import os
from collections.abc import Sequence
from typing import Any

from largebatch import cli
from largebatch.checkout import PACKAGE
from largebatch.experiments.documents import paper_contents
from largebatch.experiments.documents.paper_contents import Place
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.program.text_table import Sheet, piped
from largebatch.experiments.tables import registry

COMMAND = "python -m largebatch.experiments.paper_map --output=docs/paper_map.md"


def as_markdown() -> str:
    parts = [
        "# A map of the paper",
        f"Made by `{COMMAND}`; a test keeps it current. Paths are from the repository's root, each "
        "with the name to look for in the file.",
        "## Sections",
        _places("section", paper_contents.SECTIONS),
        "## Equations, algorithms, theorems",
        _places("", paper_contents.FORMULAS),
        "## Tables",
        _tables(registry.PAPER_TABLES),
        "## Figures",
        _places("", paper_contents.FIGURES),
        "## The lecture and the abstract",
        "What they are is in [sources.md](sources.md).",
        _places("", paper_contents.LECTURE),
        "## Results in the text",
        _tables([t for t in registry.TABLES if t.startswith("section")]),
        "## Studies and public recipes",
        _tables([t for t in registry.TABLES if not t.startswith(("table", "figure", "section"))]),
        "## How ambiguous formulas are read",
        *_readings(),
        "What the suite had to assume is in [assumptions.md](assumptions.md), where the paper "
        "disagrees with itself or with its code in [errata.md](errata.md).",
    ]
    return "\n\n".join(parts) + "\n"


def _places(corner: str, places: Sequence[Place]) -> str:
    rows = [[place.where, place.what, _links(place.references)] for place in places]
    return piped(Sheet([corner, "what", "where"], rows))


def _tables(tables: Sequence[str]) -> str:
    rows = []
    for table in tables:
        module = registry.module(table)
        as_run = sum(row.follows_code for row in module.ROWS.values())
        count = f"{len(module.ROWS) - as_run}" + (f", {as_run} as run" if as_run else "")
        rows.append(
            [registry.heading(table), module.LAYOUT.title, count,
             _links(f"experiments/tables/{table}.py:ROWS")]
        )  # fmt: skip
    return piped(Sheet(["", "what", "rows", "where"], rows))


def _links(references: str) -> str:
    """'optimizers/lamb.py:LAMB' -> a link to the file, relative to docs/, and the name."""
    made = []
    for reference in references.split():
        path, _, name = check(reference).partition(":")
        made.append(f"[`{path}`](../{path}){f' `{name}`' if name else ''}")
    return ", ".join(made) or "nothing to implement"


def check(reference: str) -> str:
    """Returns the reference; an error names the file or the name that is not there."""
    path, _, name = reference.partition(":")
    if not os.path.isfile(os.path.join(PACKAGE, path)):
        raise UserError(f"the map names {path}, which is not there; mend paper_contents.py")
    if name and name not in defined(path):
        raise UserError(f"the map names {name} in {path}, which does not define it")
    return reference


@functools.cache
def defined(path: str) -> dict[str, Any]:
    """{name: node} of the top level of a file, which is read, not imported."""
    with open(os.path.join(PACKAGE, path), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found[node.name] = node
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        found.update({target.id: node for target in targets if isinstance(target, ast.Name)})
    return found


def _readings() -> list[str]:
    """The paragraphs of the docstrings that tell of the printed formulas."""
    found = []
    for where, reference, beginning in paper_contents.READINGS:
        path, _, name = check(reference).partition(":")
        text = ast.get_docstring(defined(path)[name]) or ""
        told = [paragraph for paragraph in text.split("\n\n") if paragraph.startswith(beginning)]
        if not told:
            raise UserError(f"the docstring of {reference} has no paragraph {beginning!r} any more")
        found.append(f"**{where}** ({_links(reference)})")
        found += told
    return found


FLAGS, program, console = cli.document(as_markdown, __doc__)


if __name__ == "__main__":
    console()
