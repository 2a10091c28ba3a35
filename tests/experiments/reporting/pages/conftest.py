"""A page of every kind of run, made once, and what reads it."""

from __future__ import annotations

import contextlib
import html.parser
import io

import pytest

from largebatch.experiments import report


def _call(*arguments):
    for name in report.FLAGS:
        report.FLAGS[name].unparse()
    return report.report(["report", *arguments])


@pytest.fixture(scope="session")
def call():
    """Runs `report` with these flags; returns its exit code."""
    return _call


class Page(html.parser.HTMLParser):
    """What a page holds: its ids, its links, and the text of each element with an id."""

    def __init__(self, text):
        super().__init__()
        self.links, self.images, self.ids, self.open, self.charts = [], [], [], [], []
        self.sections = {}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.links += [found["href"]] if "href" in found else []
        self.images += [found] if tag == "img" else []
        self.charts += [found] if tag == "svg" else []
        if "id" in found:
            self.ids.append(found["id"])
        if tag not in ("meta", "img"):
            self.open.append((tag, found.get("id")))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, name in self.open:
            if name:
                self.sections[name] = self.sections.get(name, "") + data


@pytest.fixture(scope="session")
def read():
    """The page of an HTML text."""
    return Page


LAYERS = [
    {"step": 10 * n, "epoch": float(n), "layers": {"a/kernel": [1, 2, 0.5 * n], "b": [1, 1, 1.0]}}
    for n in range(1, 8)
]


@pytest.fixture(scope="session")
def root(tmp_path_factory, run_writer):
    """Every kind of run: at two scales, diverged, cut off, overridden, unreadable."""
    root = tmp_path_factory.mktemp("runs")

    def make_run(name, **arguments):
        return run_writer(root, name, **arguments)

    top1 = {"accuracy": 0.77, "top1": 0.77, "top5": 0.93, "loss": 0.9}
    make_run("table5/lamb-512", metrics=top1)
    make_run("table5/lamb-1024", status="diverged")
    make_run("table5/lamb-2048", with_result=False)
    for batch in (512, 1024, 2048, 32768):
        values = {**top1, "top1": 0.98 - batch / 1e6, "loss": 0.1 + batch / 1e6}
        make_run(f"table5/lamb-{batch}", scale="laptop", metrics=values, layers=LAYERS)
    make_run("table12/adam-rate0.002", scale="laptop", metrics={**top1, "top1": 0.9876})
    make_run("table12/adam-rate0.004", scale="laptop", status="diverged")
    make_run("table7/lamb", accuracy=0.9931, settings={"learning_rate": "0.01"})
    make_run("table7/lamb", accuracy=0.4444, settings={"epochs": "3"})
    (make_run("table7/lamb", seed=9) / "result.json").write_text('{"format')
    return str(root)


@pytest.fixture(scope="session")
def written(root, tmp_path_factory):
    """({file name: text} of report --all, what it printed, its folder)."""
    page = tmp_path_factory.mktemp("page")
    output, progress = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(progress):
        assert _call(f"--runs={root}", "--all", f"--output_dir={page}") == 0
    names = ("report.html", "report.md", "cells.csv")
    texts = {name: (page / name).read_text() for name in names}
    return {**texts, "stderr": progress.getvalue()}, output.getvalue(), page
