"""The learning rate over a whole run, stage by stage."""

import dataclasses

import pytest

from largebatch.experiments.tables import registry
from largebatch.experiments.tools import rate_trace

MIXED = registry.find("table1/lamb-65536-32768")
NVIDIA = registry.find("table1/lamb-65536-32768-nvidia")
UNTUNED = registry.find("table1/lamb-32768")


def rates(row, *steps):
    return [rate for _, rate in rate_trace.trace(row, list(steps))]


def test_the_mixed_batch_warms_up_again_from_zero_in_stage_2():
    # Decay is eta_0 (1 - t/T): it has run since the stage's first update.
    for row, peak, warmup, peak2, warmup2 in (
        (MIXED, 5e-3 * 2**0.5, 2815, 5e-3, 312),  # 2/5 of 7037 updates, 1/5 of 1562
        (NVIDIA, 6e-3, 2000, 4e-3, 200),
    ):
        wanted = [0, peak * 1000 / warmup, peak * (1 - warmup / 7037)]
        assert rates(row, 0, 1000, warmup) == pytest.approx(wanted)
        assert rates(row, 7036) == pytest.approx([peak / 7037], rel=1e-3)
        stage2 = rates(row, 7037, 7037 + 100, 7037 + warmup2, 8598)
        wanted = [0, peak2 * 100 / warmup2, peak2 * (1 - warmup2 / 1562), peak2 / 1562]
        assert stage2 == pytest.approx(wanted, rel=1e-3)


def test_without_re_warm_up_stage_2_goes_on_down_the_line():
    row = dataclasses.replace(NVIDIA, rewarmup=False)
    assert rates(row, 7036) == pytest.approx([6e-3 * (8599 - 7036) / 8599])
    assert rates(row, 7037) == pytest.approx([4e-3 * (8599 - 7037) / 8599])
    assert rates(row, 8598) == pytest.approx([4e-3 / 8599], rel=1e-3)
    assert row.stages[1].warmup_steps == 0


def test_an_untuned_row_is_one_schedule_over_both_stages():
    # Table 4: 3125 of the 15625 iterations are warm-up; the longer sequences change nothing.
    steps = (0, 1562, 3125, 14062, 14063, 15624)
    wanted = [0, 5e-3 * 1562 / 3125] + [5e-3 * (1 - t / 15625) for t in steps[2:]]
    assert rates(UNTUNED, *steps) == pytest.approx(wanted, rel=1e-4)


def of_each_schedule():
    """One row of each schedule, length and pair of rates: rows of a grid share theirs."""
    shapes = {}
    for row in registry.all_rows().values():
        shape = (row.schedule, row.stages if row.task == "pretraining" else row.steps)
        shapes.setdefault(shape, row.name)
    return list(shapes.values())


@pytest.mark.parametrize("name", of_each_schedule())
def test_no_rate_is_above_the_rows_peak_or_below_zero(name):
    row = registry.find(name)
    peak = max(stage.learning_rate for stage in row.stages)
    for step, rate in rate_trace.trace(row, rate_trace.landmarks(row)):
        assert 0 <= rate <= peak * (1 + 1e-6), step


def call(*arguments):
    return rate_trace.program(["rate_trace", *arguments])


def test_the_program_prints_the_landmarks_and_draws(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(rate_trace, "POINTS", 10)
    picture = tmp_path / "rate.svg"
    assert call(f"--experiment={MIXED.name}", f"--output={picture}") == 0
    output = capsys.readouterr().out
    assert "7037            0" in output and "8598" in output
    assert "</svg>" in picture.read_text()


def test_a_picture_of_unknown_kind_is_refused(capsys):
    assert call(f"--experiment={MIXED.name}", "--output=rate.txt") == 2
    assert "rate.txt: want a file that ends in .svg" in capsys.readouterr().err
