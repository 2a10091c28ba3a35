"""What a run on a GPU records of rates that trials chose, and of its speed."""

import copy
import json

import pytest

from largebatch.benchmarks.gpu_runs import Runs, _scale_second_rate, _update_seconds
from largebatch.benchmarks.gpu_schedule import Job

MANIFEST = {"rates": {"own": 0.4}, "stages": [{"follows_rate": True}, {"follows_rate": False}]}
RECORD = {
    "overrides": {},
    "row": {"stage2_learning_rate": 0.2, "stages": [{}, {"learning_rate": 0.2}]},
}


def test_a_factor_is_one_on_the_rates_of_both_stages():
    record, manifest = copy.deepcopy(RECORD), copy.deepcopy(MANIFEST)
    _scale_second_rate(record, manifest, 0.2)
    assert record["row"]["stage2_learning_rate"] == 0.1
    assert record["row"]["stages"][1]["learning_rate"] == 0.1
    assert record["overrides"] == {"stage2_learning_rate": 0.1}
    assert manifest["stages"][1]["follows_rate"]


def test_the_rows_own_rate_and_a_row_of_one_rate_stay_as_they_are():
    for rate, second in ((0.4, 0.2), (0.2, None)):
        record, manifest = copy.deepcopy(RECORD), copy.deepcopy(MANIFEST)
        record["row"]["stage2_learning_rate"] = second
        before = copy.deepcopy((record, manifest))
        _scale_second_rate(record, manifest, rate)
        assert (record, manifest) == before


def test_a_run_takes_the_factor_of_its_optimizers_best_trial():
    runs = object.__new__(Runs)
    runs.scores = {"lamb": {}, "lars": {}}
    job = Job("prose-lamb-16", 101, 10, "prose", {"factor": "best"}, name="prose/lamb-16")
    assert runs._rate(job, MANIFEST) == 0.4  # no trial has ended: the row's own
    for factor, score in ((0.25, 0.1), (0.5, 0.3), (2.0, 0.2)):
        entry = {"part": "prose trials", "title": "prose/lamb-256 learning_rate=1 seed=100"}
        runs.note({**entry, "rate_to_own": factor, "masked_lm_accuracy": score})
    assert runs._rate(job, MANIFEST) == pytest.approx(0.2)
    assert not runs.scores["lars"]


def test_the_time_of_an_update_is_of_the_last_loop_and_its_stages_batch(tmp_path):
    row = {"stages": [{"steps": 10, "batch_size": 64}, {"steps": 5, "batch_size": 32}]}
    lines = [{"kind": "train", "step": 10, "examples_per_second": 6400.0}, {"kind": "eval"}]
    file = tmp_path / "metrics.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert _update_seconds(tmp_path, row) == pytest.approx(0.01)
    file.write_text(json.dumps({"kind": "train", "step": 12, "examples_per_second": 6400.0}) + "\n")
    assert _update_seconds(tmp_path, row) == pytest.approx(0.005)
    file.write_text("")
    assert _update_seconds(tmp_path, row) is None
