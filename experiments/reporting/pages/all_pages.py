"""The files of a report: the page, the same as Markdown with its pictures, the cells."""

from __future__ import annotations

import os
from collections.abc import Callable

from largebatch.experiments.plots import chart
from largebatch.experiments.reporting.model.cells import Report
from largebatch.experiments.reporting.pages import cells_csv, entries, markdown_page, page


def write_all(report: Report, output_dir: str, say: Callable[[str], None]) -> list[str]:
    """Returns the paths of what was written; `say` is told each table as it is made."""
    made = entries.entries(report, say=say)
    files = {
        "report.html": page.as_html(report, made),
        "report.md": markdown_page.as_markdown(report, made),
        "cells.csv": cells_csv.as_csv(report),
    }
    pictures = os.path.join(output_dir, markdown_page.PICTURES)
    os.makedirs(pictures, exist_ok=True)
    for name, svg in {p.name: p.svg for p in entries.all_pictures(made)}.items():
        _write(os.path.join(pictures, f"{name}.svg"), chart.as_file(svg))
    written = []
    for name, text in files.items():
        written.append(os.path.join(output_dir, name))
        _write(written[-1], text.rstrip("\n") + "\n")
    return [*written, pictures]


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
