"""docs/paper_map.md: made from the rows and the sources, and never stale."""

from __future__ import annotations

import importlib
import pathlib
import re

import pytest

from largebatch.experiments.documents import paper_contents, paper_map

ROOT = pathlib.Path(paper_map.PACKAGE)
FILE = ROOT / "docs" / "paper_map.md"


def test_every_link_leads_to_a_file():
    links = re.findall(r"\]\(([^)]+)\)", FILE.read_text(encoding="utf-8"))
    assert len(links) > 100
    assert [link for link in links if not (FILE.parent / link).is_file()] == []


@pytest.mark.parametrize(
    "reference", ["optimizers/scaling.py:sqrt_scaling", "experiments/analyses/theorems.py:bound"]
)
def test_what_is_read_from_the_source_is_what_an_import_gives(reference):
    path, name = paper_map.check(reference).split(":")
    module = importlib.import_module("largebatch." + path[: -len(".py")].replace("/", "."))
    assert hasattr(module, name)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("optimizers/lambs.py:LAMB", "optimizers/lambs.py, which is not there"),
        ("optimizers/lamb.py:LAMBS", "LAMBS in optimizers/lamb.py, which does not define it"),
    ],
)
def test_a_name_that_is_gone_is_an_error_that_names_it(reference, message):
    with pytest.raises(ValueError, match=message):
        paper_map.check(reference)


def test_every_section_algorithm_table_and_figure_has_its_line():
    text = FILE.read_text(encoding="utf-8")
    wanted = ["1", "1.1", "2", "3", "3.1", "3.2", "4", "4.1", "4.2", "4.3", "5, 6"]
    wanted += [*"ABCDEFGH", "H.0.1", "H.0.2", "H.1"]
    wanted += [f"Algorithm {n}" for n in range(1, 5)] + [f"Theorem {n}" for n in range(1, 4)]
    wanted += [f"Equation {n}" for n in range(1, 4)] + [f"Table {n}" for n in range(1, 26)]
    wanted += [f"Figure {n}" for n in range(1, 9)] + ["Figures 9 to 14"]
    assert [name for name in wanted if f"\n| {name} |" not in text] == []
    equations = [p.where for p in paper_contents.FORMULAS if p.where.startswith("Equations")]
    assert equations == ["Equations 4 to 6", "Equations 7 to 10"]
