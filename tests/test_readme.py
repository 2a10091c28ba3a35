"""The README's tables are the report of the committed results, and its commands exist."""

import re
from pathlib import Path

import pytest

from largebatch.experiments import (
    export,
    figures,
    paper_map,
    rate_trace,
    registry,
    report,
    run,
    scaling_model,
    sweep,
)
from largebatch.experiments.report_model import gather
from largebatch.experiments.report_text import as_markdown
from largebatch.experiments.runs import find_runs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
TABLES = [
    *("table7", "table6", "table1-laptop", "table2-laptop", "table8-laptop"),
    *("table3-laptop", "table5-laptop", "figure1-laptop", "figure2-laptop", "figure3-laptop"),
]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_that_of_the_committed_results(table, monkeypatch):
    monkeypatch.chdir(ROOT)
    block = re.search(f"<!-- {table} -->\n(.*?)<!-- /{table} -->", README, re.DOTALL).group(1)
    lines = [line for line in block.splitlines() if line.strip()]
    assert lines
    # python -m largebatch.experiments.report --runs=results --table=7 --format=markdown
    reported = as_markdown(gather("results", [table.partition("-")[0]])).splitlines()
    assert [line for line in lines if line not in reported] == []


def test_the_scaling_models_table_is_what_it_prints(capsys):
    block = re.search("<!-- scaling -->\n(.*?)<!-- /scaling -->", README, re.DOTALL).group(1)
    for name in scaling_model.FLAGS:
        scaling_model.FLAGS[name].unparse()
    assert scaling_model.program(["scaling_model", "--format=markdown"]) == 0
    printed = capsys.readouterr().out
    assert block.count("\n") == 11 and block in printed


def test_every_flag_and_row_that_the_readme_names_exists():
    modules = {"run": run, "sweep": sweep, "report": report}
    modules.update(export=export, rate_trace=rate_trace, figures=figures)
    modules.update(scaling_model=scaling_model, paper_map=paper_map)
    programs = {name: module.FLAGS for name, module in modules.items()}
    commands = re.findall(r"python -m largebatch\.experiments\.(\w+)(.*)", README)
    assert commands
    for program, arguments in commands:
        for flag in re.findall(r"--(\w+)", arguments.split("#")[0]):
            assert flag in programs[program], f"{program} has no --{flag}"
        for row in re.findall(r"--experiment=(\S+)", arguments):
            registry.find(row)


def test_every_file_and_folder_that_the_readme_links_is_there():
    links = re.findall(r"\]\(((?:docs|results)/[^)#]+)\)", README)
    assert any(link.startswith("results/") for link in links)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_what_the_readme_says_of_results_and_rows_is_so():
    folders = {path.parts[-2] for path in (ROOT / "results" / "laptop").glob("*/*")}
    said = re.search(r"Results of Tables 3 and 5.*?ImageNet\.", README, re.DOTALL)[0]
    assert {"table3", "table5", "figure1", "figure2", "figure3", "batch_sizes"} <= folders
    assert any((ROOT / "results" / "laptop-cifar10").glob("table5/*"))
    assert any((ROOT / "results" / "lstm").glob("*/seed=0"))
    # The lecture's rows are in, and nothing was run at the paper's scale of ImageNet.
    assert registry.matching("alexnet/*") and registry.matching("lstm/*")
    assert "Nothing has been run on the whole of ImageNet" in said
    runs = find_runs(str(ROOT / "results"))[0]
    imagenet = [run for run in runs if run.row["dataset"] == "imagenet2012"]
    assert all(run.row["examples"] for run in imagenet)  # a part of it
