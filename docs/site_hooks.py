"""What MkDocs does beside rendering docs/: pages from elsewhere, and links that lead out of docs/.

CONTRIBUTING.md, CHANGELOG.md and the notebook become pages. A link to another file of the
repository leads to `repo_url`, or is plain text where mkdocs.yml has none.
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
    "README.md": "index.md",
    NOTEBOOK: "first_steps.md",
}
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")


def on_files(files, config):
    for source, name in PAGES.items():
        if source == NOTEBOOK:
            text, pictures = page_of(json.loads((ROOT / source).read_text(encoding="utf-8")))
            for picture, content in pictures.items():
                files.append(File.generated(config, picture, content=content))
        elif source != "README.md":
            text = (ROOT / source).read_text(encoding="utf-8")
        else:
            continue
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    source = next((s for s, name in PAGES.items() if name == page.file.src_uri), None)
    if source is None or source == "README.md":
        source = f"docs/{page.file.src_uri}"
    return relinked(markdown, source, page.file.src_uri, config.repo_url)


def relinked(markdown: str, source: str, page: str, repo_url: str | None) -> str:
    """The text with its links as the site needs them; `source` is the file that it is from."""

    def replace(match):
        text, target = match.groups()
        path, hash_mark, anchor = target.partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return match[0]
        found = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        inside = PAGES.get(found)
        if inside is None and found.startswith("docs/"):
            inside = found[len("docs/") :]
        if inside is not None:
            link = posixpath.relpath(inside, posixpath.dirname(page) or ".")
            return f"[{text}]({link}{hash_mark}{anchor})"
        return f"[{text}]({repo_url.rstrip('/')}/blob/main/{found})" if repo_url else text

    # Code is left as it is, whether a fence or a span.
    parts = re.split(r"(^```.*?^```|`[^`\n]+`(?!\]))", markdown, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if n % 2 else LINK.sub(replace, part) for n, part in enumerate(parts))


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
