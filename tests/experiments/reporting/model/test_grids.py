"""Tables as the paper lays them out."""

from __future__ import annotations

from largebatch.experiments.reporting.model import grids
from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.tables import registry


def grid_of(tmp_path, table):
    [made] = gather(str(tmp_path), [table]).tables
    return grids.grid(made)


def texts_of(line):
    return [item.text for item in line]


def test_tables_are_laid_out_as_the_paper_prints_them(tmp_path):
    table1 = grid_of(tmp_path, "table1")
    assert table1.header[:4] == ["Solver", "batch size", "steps", "F1 score on dev set: printed"]
    assert texts_of(table1.lines[8])[:4] == ["LAMB 64k/32k", "65536/32768", "8599", "90.584"]
    assert ["1024", "76.19m"] == texts_of(table1.lines[8])[5:7]
    table2 = grid_of(tmp_path, "table2")
    assert table2.header == ["Batch size", "512", "1K", "2K", "4K", "8K", "16K", "32K"]
    assert texts_of(table2.lines[0])[-2:] == ["89.589", "diverged"]
    table3 = grid_of(tmp_path, "table3")
    assert table3.header[1:] == [
        "adagrad/adagrad+", "adam/adam+", "adamw/adamw+", "momentum", "lamb"
    ]  # fmt: skip
    assert texts_of(table3.lines[0])[1:3] == ["0.5538 / 0.7201", "0.6604 / 0.7348"]
    table4 = {line[0].text: texts_of(line)[1:] for line in grid_of(tmp_path, "table4").lines}
    assert table4["learning rate"][0] == "5/(2^3.0·10^3)" and table4["warm-up ratio"][-1] == "1/5"
    assert table4["exact match: printed"][0] == "85.090"
    table5 = {line[0].text: texts_of(line)[1:] for line in grid_of(tmp_path, "table5").lines}
    assert table5["learning rate"][-1] == "4/(2^0.0·10^2)"
    assert table5["warm-up epochs"] == ["0.3125", "0.625", "1.25", "2.5", "5", "10", "20"]
    table8 = grid_of(tmp_path, "table8")
    assert "loss=8.04471, step=28126" in texts_of(table8.lines[0])
    table13 = grid_of(tmp_path, "table13")
    assert texts_of(table13.lines[0])[:4] == ["0.0001", "1e-05", "default (0.01)", "0.5331"]
    limit = grid_of(tmp_path, "limit")
    assert limit.header[-1] == "all of ImageNet"
    for line in limit.lines[:6]:  # the steps of the recipe on ImageNet
        assert {item.statuses for item in line[1:]} == {("not run",), ()}
    texts = {line[0].text: texts_of(line) for line in limit.lines}
    assert "0.9887 (log)" in texts["MNIST, LAMB: printed"]
    assert "0.7535 (log)" in texts["LAMB as run: printed"]


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
