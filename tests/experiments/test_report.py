from __future__ import annotations

import html.parser
import re
import subprocess
import sys

import pytest

from largebatch.experiments import report
from largebatch.experiments.tables import registry


def call(*arguments):
    return report.report(["report", *arguments])


@pytest.fixture
def runs(tmp_path, make_run):
    """A folder with every kind of run."""
    for optimizer, accuracy in (("momentum", 0.99), ("adam", 0.992), ("lamb", 0.994)):
        for rate in ("0.01", "0.1"):
            for seed in range(2):
                make_run(
                    f"table7/{optimizer}",
                    settings={"learning_rate": rate},
                    seed=seed,
                    accuracy=accuracy - float(rate) / 100 + seed / 1000,
                )
    make_run("table7/adagrad", status="diverged")
    make_run("table7/adamw", status="interrupted")
    make_run("table7/lamb", scale="laptop")
    make_run("table7/lamb", settings={"epochs": "3", "batch_size": "512"})
    (make_run("table7/lamb", seed=9) / "result.json").write_text('{"format')
    return tmp_path


def test_the_text_has_the_papers_layout_with_measured_below_printed(runs, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    assert call(f"--runs={runs}", "--table=7") == 0
    output = capsys.readouterr().out
    assert output.startswith(f"17 runs under {runs}, 1 left out")
    lines = [re.split(r"\s{2,}", line.strip()) for line in output.splitlines()]
    assert ["Optimizer", "Momentum", "Addgrad", "ADAM", "ADAMW", "LAMB"] in lines
    name = "Average accuracy over 5 runs"
    assert [f"{name}: printed", "0.9933", "0.9928", "0.9936", "0.9941", "0.9945"] in lines
    measured = ["0.9904 ± 0.0007", "diverged", "0.9924 ± 0.0007", "interrupted", "0.9944 ± 0.0007"]
    assert [f"{name}: measured", *measured] in lines
    assert ["difference", "-0.0029", "-", "-0.0012", "-", "-0.0001"] in lines
    assert ["n", "2", "-", "2", "-", "2"] in lines
    assert ["best learning_rate", "0.01", "-", "0.01", "-", "0.01"] in lines
    assert ["Momentum", "-", "-", "0.9904 ± 0.0007 (2) *", "0.9895 ± 0.0007 (2)"] in lines
    assert "chosen on the test accuracy" in output
    assert "Table 7 at laptop scale: lenet5 on digits" in output
    assert any(line[:3] == ["table7/lamb", "paper", "epochs 3, batch_size 512"] for line in lines)
    assert "half-written" in output


def test_a_narrow_terminal_gets_a_row_an_optimizer(runs, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert call(f"--runs={runs}", "--table=7") == 0
    lines = [re.split(r"\s{2,}", line.strip()) for line in capsys.readouterr().out.splitlines()]
    assert any(line[:3] == ["LAMB", "0.9945", "0.9944 ± 0.0007"] for line in lines)


def test_the_markdown_has_well_formed_tables(runs, capsys):
    assert call(f"--runs={runs}", "--table=7", "--format=markdown") == 0
    output = capsys.readouterr().out
    assert "over 5 runs: printed | 0.9933 |" in output and "0.9944 ± 0.0007 (2) \\*" in output
    for block in re.findall(r"(?:^\|.*\|\n)+", output, flags=re.M):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    assert "--rows=table7/lamb --seeds=5 --data_dir=DIR --set learning_rate=0.01" in output
    assert "warmup_epochs" in output and "assumed:" in output


class Page(html.parser.HTMLParser):
    """Collects what a page links to, and checks that what is opened is closed."""

    VOID = ("meta", "img")

    def __init__(self, text):
        super().__init__()
        self.links, self.images, self.ids, self.open, self.charts = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.links += [found[a] for a in ("href", "src") if a in found and tag != "img"]
        self.images += [found] if tag == "img" else []
        self.charts += [found] if tag == "svg" else []
        self.ids += [found["id"]] if "id" in found else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_self_contained_and_well_formed(runs, capsys, tmp_path):
    assert call(f"--runs={runs}", "--table=7", f"--output_dir={tmp_path / 'page'}") == 0
    assert "wrote" in capsys.readouterr().out
    text = (tmp_path / "page" / "report.html").read_text()
    assert (tmp_path / "page" / "report.md").read_text().endswith("\n")
    page = Page(text)
    assert page.open == []
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert {"table7", "table7-laptop", "overridden", "left-out"} <= set(page.ids)
    assert text.count("<script>") == 1 and "@import" not in text and "url(" not in text
    assert 'name=viewport content="width=device-width' in text
    assert page.images == [] and len(page.charts) == 7  # by row, accuracy, loss; tuning of one
    assert all(chart["aria-label"] for chart in page.charts)
    for status in ("measured", "diverged", "interrupted"):
        assert f"class='badge {status}'" in text


def test_the_page_is_the_same_for_the_same_runs(runs, capsys):
    pages = []
    for _ in range(2):
        call(f"--runs={runs}", "--table=7", "--format=html")
        pages.append(capsys.readouterr().out)
    assert pages[0] == pages[1]


def test_what_a_file_says_cannot_break_the_page(make_run, tmp_path, capsys):
    make_run("table7/lamb", name="<script>alert(1)</script>")
    make_run("table7/adam", versions="<b>", commit="<i>", device="<u>&")
    call(f"--runs={tmp_path}", "--table=7", "--format=html")
    text = capsys.readouterr().out
    assert Page(text).open == []
    assert "<script>alert" not in text and "<i>1" not in text and "&lt;script&gt;" in text


def test_a_folder_without_runs_gives_tables_that_say_so(tmp_path, capsys):
    assert call(f"--runs={tmp_path}") == 0
    output = capsys.readouterr().out
    assert output.startswith(f"No runs under {tmp_path}.")
    claims, _, tables = output.partition("\n\nTable 1:")
    assert tables.count("not run") == len(registry.all_rows())
    assert " not run" in claims and not re.search(" (holds|fails|cannot tell)\\b", claims)
    assert "sweep --table=7 --seeds=5 --data_dir=DIR" in output
    assert call(f"--runs={tmp_path}", "--format=html") == 0
    page = Page(capsys.readouterr().out)
    assert page.open == [] and "measured" not in " ".join(c["aria-label"] for c in page.charts)


def test_metrics_of_any_foreign_shape_are_never_a_traceback(make_run, tmp_path, capsys):
    for seed, value in enumerate([None, [], {"x": {}}, {"accuracy": True}, {"accuracy": "high"}]):
        make_run("table7/lamb", seed=seed, metrics=value)
    make_run("table7/adam", history={"epoch": 1}, train_history=None, versions=None)
    for form in ("text", "markdown", "html"):
        assert call(f"--runs={tmp_path}", f"--format={form}") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--runs is missing"),
        (["--runs=/nowhere/at/all"], "there is no such folder"),
        (["--runs=.", "--table=99"], "unknown table '99'"),
        (["--runs=.", "--format=pdf"], "text|markdown|html"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, arguments, message):
    assert call(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error and error.count("\n") == 1


def test_text_needs_neither_tensorflow_nor_matplotlib(runs):
    script = (
        "import sys; from largebatch.experiments import report\n"
        f"code = report.report(['report', '--runs={runs}'])\n"
        "assert not {'tensorflow', 'matplotlib', 'numpy'} & set(sys.modules); sys.exit(code)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
