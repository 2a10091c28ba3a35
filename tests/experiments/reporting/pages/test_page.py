"""What the page and its Markdown look like."""

from __future__ import annotations

import re


def test_the_page_is_self_contained_and_well_formed(written, read):
    text = written[0]["report.html"]
    page = read(text)
    assert page.open == []
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert "@import" not in text and "url(" not in text and "http" not in text
    assert page.images == [] and text.count("<script>") == 1 and "src=" not in text
    labels = [found["aria-label"] for found in page.charts]
    assert len(labels) > 20 and all(labels)


def test_the_index_is_a_matrix_of_tables_and_scales(written):
    text = written[0]["report.html"]
    index = re.search(r"<section class=card id=index>.*?</section>", text, re.DOTALL)[0]
    head = re.findall(r"<th>(.*?)</th>", index)
    assert head[:4] == ["", "paper", "as run", "laptop"]
    [line] = [row for row in re.findall(r"<tr><th>.*?</tr>", index) if "<b>Table 5</b>" in row]
    state = r"<a class='state (\w+)' href='#([\w-]+)'[^>]*>([\d/]+)</a>"
    cells = re.findall(f"<td>(?:{state})?</td>", line)
    assert "style='--part:14%'" in line
    assert cells == [
        ("some", "table5", "1/7"), ("none", "table5", "0/7"), ("some", "table5-laptop", "4/7")
    ]  # fmt: skip
    assert (
        "| Table 5 |" in written[0]["report.md"]
        and "| 1 of 7 | 0 of 7 |" in (written[0]["report.md"])
    )


def test_claims_come_first_then_a_line_a_table_then_the_index(written, read):
    page = read(written[0]["report.html"])
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
    used = set(re.findall(r"var\((--[\w-]+)", look)) - {"--under", "--part"}
    assert used <= colours[0]
    assert re.search(r"\.grid th:first-child {[^}]*position: sticky", look)


def test_progress_is_a_line_a_table_on_stderr(written):
    lines = written[0]["stderr"].splitlines()
    assert lines[0].startswith("reading the runs under ")
    assert lines[1] == "[1/36] Table 1: 10 not run"
    assert [line.partition("]")[0] for line in lines[1:]] == [f"[{n}/36" for n in range(1, 37)]


def test_layers_are_named_in_the_pictures_of_trust_ratios(written):
    svg = (written[2] / "figures" / "figure9-laptop.svg").read_text()
    assert "a/kernel</text>" in svg and "<title>adapted by LAMB: a/kernel, trust ratio 0.5" in svg


def test_a_folders_name_is_no_markup_in_the_markdown(make_run, tmp_path, capsys, call):
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


def test_a_plain_report_is_the_same_page_of_the_tables_asked_for(
    make_run, tmp_path, written, read, call
):
    make_run("table7/lamb", accuracy=0.9931, settings={"learning_rate": "0.01"})
    assert call(f"--runs={tmp_path}", "--table=7", f"--output_dir={tmp_path / 'page'}") == 0
    page = read((tmp_path / "page" / "report.html").read_text())
    assert {"claims", "results", "index", "table7"} <= set(page.ids) and "table5" not in page.ids
    card = re.compile(r"<section class=card id='table7'>.*?</section>", re.DOTALL)
    cards = [
        re.sub(r"runs0?/|\d+ overridden", "", card.search(text)[0])
        for text in ((tmp_path / "page" / "report.html").read_text(), written[0]["report.html"])
    ]
    assert cards[0] == cards[1]


def test_where_a_value_is_from_stands_in_its_card_and_in_the_markdown(written, read):
    page = read(written[0]["report.html"])
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
