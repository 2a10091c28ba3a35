"""The figures of BERT's training loss."""

import re

import pytest

from largebatch.experiments.plots import chart
from largebatch.experiments.records.reader import find_runs
from largebatch.experiments.reporting.figures import bert_loss
from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.reporting.pages import entries, page
from largebatch.experiments.tables import registry

MIXED = "table1/lamb-65536-32768"


def call(*arguments):
    return bert_loss.program(["figures", *arguments])


@pytest.fixture
def text_run(make_run):
    """A finished laptop run of BERT whose loss falls by its share of the examples."""

    def made(name, rise=0.0, **changes):
        losses = [(n, 8 + rise - n / 100) for n in range(1, 101)]
        history = [{"step": n, "progress": n / 100, "loss": loss} for n, loss in losses]
        record = {"train_history": history, "history": [], "metrics": {"masked_lm_accuracy": 0.1}}
        return make_run(name, scale="laptop", **{**record, **changes})

    return made


def test_figure_6_has_a_line_a_batch_size_from_the_rows_own_settings(text_run, tmp_path):
    text_run("table1/lamb-512")
    text_run("table1/lamb-512", seed=1, rise=0.5)
    text_run("table1/lamb-32768")
    text_run("table1/lamb-1024", settings={"learning_rate": "0.5"})
    text_run("table1/lamb-2048", status="running", with_result=False)
    runs = [run for run in find_runs(str(tmp_path))[0] if run.status == "finished"]
    first, second = bert_loss.batch_sizes(runs)
    assert (first.label, first.seeds) == ("batch 16", 2)
    assert (second.label, second.seeds) == ("batch 1024", 1)
    assert len(first.points) == len(second.points) == bert_loss.SMOOTHED
    end, lone = first.points[-1], second.points[-1]
    assert (end.x, end.y, end.spread) == (1.0, *map(pytest.approx, (7.27, 0.5 / 2**0.5)))
    assert (lone.x, lone.y, lone.spread) == (1.0, pytest.approx(7.02), 0)
    assert "Band: ± 1 standard deviation over n = 1 to 2 seeds." in bert_loss.draw(
        [first, second], ""
    )


def test_figure_7_sets_the_ablation_beside_the_mixed_batch(text_run, tmp_path):
    text_run(MIXED)
    text_run(f"{MIXED}-nvidia")
    text_run(f"{MIXED}-nvidia", settings={"rewarmup": "false"})
    text_run(MIXED, settings={"rewarmup": "false"})
    text_run(MIXED, settings={"dropout": "0.2"})
    text_run(MIXED, settings={"dropout": "0.3"}, overrides={})  # the row as it was before
    runs, _ = find_runs(str(tmp_path))
    curves = bert_loss.mixed_batch(runs)
    assert [curve.label for curve in curves] == [
        "the paper's rules",
        "the paper's rules, no re-warm-up",
        "NVIDIA's rates",
        "NVIDIA's rates, no re-warm-up",
    ]
    # Of 72 updates at 2,048 and 8 at 1,024.
    assert [curve.second_stage for curve in curves] == [pytest.approx(147_456 / 155_648)] * 4
    assert "second stage begins" in bert_loss.draw(curves, "")


def test_a_seed_that_diverged_or_has_no_curve_does_not_cut_the_others_short(text_run, tmp_path):
    text_run(MIXED)
    early = [{"step": n, "progress": n / 100, "loss": 9.0} for n in range(1, 31)]
    text_run(MIXED, seed=1, status="diverged", train_history=early)
    text_run(MIXED, seed=2, train_history=[])
    text_run(MIXED, settings={"rewarmup": "false"}, status="diverged", train_history=early)
    text_run(f"{MIXED}-nvidia", train_history=[])
    runs, _ = find_runs(str(tmp_path))
    mixed, ablation = bert_loss.curves("figure7", runs)
    assert (mixed.seeds, len(mixed.points), mixed.points[-1].x) == (1, bert_loss.SMOOTHED, 1.0)
    assert (ablation.seeds, ablation.points[-1].x) == (1, 0.3)


def test_runs_without_a_curve_are_no_figure(text_run, tmp_path, capsys):
    text_run(MIXED, train_history=[])
    assert call(f"--runs={tmp_path}", "--scale=laptop", f"--output_dir={tmp_path / 'out'}") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_ablation_alone_is_a_folded_card_with_its_picture(text_run, tmp_path):
    text_run(MIXED, settings={"rewarmup": "false"})
    report = gather(str(tmp_path), ["table1"])
    text = page.as_html(report, entries.entries(report))
    assert "<details class=card id='figure7'>" in text and "no re-warm-up" in text


def test_the_program_writes_the_pictures_that_there_are_runs_for(text_run, tmp_path, capsys):
    text_run(MIXED)
    output = tmp_path / "pictures"
    assert call(f"--runs={tmp_path}", "--scale=laptop", f"--output_dir={output}") == 0
    said = capsys.readouterr().out
    assert "figure6: none of its runs is there" in said
    assert re.search(r"</svg>\s*$", (output / "figure7-laptop.svg").read_text())


def test_a_folder_that_is_not_there_is_one_line(capsys):
    assert call("--runs=/nowhere/at/all", "--output_dir=x") == 2
    assert capsys.readouterr().err.startswith("error: --runs=/nowhere/at/all")


def test_every_batch_of_figure_6_is_a_row():
    for batch in bert_loss.BATCHES:
        assert registry.find(f"table1/lamb-{batch}").batch_size == batch


def test_the_program_draws_what_the_report_draws(text_run, tmp_path):
    text_run("table1/lamb-512")
    text_run(MIXED, settings={"rewarmup": "false"})
    output = tmp_path / "pictures"
    assert call(f"--runs={tmp_path}", "--scale=laptop", f"--output_dir={output}") == 0
    made = gather(str(tmp_path), ["table1"])
    found = {p.name: p for p in entries.all_pictures(entries.entries(made))}
    for name in ("figure6-laptop", "figure7-laptop"):
        assert (output / f"{name}.svg").read_text() == chart.as_file(found[name].svg)
