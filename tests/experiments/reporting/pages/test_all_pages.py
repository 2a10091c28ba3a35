"""report --all: every table and figure, on the page and as Markdown."""

from __future__ import annotations

import re

from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.reporting.pages import entries
from largebatch.experiments.tables import registry


def test_every_table_figure_and_study_has_an_entry(written, read):
    page = read(written[0]["report.html"])
    figures = {f"figure{number}" for number in range(1, 15)}
    assert figures | {t for t in registry.TABLES} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    for name in registry.TABLES:
        assert f"<!-- {name} -->" in written[0]["report.md"] or name.startswith("table")
    for number in range(1, 26):
        assert f"Table {number}" in page.sections[f"table{number}"]


def test_what_was_not_run_says_so_and_how_to_run_it(written, read):
    page = read(written[0]["report.html"])
    assert "20 not run" in page.sections["tuning-adamw-l2"].replace("\xa0", " ")
    assert "sweep --table=13 --seeds=1 --data_dir=DIR" in page.sections["tuning-adamw-l2"]
    assert "sweep --rows='table1/lamb-*' --seeds=1" in page.sections["figure6"]
    assert "7 not run" in page.sections["figure6"]


def test_a_scale_has_a_block_of_its_own_without_printed_values(written, read):
    page = read(written[0]["report.html"])
    laptop = page.sections["table5-laptop"]
    assert "0.9795" in laptop and "laptop scale" in laptop
    assert "0.7696" not in laptop and "printed" not in laptop.replace("not printed", "")
    paper = page.sections["table5"].replace(laptop, "")
    assert "0.7696" in paper and "0.7700" in paper and "0.9795" not in paper
    assert all(word in paper for word in ("1 measured", "1 diverged", "1 interrupted"))


def test_an_overridden_run_is_in_its_own_card_alone(written, read):
    page = read(written[0]["report.html"])
    assert "0.4444" in page.sections["overridden"]
    assert "0.4444" not in page.sections["table7"] and "0.9931" in page.sections["table7"]
    assert "half-written" in page.sections["left-out"]


def test_counts_are_told_at_a_glance_and_on_the_terminal(written):
    texts, output, _ = written
    rows = sum(len(registry.module(table).ROWS) for table in registry.TABLES)
    counts = dict(re.findall(r"^  (\S+): (.*)$", output, flags=re.M))
    assert sum(int(number) for number in re.findall(r"\d+", counts["paper"])) == rows
    assert counts["overridden"] == "1" and "half-written" in output


def test_the_trust_ratios_are_six_pictures_of_six_iterations(written, read):
    page = read(written[0]["report.html"])
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


def test_all_and_one_table_contradict_each_other(tmp_path, capsys, call):
    assert call(f"--runs={tmp_path}", "--all", "--table=7", f"--output_dir={tmp_path}") == 2
    assert "--table=7" in capsys.readouterr().err
    assert call(f"--runs={tmp_path}", "--all") == 2
    assert "--output_dir" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, capsys, call):
    (tmp_path / "page").write_text("")
    assert call(f"--runs={tmp_path}", "--all", f"--output_dir={tmp_path / 'page'}") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_without_runs_has_every_entry_and_measures_nothing(tmp_path, capsys, read, call):
    assert call(f"--runs={tmp_path}", "--all", f"--output_dir={tmp_path / 'page'}") == 0
    output = capsys.readouterr().out
    assert output.startswith(f"No runs under {tmp_path}.") and "measured" not in output
    page = read((tmp_path / "page" / "report.html").read_text())
    assert {f"figure{n}" for n in range(1, 15)} <= set(page.ids)
    assert not re.search(r"[1-9]\d* measured", (tmp_path / "page" / "report.html").read_text())


def test_runs_of_any_foreign_shape_are_named_and_never_a_traceback(
    make_run, tmp_path, capsys, call
):
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
