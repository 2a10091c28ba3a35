"""README.md and docs/: the tables are those of the committed results, and what is said is so."""

import re
from pathlib import Path

import pytest

from largebatch.experiments.documents import doc_tables
from largebatch.experiments.records import match
from largebatch.experiments.records.reader import find_runs
from largebatch.experiments.rows import author_code

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", doc_tables.pages(), ids=lambda page: page.name)
def test_the_tables_of_a_page_are_those_of_the_committed_results(page):
    text = page.read_text(encoding="utf-8")
    assert doc_tables.current(page) == text, "run python -m largebatch.experiments.doc_tables"


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_imports_this_package_before_tensorflow(page):
    """So that tf.keras is Keras 2 on both stacks."""
    for code in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        imported = re.findall(r"^(?:import|from) (tensorflow|largebatch)\b", code, re.MULTILINE)
        if "largebatch" in imported:  # not of a module of the package itself
            assert imported[0] == "largebatch", code


def test_a_block_that_names_no_table_is_an_error():
    with pytest.raises(doc_tables.UserError, match="there is no such table"):
        doc_tables.rendered("<!-- table99 -->\n<!-- /table99 -->")


def test_no_committed_run_is_of_bert_large_or_the_whole_of_imagenet_as_the_readme_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"BERT-Large and\s+ImageNet have been run only at smaller scales", readme)
    runs, _ = find_runs(str(ROOT / "results"))
    assert len(runs) > 100
    for run in runs:
        # What starts from released weights pre-trains nothing; those here are smaller.
        released = "init_checkpoint" in (run.record.get("data") or {})
        assert run.row["dataset"] != "wikipedia_books" or released
        assert run.row["model"] != "bert_large"
        assert run.row["dataset"] != "imagenet2012" or run.row["examples"]  # a part of it


def test_a_result_of_the_gpu_is_of_the_row_of_today_as_the_page_says():
    runs, left_out = find_runs(str(ROOT / "results" / "gpu"))
    assert runs and not left_out
    for run in runs:
        different = match.differences(run, match.row_of(run))
        assert set(different) <= set(run.overrides), run.folder


SOURCES = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
CITED = re.compile(r"\b[A-Z][a-z]+(?: et al\.| and [A-Z][a-z]+) \d{4}\b")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_work_that_a_page_cites_by_its_year_is_among_the_sources(page):
    assert not [work for work in CITED.findall(page.read_text("utf-8")) if work not in SOURCES]


def test_every_repository_that_rows_cite_is_among_the_sources_at_its_commit():
    cited = {
        match.groups()
        for value in vars(author_code).values()
        if isinstance(value, str)
        for match in re.finditer(r"([\w-]+/[\w-]+) @(\w{7})", value)
    }
    assert len(cited) >= 7
    for repository, commit in cited:
        line = next(line for line in SOURCES.splitlines() if repository.split("/")[1] in line)
        assert f"@{commit}" in line, f"{repository} @{commit}"
