"""The files of `report --all`: the page, the same as Markdown with its pictures, the cells."""

from __future__ import annotations

import os

from largebatch.experiments.reporting.model.cells import Report
from largebatch.experiments.reporting.pages import cells_csv, entries, markdown_page, paper_page


def write_all(report: Report, output_dir: str) -> list[str]:
    """Returns the paths of what was written; `report` is of all tables."""
    made = entries.entries(report)
    files = {
        "report.html": paper_page.as_page(report, made),
        "report.md": markdown_page.as_markdown(report, made),
        "cells.csv": cells_csv.as_csv(report),
    }
    pictures = os.path.join(output_dir, markdown_page.PICTURES)
    os.makedirs(pictures, exist_ok=True)
    for name, svg in {p.name: p.svg for p in entries.all_pictures(made)}.items():
        _write(os.path.join(pictures, f"{name}.svg"), svg)
    written = []
    for name, text in files.items():
        written.append(os.path.join(output_dir, name))
        _write(written[-1], text.rstrip("\n") + "\n")
    return [*written, pictures]


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
