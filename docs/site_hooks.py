"""What MkDocs does beside rendering docs/: pages from elsewhere, and links that lead out of docs/.

README.md, CONTRIBUTING.md, CHANGELOG.md and the notebook become pages. A link to another file of
the repository leads to `repo_url`, or is plain text where mkdocs.yml has none.
"""

from __future__ import annotations

import base64
import json
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = "docs/first_steps.ipynb"
# File of the repository -> page of the site; those below docs/ keep their names.
PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "README.md": "readme.md",
    NOTEBOOK: "first_steps.md",
}
# A fence, a link, or a span of code; only in a link is anything changed.
LINK = re.compile(
    r"^```.*?^```|(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)|`[^`\n]+`",
    re.DOTALL | re.MULTILINE,
)


def on_files(files, config):
    for source, name in PAGES.items():
        if source == NOTEBOOK:
            text, pictures = page_of(json.loads((ROOT / source).read_text(encoding="utf-8")))
            for picture, content in pictures.items():
                files.append(File.generated(config, picture, content=content))
        else:
            text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    name = page.file.src_uri
    source = next((source for source in PAGES if PAGES[source] == name), f"docs/{name}")
    return relinked(markdown, source, name, config.repo_url)


def relinked(markdown: str, source: str, page: str, repo_url: str | None) -> str:
    """The text with its links as the site needs them; `source` is the file that it is from."""

    def replace(match):
        text, (path, mark, anchor) = match["text"], (match["target"] or "").partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return match[0]
        found = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        inside = PAGES.get(found, found[5:] if found.startswith("docs/") else None)
        if inside is not None:
            link = posixpath.relpath(inside, posixpath.dirname(page) or ".")
            return f"[{text}]({link}{mark}{anchor})"
        return f"[{text}]({repo_url.rstrip('/')}/blob/main/{found})" if repo_url else text

    return LINK.sub(replace, markdown)


def page_of(notebook: dict) -> tuple[str, dict[str, bytes]]:
    """(Markdown, {file name: picture}) of a notebook: its cells, with the outputs that it holds."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                name = f"first_steps_{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode(data["image/png"])
                parts.append(f"![Output of the cell above]({name})")
            else:
                text = "".join(output.get("text", data.get("text/plain", "")))
                parts.append(f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts), pictures
