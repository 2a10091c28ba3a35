"""report --all: the page of every table and figure, the same as Markdown, and the cells as CSV."""

from __future__ import annotations

import html.parser
import re

from largebatch.experiments import report
from largebatch.experiments.reporting.model import grids
from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.reporting.pages import entries
from largebatch.experiments.tables import registry


def call(*arguments):
    return report.report(["report", *arguments])


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


def test_every_table_figure_and_study_has_an_entry(written):
    page = Page(written[0]["report.html"])
    figures = {f"figure{number}" for number in range(1, 15)}
    assert figures | {t for t in registry.TABLES} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    for name in registry.TABLES:
        assert f"<!-- {name} -->" in written[0]["report.md"] or name.startswith("table")
    for number in range(1, 26):
        assert f"Table {number}" in page.sections[f"table{number}"]


def test_the_page_is_self_contained_and_well_formed(written):
    text = written[0]["report.html"]
    page = Page(text)
    assert page.open == []
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert "@import" not in text and "url(" not in text and "http" not in text
    assert page.images == [] and text.count("<script>") == 1 and "src=" not in text
    labels = [found["aria-label"] for found in page.charts]
    assert len(labels) > 20 and all(labels)


def test_what_was_not_run_says_so_and_how_to_run_it(written):
    page = Page(written[0]["report.html"])
    assert "20 not run" in page.sections["tuning-adamw-l2"].replace("\xa0", " ")
    assert "sweep --table=13 --seeds=1 --data_dir=DIR" in page.sections["tuning-adamw-l2"]
    assert "sweep --rows='table1/lamb-*' --seeds=1" in page.sections["figure6"]
    assert "7 not run" in page.sections["figure6"]


def test_a_scale_has_a_block_of_its_own_without_printed_values(written):
    page = Page(written[0]["report.html"])
    laptop = page.sections["table5-laptop"]
    assert "0.9795" in laptop and "laptop scale" in laptop
    assert "0.7696" not in laptop and "printed" not in laptop.replace("not printed", "")
    paper = page.sections["table5"].replace(laptop, "")
    assert "0.7696" in paper and "0.7700" in paper and "0.9795" not in paper
    assert all(word in paper for word in ("1 measured", "1 diverged", "1 interrupted"))


def test_an_overridden_run_is_in_its_own_card_alone(written):
    page = Page(written[0]["report.html"])
    assert "0.4444" in page.sections["overridden"]
    assert "0.4444" not in page.sections["table7"] and "0.9931" in page.sections["table7"]
    assert "half-written" in page.sections["left-out"]


def test_counts_are_told_at_a_glance_and_on_the_terminal(written):
    texts, output, _ = written
    rows = sum(len(registry.module(table).ROWS) for table in registry.TABLES)
    counts = dict(re.findall(r"^  (\S+): (.*)$", output, flags=re.M))
    assert sum(int(number) for number in re.findall(r"\d+", counts["paper"])) == rows
    assert counts["overridden"] == "1" and "half-written" in output


def test_the_trust_ratios_are_six_pictures_of_six_iterations(written):
    page = Page(written[0]["report.html"])
    section = page.sections["figure9-laptop"]
    steps = re.findall(r"Figure (\d+): iteration (\d+), epoch \d, 2 layers", section)
    assert [int(figure) for figure, _ in steps] == list(range(9, 15))
    assert (steps[0][1], steps[-1][1]) == ("10", "70")


def test_the_markdown_is_well_formed_and_its_pictures_are_there(written):
    texts, _, page = written
    text = texts["report.md"]
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.M):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert pictures and all((page / picture).exists() for picture in pictures)
    block = re.search(r"<!-- table5-laptop -->(.*?)<!-- /table5-laptop -->", text, re.DOTALL)[1]
    assert "Laptop scale" in block and len(block.splitlines()) < 40
    assert text.count("<details>") == text.count("</details>")


def test_commands_of_whole_entries_name_rows_and_tables_that_exist(written):
    text = written[0]["report.md"]
    for table in re.findall(r"sweep --table=(\S+)", text):
        registry.table_name(table)
    for rows in re.findall(r"sweep --rows='([^']+)'", text):
        assert registry.matching(rows)


def test_all_and_one_table_contradict_each_other(tmp_path, capsys):
    assert call(f"--runs={tmp_path}", "--all", "--table=7", f"--output_dir={tmp_path}") == 2
    assert "--table=7" in capsys.readouterr().err
    assert call(f"--runs={tmp_path}", "--all") == 2
    assert "--output_dir" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "page").write_text("")
    assert call(f"--runs={tmp_path}", "--all", f"--output_dir={tmp_path / 'page'}") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_without_runs_has_every_entry_and_measures_nothing(tmp_path, capsys):
    assert call(f"--runs={tmp_path}", "--all", f"--output_dir={tmp_path / 'page'}") == 0
    output = capsys.readouterr().out
    assert output.startswith(f"No runs under {tmp_path}.") and "measured" not in output
    page = Page((tmp_path / "page" / "report.html").read_text())
    assert {f"figure{n}" for n in range(1, 15)} <= set(page.ids)
    assert not re.search(r"[1-9]\d* measured", (tmp_path / "page" / "report.html").read_text())


def test_runs_of_any_foreign_shape_are_named_and_never_a_traceback(make_run, tmp_path, capsys):
    odd = [None, 3, "x", [], {"a": 1}, [[1]], {"k": {"k": []}}, 10**400]
    for seed, value in enumerate(odd):
        fields = (
            *("layers", "wall_seconds", "num_devices", "history", "train_history", "versions"),
            *("device", "commit", "last_loss", "last_step"),
        )
        make_run("table5/lamb-512", seed=seed, scale="laptop", metrics={"top1": 0.9, "loss": value},
                 **{field: value for field in fields})  # fmt: skip
    make_run("table1/lamb-512", metrics={"f1": 91.0}, wall_seconds=None, num_devices="many")
    diverged = next(iter(registry.module("table8").ROWS))
    make_run(diverged, status="diverged", last_loss="nan", last_step=[])
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "result.json").write_text("[" * 100_000)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "result.json").write_text('{"format": 0, "name": "table7/lamb"}')
    assert call(f"--runs={tmp_path}", "--all", f"--output_dir={tmp_path / 'page'}") == 0
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err and "error" not in captured.err
    assert f"left out: {tmp_path / 'deep' / 'result.json'}: is not JSON" in captured.out
    assert "has the format 0; this version reads 1" in captured.out
    assert "measured" in (tmp_path / "page" / "report.html").read_text()


def test_pictures_are_drawn_small_and_the_same_twice(root):
    texts = []
    for _ in range(2):
        made = gather(root, ["table5"])
        laptop = next(table for table in made.tables if table.scale == "laptop")
        pictures = entries.paper_pictures.of_table(laptop)
        texts.append([picture.svg for picture in pictures])
    assert texts[0] == texts[1] and len(texts[0]) == 2
    assert all("</svg>" in svg and len(svg) < 60_000 for svg in texts[0])


def test_the_index_is_a_matrix_of_tables_and_scales(written):
    text = written[0]["report.html"]
    index = re.search(r"<section class=card id=index>.*?</section>", text, re.DOTALL)[0]
    head = re.findall(r"<th>(.*?)</th>", index)
    assert head[:4] == ["", "paper", "as run", "laptop"]
    [line] = [row for row in re.findall(r"<tr><th>.*?</tr>", index) if "<b>Table 5</b>" in row]
    cells = re.findall(r"<td>(?:<a class='state (\w+)' href='#([\w-]+)'>([\d/]+)</a>)?</td>", line)
    assert cells == [
        ("some", "table5", "1/7"), ("none", "table5", "0/7"), ("some", "table5-laptop", "4/7")
    ]  # fmt: skip
    assert (
        "| Table 5 |" in written[0]["report.md"]
        and "| 1 of 7 | 0 of 7 |" in (written[0]["report.md"])
    )


def test_claims_come_first_then_a_line_a_table_then_the_index(written):
    page = Page(written[0]["report.html"])
    ids = [name for name in page.ids if name in ("claims", "results", "index", "table1")]
    assert ids == ["claims", "results", "index", "table1"]
    results = page.sections["results"]
    assert "0.7696" in results and "0.7700" in results and "+0.0004" in results
    assert "Not measured at any scale" in results and "Table 13" in results
    text = written[0]["report.md"]
    assert text.index("## Claims") < text.index("## Results at a glance")
    assert text.index("## Results at a glance") < text.index("\n## What there is")


def test_what_was_not_run_is_folded_and_what_was_is_open(written):
    text = written[0]["report.html"]
    assert "<details class=card id='table1'>" in text and "<section class=card id='table5'>" in text
    # Of Table 12 a smaller scale was run: its card is open, the paper's block in it is folded.
    card = re.search(r"<section class=card id='table12'>.*?</section>", text, re.DOTALL)[0]
    assert card.index("<details class='block'") < card.index("id='table12-laptop'")


def test_the_page_is_read_without_its_script_and_sorts_with_it(written):
    text = written[0]["report.html"]
    body, _, script = text.partition("<script>")
    assert "hidden" not in body.partition("</style>")[2] and "onclick" not in body
    assert "classList.add('can-sort')" in script and "class='frame grid sort'" in body
    # A title is read by a pointer that rests, with or without the script.
    assert body.count("<title>") > 200


def test_the_page_has_a_dark_look_and_wide_tables_keep_their_first_column(written):
    look = re.search(r"<style>(.*?)</style>", written[0]["report.html"], re.DOTALL)[1]
    colours = [
        set(re.findall(r"(--[\w-]+):", part)) for part in re.findall(r":root {([^}]*)}", look)
    ]
    assert len(colours) == 2 and colours[0] == colours[1]
    used = set(re.findall(r"var\((--[\w-]+)", look)) - {"--under"}
    assert used <= colours[0]
    assert re.search(r"\.grid th:first-child {[^}]*position: sticky", look)


def test_a_wide_table_is_turned_and_hides_no_optimizer(make_run, tmp_path):
    for name in ("adagrad", "adam", "lamb"):
        row = registry.find(f"table3/{name}")
        for seed in range(3):
            metrics = {"top1": 0.97 + seed / 1000, "loss": 0.1}
            make_run(row.run_name, scale="laptop", seed=seed, metrics=metrics)
    made = next(t for t in gather(str(tmp_path), ["table3"]).tables if t.scale == "laptop")
    shown = grids.fitting(grids.grid(made), 80)
    assert [line[0].text for line in shown.lines][-1] == "lamb" and len(shown.lines) == 8
    assert shown.header == ["Optimizer", "measured", "n"]
    assert shown.caption == "test top-1 accuracy" and grids.width(shown) < 80


def test_progress_is_a_line_a_table_on_stderr(written):
    lines = written[0]["stderr"].splitlines()
    assert lines[0].startswith("reading the runs under ")
    assert lines[1] == "[1/35] Table 1: 10 not run"
    assert [line.partition("]")[0] for line in lines[1:]] == [f"[{n}/35" for n in range(1, 36)]


def test_layers_are_named_in_the_pictures_of_trust_ratios(written):
    svg = (written[2] / "figures" / "figure9-laptop.svg").read_text()
    assert "a/kernel</text>" in svg and "<title>adapted by LAMB: a/kernel, trust ratio 0.5" in svg


def test_a_folders_name_is_no_markup_in_the_markdown(make_run, tmp_path, capsys):
    odd = tmp_path / "<script>alert(1)</script>\n<b>"
    make_run("table7/lamb", folder=odd / "run", settings={"learning_rate": "0.01"})
    make_run("table7/lamb", folder=odd / "again", settings={"learning_rate": "0.01"})
    assert call(f"--runs={odd}", "--table=7", f"--output_dir={tmp_path / 'page'}") == 0
    text = (tmp_path / "page" / "report.md").read_text()
    assert "&lt;script>" in text and "<script" not in text and "<b>" not in text
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.M):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    assert "<script>alert" not in (tmp_path / "page" / "report.html").read_text()
    assert "\n<b>" not in capsys.readouterr().out


def test_a_plain_report_is_the_same_page_of_the_tables_asked_for(make_run, tmp_path, written):
    make_run("table7/lamb", accuracy=0.9931, settings={"learning_rate": "0.01"})
    assert call(f"--runs={tmp_path}", "--table=7", f"--output_dir={tmp_path / 'page'}") == 0
    page = Page((tmp_path / "page" / "report.html").read_text())
    assert {"claims", "results", "index", "table7"} <= set(page.ids) and "table5" not in page.ids
    card = re.compile(r"<section class=card id='table7'>.*?</section>", re.DOTALL)
    cards = [
        re.sub(r"runs0?/|\d+ overridden", "", card.search(text)[0])
        for text in ((tmp_path / "page" / "report.html").read_text(), written[0]["report.html"])
    ]
    assert cards[0] == cards[1]


def test_where_a_value_is_from_stands_in_its_card_and_in_the_markdown(written):
    page = Page(written[0]["report.html"])
    told = page.sections["table5-laptop"]
    assert "Where each value is from" in told and "laptop/table5/lamb-512/seed=0" in told
    assert "0123456789" in told and "TensorFlow 2.15.1" in told and "1 x CPU:0" in told
    assert "| laptop/table5/lamb-512/seed=0 | 0 | 0123456789 |" in written[0]["report.md"].replace(
        "| table5/lamb-512 ", ""
    )


def test_the_verdicts_on_a_tables_claims_stand_beside_it_with_their_figures(written):
    card = re.search(
        r"<section class=card id='table7'>.*?</section>", written[0]["report.html"], re.DOTALL
    )[0]
    [line] = re.findall(r"<li>.*?mean accuracy over 5 runs.*?</li>", card)
    assert "<span class='badge cannot-tell'>cannot tell</span>" in line
    assert "href='#claim-" in line and "n = 1" in line
    assert card.index("mean accuracy over 5 runs on") < card.index("<table>")


def test_every_picture_says_what_its_bars_are_and_in_which_units(written):
    files = sorted((written[2] / "figures").glob("*.svg"))
    assert len(files) > 20
    for path in files:
        text = path.read_text()
        assert re.search(r"n = \d|Of one run|Of one time each|printed|Ring", text), path.name
    assert "loss, nats</text>" in (written[2] / "figures" / "table5-laptop-loss.svg").read_text()
    assert "F1 score on dev set, %" in (written[2] / "figures" / "table1-batches.svg").read_text()
    assert "scaling efficiency, %" in (written[2] / "figures" / "figure8.svg").read_text()
