"""How a table is laid out stands in its module: no module of the report asks for its name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from largebatch.experiments import reporting
from largebatch.experiments.reporting.model import columns, printed_settings
from largebatch.experiments.tables import registry

MODULES = sorted(Path(reporting.__file__).parent.rglob("*.py"))
TABLE = re.compile(rf"^({'|'.join(registry.TABLES)})$")


def names_compared(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for part in (node.left, *node.comparators):
                for constant in ast.walk(part):
                    if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                        yield node.lineno, constant.value
        if isinstance(node, ast.Dict):
            yield from (
                (node.lineno, key.value)
                for key in node.keys
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_module_of_the_report_switches_on_a_tables_name(path):
    found = names_compared(ast.parse(path.read_text()))
    assert [(line, name) for line, name in found if TABLE.match(name)] == []


def test_the_check_finds_a_switch():
    [found] = names_compared(ast.parse('if table.table == "table8":\n    pass'))
    assert TABLE.match(found[1])


@pytest.mark.parametrize("table", registry.TABLES)
def test_what_a_layout_asks_for_is_known(table):
    layout = registry.module(table).LAYOUT
    assert set(layout.beside) <= set(columns.EXTRAS)
    assert set(layout.settings) <= {*printed_settings._TEXTS, "learning rate"}
    assert layout.labelled in ("", *layout.settings)
    if layout.across:
        assert layout.recipes
    if layout.recipes:
        assert all(layout.recipes in row.label for row in registry.module(table).ROWS.values())
