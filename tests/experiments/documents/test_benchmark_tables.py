import json

import pytest

from largebatch.checkout import PACKAGE
from largebatch.experiments.documents import benchmark_tables

RESULTS = PACKAGE / "results"


@pytest.mark.parametrize("name", benchmark_tables.BLOCKS)
def test_a_block_is_a_table_of_the_committed_figures(name):
    head, rule, *rows = [
        line for line in benchmark_tables.BLOCKS[name](RESULTS).splitlines() if "|" in line
    ]
    assert head.count("|") == rule.count("|") and rows
    assert all(row.count("|") == head.count("|") for row in rows)


def test_another_measurement_is_another_number(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    figures = json.loads((RESULTS / "benchmarks" / "bert_step_float32.json").read_text())
    figures["rate_over_official"] = 7.89
    for precision in ("float32", "bfloat16"):
        (tmp_path / "benchmarks" / f"bert_step_{precision}.json").write_text(json.dumps(figures))
    assert benchmark_tables.BLOCKS["bert-step"](tmp_path).count("| 7.89 |") == 2
