"""Links of README.md, CONTRIBUTING.md and docs/ lead to files and headings; the site builds."""

import json
import re
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FRONT = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
DOCS = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "docs" / "first_steps.ipynb"]
EACH_PAGE = pytest.mark.parametrize(
    "page", [*FRONT, *DOCS], ids=lambda page: str(page.relative_to(ROOT))
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def text_of(page):
    """Its Markdown without code, in which a link is none."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors_of(page):
    """The anchors of a page's headings, as GitHub makes them."""
    seen, anchors = Counter(), set()
    for heading in re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return anchors


@EACH_PAGE
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page):
    broken = []
    for link in LINK.findall(text_of(page)):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert broken == []


def test_a_reader_comes_from_the_readme_to_every_page():
    reached, open_pages = set(), [ROOT / "README.md"]
    while open_pages:
        page = open_pages.pop()
        reached.add(page)
        for link in LINK.findall(text_of(page)):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target in (*FRONT, *DOCS) and target not in reached:
                open_pages.append(target)
    assert set((*FRONT, *DOCS)) == reached


def test_the_readme_is_short_and_in_order():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 150
    assert re.findall("^## (.*)", readme, re.MULTILINE) == [
        *("Status", "The claims at a glance", "Quick start", "LAMB in your own code"),
        *("Where things are", "Limits", "Contributing, citing, licence"),
    ]


@pytest.mark.parametrize("word", ["row", "proxy", "LEGW", "TFDS"])
def test_a_word_of_the_project_is_explained_where_a_reader_starts(word):
    page = (ROOT / "docs" / "getting_started.md").read_text(encoding="utf-8")
    assert f"**{word}**" in page.partition("## Two commands")[0]


def test_the_floors_of_the_page_are_those_that_the_test_holds():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    floors = runpy.run_path(str(ROOT / "tests" / "test_floors.py"))["FLOORS"]
    shown = re.findall(r"<!-- floors-(\w+) -->\n(.*?)<!-- /floors-\1 -->", page, re.DOTALL)
    assert [top for top, _ in shown] == [top for top in floors if len(floors[top]) > 1]
    for top, table in shown:
        lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
        assert [(floor, room, uses) for floor, room, _, uses in lines[2:]] == [
            (str(floor), f"`{room}`", ", ".join(f"`{name}`" for name in below.split()) or "-")
            for room, (floor, below) in floors[top].items()
            if room
        ]


def python_with_mkdocs():
    for python in (Path(sys.executable), ROOT / ".venv-docs" / "bin" / "python"):
        if python.exists():
            asked = subprocess.run([python, "-c", "import mkdocs, material"], capture_output=True)
            if asked.returncode == 0:
                return python
    return None


def test_the_site_builds_without_a_dead_link(tmp_path):
    python = python_with_mkdocs()
    if python is None:
        pytest.skip("mkdocs-material is not installed: make docs-environment")
    command = [python, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    pages = {str(page.relative_to(tmp_path)) for page in tmp_path.rglob("*.html")}
    wanted = {str(page.relative_to(ROOT / "docs").with_suffix(".html")) for page in DOCS}
    assert wanted | {"readme.html", "contributing.html", "changelog.html"} <= pages
    html = {name: (tmp_path / name).read_text(encoding="utf-8") for name in pages}
    loaded = "".join(html.values())
    assert not re.findall(
        r'<(?:script|img)[^>]* src="https?:|<link[^>]*stylesheet"[^>]*http', loaded
    )
