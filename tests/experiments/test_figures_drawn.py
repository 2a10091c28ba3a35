"""What the page's figures show: the numbers behind each picture, and when there is none."""

from __future__ import annotations

import json
import re

import pytest

from largebatch.experiments.records.reader import read_run
from largebatch.experiments.reporting.figures import (
    batches,
    efficiency,
    loss_accuracy,
    pictures,
    trust_ratios,
)
from largebatch.experiments.reporting.figures import tuning as figures_tuning
from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.tables import registry


def table_of(tmp_path, table, scale="paper"):
    return next(t for t in gather(str(tmp_path), [table]).tables if t.scale == scale)


def test_a_run_that_several_tables_show_is_one_point_of_figure_5(make_run, tmp_path):
    for seed in range(5):
        values = {"top1": 0.9 + seed / 100, "loss": 0.3}
        make_run("table5/lamb-16384", scale="laptop", seed=seed, metrics=values)
    make_run("table5/lamb-512", scale="laptop", status="diverged")
    make_run("table5/lamb-512", metrics={"top1": 0.7, "loss": 1.0})
    report = gather(str(tmp_path), ["table3", "table5", "batch_sizes"])
    [cloud] = loss_accuracy.clouds(report, "laptop")
    assert (cloud.model, cloud.dataset, len(cloud.runs)) == ("lenet5", "mnist", 5)
    assert loss_accuracy.clouds(report, "paper") == []
    assert "</svg>" in loss_accuracy.draw(cloud)


def test_the_printed_efficiencies_are_those_that_the_paper_quotes():
    printed = dict(zip(efficiency.NAMES, efficiency.printed()))
    # Section 4.1: 76.7 %, appendix H.0.1: 101.8 %, of 82.8 h on 16 and 76.19 min on 1024 chips.
    assert printed["table1/lamb-512"] == 1
    assert printed["table1/lamb-32768"] == pytest.approx(0.767, abs=5e-4)
    assert printed["table1/lamb-65536-32768"] == pytest.approx(1.018, abs=1e-3)
    predicted = efficiency.predicted()
    assert all(abs(p - q) < 0.1 for p, q in zip(predicted, printed.values()))


def test_the_measured_efficiency_is_of_runs_on_several_numbers_of_devices(make_run, tmp_path):
    values = {"metrics": {"f1": 91.0}}
    make_run("table1/lamb-512", wall_seconds=1000.0, num_devices=16, **values)
    cells = table_of(tmp_path, "table1").cells
    assert efficiency.measured(cells) == [None] * 8
    make_run("table1/lamb-1024", wall_seconds=625.0, num_devices=32, **values)
    cells = table_of(tmp_path, "table1").cells
    assert efficiency.measured(cells)[:3] == [1.0, 0.8, None]


def test_trust_ratios_are_read_from_the_log_where_the_result_has_none(make_run, tmp_path):
    folder = make_run("table5/lamb-32768", scale="laptop", metrics={"top1": 0.9, "loss": 0.3})
    assert trust_ratios.iterations(read_run(str(folder))) == []
    records = [{"kind": "eval", "step": 1}]
    records += [
        {"kind": "layers", "step": n, "epoch": n / 2, "layers": {"k": [1.0, 2.0, 0.1 * n]}}
        for n in range(1, 12)
    ]
    text = "\n".join(json.dumps(record) for record in records)
    (folder / "metrics.jsonl").write_text(text + '\n{"kind": "lay')
    panels = trust_ratios.iterations(read_run(str(folder)))
    assert [panel.step for panel in panels] == [1, 3, 5, 7, 9, 11]
    assert panels[0].ratios == {"k": pytest.approx(0.1)}
    assert trust_ratios.span(panels) == (pytest.approx(0.1), pytest.approx(1.1))
    table = table_of(tmp_path, "figure9", "laptop")
    assert trust_ratios.shown_run(table.cells).folder == str(folder)


@pytest.mark.parametrize(
    "layers",
    [[None], [{"step": 1}], [{"step": "1", "layers": {"a": [1, 1, 1]}}],
     [{"step": 1, "layers": {"a": [1, 1], "b": "x", "c": [1, 1, None]}}]],
)  # fmt: skip
def test_records_that_are_not_of_layers_give_no_picture(make_run, layers):
    folder = make_run("table5/lamb-32768", layers=layers, metrics={"top1": 0.7, "loss": 1})
    assert trust_ratios.iterations(read_run(str(folder))) == []


def test_a_ratio_of_zero_does_not_break_the_logarithmic_axis():
    layers = trust_ratios.Layers(1, None, {"a": 0.0, "b": 2.0})
    low, high = trust_ratios.span([layers])
    assert (low, high) == (2.0, 2.0)
    assert "</svg>" in trust_ratios.draw(layers, high, low)


def test_table_3_quotes_the_best_of_every_tuning_set(tmp_path):
    best = {}
    for tuning in figures_tuning.SETS:
        cells = [c for t in tuning.tables for c in table_of(tmp_path, t).cells]
        found = figures_tuning.printed_best(cells)
        if found.printed > best.get(tuning.quoted, found).printed or tuning.quoted not in best:
            best[tuning.quoted] = found
    assert len(best) == 6
    for quoted, cell in best.items():
        row = registry.find(quoted)
        assert row.run_name == cell.row.name and row.paper_top1 == pytest.approx(
            cell.printed, abs=1e-4
        )


def test_all_tuning_tables_are_in_one_set_each():
    tables = [table for tuning in figures_tuning.SETS for table in tuning.tables]
    assert tables == [f"table{number}" for number in range(9, 26)]


def test_the_best_is_told_as_printed_as_quoted_and_as_measured(make_run, tmp_path):
    make_run("table17/adamw-rate0.004", metrics={"top1": 0.6, "loss": 1})
    cells = [c for n in range(17, 21) for c in table_of(tmp_path, f"table{n}").cells]
    tuning = next(t for t in figures_tuning.SETS if t.anchor == "tuning-adamw")
    printed, measured = figures_tuning.sentences(tuning, cells)
    assert printed == (
        "Printed best: 0.6727 at rate 0.002, weight decay 1e-05 (Table 17), which Table 3 quotes "
        "as 0.6727 for adamw."
    )
    assert measured == (
        "Measured best: 0.6000 at rate 0.004, weight decay 1e-05 (Table 17); 1 of 80 points are "
        "measured."
    )
    tuning = next(t for t in figures_tuning.SETS if t.anchor == "tuning-adamw-l2")
    cells = [c for n in range(13, 17) for c in table_of(tmp_path, f"table{n}").cells]
    [printed] = figures_tuning.sentences(tuning, cells)
    assert printed.endswith("Table 3 quotes 0.6727 for adamw, from Table 17.")


def test_a_tuning_picture_has_a_curve_a_weight_decay_and_the_best_ringed(make_run, tmp_path):
    for rate in ("0.002", "0.004"):
        make_run(f"table17/adamw-rate{rate}", metrics={"top1": 0.6, "loss": 1})
    cells = [c for n in range(17, 21) for c in table_of(tmp_path, f"table{n}").cells]
    svg = figures_tuning.draw(cells)
    for name in ("1e-05: printed", "1e-05: measured", "0.0001: printed", "0.01: printed"):
        assert f"weight decay {name}" in svg
    assert "Ring: the best" in svg
    make_run("table17/adamw-rate0.002", scale="laptop", metrics={"top1": 0.6, "loss": 1})
    assert figures_tuning.draw(table_of(tmp_path, "table17", "laptop").cells) is None


def test_a_picture_over_batch_sizes_needs_three_of_them(make_run, tmp_path):
    for batch in (512, 1024):
        make_run(f"table5/lamb-{batch}", scale="laptop", metrics={"top1": 0.97, "loss": 0.1})
    assert batches.over_batches(table_of(tmp_path, "table5", "laptop")) is None
    make_run("table5/lamb-2048", scale="laptop", metrics={"top1": 0.97, "loss": 0.1})
    assert "batch size" in batches.over_batches(table_of(tmp_path, "table5", "laptop"))
    # What is printed is a picture before anything was run.
    assert "LAMB: printed" in batches.over_batches(table_of(tmp_path / "none", "table5"))
    assert batches.by_optimizer(table_of(tmp_path / "none", "table6")) is None


def test_a_picture_of_text_over_batch_sizes_has_a_line_for_each_floor(make_run, tmp_path):
    floors = {"masked_lm_accuracy": {"unigram": 0.06, "left_bigram": 0.134}, "loss": {"x": 1.0}}
    for batch in (512, 1024, 2048):
        values = {"metrics": {"masked_lm_accuracy": 0.1}, "floors": floors}
        make_run(f"table1/lamb-{batch}", scale="laptop", **values)
    svg = batches.over_batches(table_of(tmp_path, "table1", "laptop"))
    assert re.findall(r"floor: ([\w ]+)</text>", svg) == ["unigram", "left bigram"]
    make_run("table5/lamb-2048", scale="laptop", metrics={"top1": 0.97, "loss": 0.1})
    assert "floor" not in batches.over_batches(table_of(tmp_path, "table5"))


def test_figures_6_and_7_show_the_runs_of_their_own_scale(make_run, tmp_path):
    history = [{"step": n, "progress": n / 40, "loss": 8 - n / 40} for n in range(1, 41)]
    record = {"train_history": history, "metrics": {"masked_lm_accuracy": 0.1}}
    make_run("table1/lamb-512", scale="laptop", **record)
    make_run("table1/lamb-65536-32768", scale="laptop", **record)
    mixed = make_run(
        "table1/lamb-65536-32768", scale="laptop", settings={"rewarmup": "false"}, **record
    )
    assert mixed.exists()
    report = gather(str(tmp_path), ["table1"])

    def shown(number, scale):
        tables = [table for table in report.tables if table.scale == scale]
        cells = [cell for table in tables for cell in table.cells]
        name = f"figure{number}" if scale == "paper" else f"figure{number}-{scale}"
        return pictures.losses_of_bert(pictures.Asked(name, report, scale, tables, cells))

    assert shown("6", "paper") == shown("7", "paper") == ([], [])
    [six], _ = shown("6", "laptop")
    assert "batch 1" in six.svg and "NVIDIA" not in six.svg
    [seven], [note] = shown("7", "laptop")
    assert "no re-warm-up" in seven.svg and "overridden run" in note
