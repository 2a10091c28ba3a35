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
