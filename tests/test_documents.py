"""README.md and docs/: tables that are current, commands and links that exist."""

import importlib
import re
from pathlib import Path

import pytest

from largebatch.experiments.documents import doc_tables
from largebatch.experiments.records import match
from largebatch.experiments.records.reader import find_runs
from largebatch.experiments.tables import registry

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
COMMAND = re.compile(r"python -m (largebatch(?:\.\w+)+)(?!\.\.)(.*)")


def text_of(page):
    return page.read_text(encoding="utf-8").replace("\\\n", " ")


@pytest.mark.parametrize("page", doc_tables.pages(), ids=lambda page: page.name)
def test_the_tables_of_a_page_are_those_of_the_committed_results(page):
    text = page.read_text(encoding="utf-8")
    assert doc_tables.rendered(text) == text, "run python -m largebatch.experiments.doc_tables"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_of_a_page_exists_with_its_flags_and_rows(page):
    for program, arguments in COMMAND.findall(text_of(page)):
        module = importlib.import_module(program)
        known = getattr(module, "FLAGS", None)
        if known is None and hasattr(module, "__path__"):
            known = getattr(importlib.import_module(f"{program}.__main__"), "FLAGS", None)
        arguments = arguments.split("#")[0].split("`")[0]
        if known is not None:
            for flag in re.findall(r"(?<=\s)--(\w+)", arguments.partition(" -- ")[0]):
                name = flag[2:] if flag.startswith("no") and flag not in known else flag
                assert name in known, f"{program} has no --{flag}"
        for row in re.findall(r"--experiment=([\w/-]+)", arguments):
            if row.islower():
                registry.find(row)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_of_a_page_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    broken = [
        link for link in links if "://" not in link and not (page.parent / link).resolve().exists()
    ]
    assert broken == []


def test_the_readme_is_a_page_that_names_all_others():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 150
    for page in PAGES[1:]:
        own = str(page.relative_to(ROOT))
        assert own in readme or any(
            page.name in other.read_text(encoding="utf-8") for other in PAGES if other != page
        ), f"nothing leads to {own}"


def test_a_block_that_names_no_table_is_an_error():
    with pytest.raises(doc_tables.UserError, match="there is no such table"):
        doc_tables.rendered("<!-- table99 -->\n<!-- /table99 -->")


def test_no_committed_run_is_of_bert_large_or_the_whole_of_imagenet_as_the_readme_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"BERT-Large and\s+ImageNet have been run only at smaller scales", readme)
    runs, _ = find_runs(str(ROOT / "results"))
    assert len(runs) > 100
    for run in runs:
        assert run.row["dataset"] != "wikipedia_books"
        assert run.row["dataset"] != "imagenet2012" or run.row["examples"]  # a part of it


def test_a_result_of_the_gpu_is_of_the_row_of_today_as_the_page_says():
    runs, left_out = find_runs(str(ROOT / "results" / "gpu"))
    assert runs and not left_out
    for run in runs:
        different = match.differences(run, match.row_of(run))
        assert set(different) <= set(run.overrides), run.folder
