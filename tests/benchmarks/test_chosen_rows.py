"""The benchmark of the last layer's chosen rows: what it compares is one model, and it says so."""

import json
import sys

import pytest
import tensorflow as tf

from largebatch.benchmarks import chosen_rows

OPTIONS = {"model": "bert_tiny", "batch": 2, "sequence_length": 8, "predictions": 2}
OPTIONS |= {"vocabulary": 50, "rounds": 2}


def test_both_steps_are_of_one_model_and_the_faster_has_the_ratio_above_one(monkeypatch):
    def forward_alone(forward, variables, batch, xla):  # an update takes seconds to compile
        batch = {name: tf.constant(value) for name, value in batch.items()}
        return lambda: float(sum(tf.reduce_sum(logits**2) for logits in forward(batch)))

    monkeypatch.setattr(chosen_rows, "training_step", forward_alone)
    found = chosen_rows.measured(**OPTIONS)
    before, now = (found["first_losses"][name] for name in (chosen_rows.BEFORE, chosen_rows.NOW))
    assert now == pytest.approx(before, rel=1e-5)
    assert set(found["tokens_per_core_second"]) == {chosen_rows.BEFORE, chosen_rows.NOW}
    times = found["processor_seconds"]
    assert found["rate_over_before"] == chosen_rows.ratio(
        times[chosen_rows.NOW], times[chosen_rows.BEFORE]
    )


def test_each_kind_of_process_has_one_thread_and_its_kernels(monkeypatch):
    seen = []

    def run(command, env, **_):
        seen.append((env["TF_ENABLE_ONEDNN_OPTS"], env["OMP_NUM_THREADS"]))
        assert command[:3] == [sys.executable, "-m", "largebatch.benchmarks.chosen_rows"]
        assert "--child" in command and "--batch=2" in command

        class Found:
            stdout = 'noise\n{"a": 1}\n'

        return Found

    monkeypatch.setattr(chosen_rows.subprocess, "run", run)
    found = [chosen_rows.in_a_process(onednn, OPTIONS) for onednn in (True, False)]
    assert found == [{"a": 1}] * 2
    assert seen == [("1", "1"), ("0", "1")]


def test_the_committed_figures_are_half_as_fast_again():
    path = chosen_rows.Path(__file__).parents[2] / "results" / "benchmarks" / "chosen_rows.json"
    found = json.loads(path.read_text())
    assert (found["model"], found["batch"]) == ("bert_tiny", 256)
    assert min(found["rate_over_before"].values()) > 1.2
    assert found["rate_over_before_of_both"] > 1.5
    for one in (one for kind in found["processes"].values() for one in kind):
        first = one["first_losses"]
        assert first[chosen_rows.NOW] == pytest.approx(first[chosen_rows.BEFORE], rel=1e-4)
