"""Runs of BERT's largest batch and of the pilot: each setting a line."""

import pytest

from largebatch.experiments.documents import bert_other_runs
from largebatch.experiments.records.reader import find_runs

LAMB, LARS, PILOT = "table1/lamb-32768", "table2/lars-32768", "table1/lamb-512"


@pytest.fixture
def made(make_run, tmp_path):
    def run(name, accuracy=0.3, **record):
        metrics = {"masked_lm_accuracy": accuracy, "masked_lm_loss": 5.0}
        make_run(name, **{"scale": "laptop", "metrics": metrics, "wall_seconds": 600.0, **record})

    run.all = lambda: find_runs(str(tmp_path))[0]
    return run


def test_each_rate_and_length_of_the_largest_batch_is_a_line_and_the_rows_own_is_marked(made):
    made(LAMB, 0.10, seed=0)
    made(LAMB, 0.20, seed=1)
    made(LAMB, settings={"total_steps": "608", "stage2_steps": "32"})
    made(LARS, status="diverged", metrics=None)
    made(LARS, settings={"dataset": "python_text"})  # another text
    made(PILOT)
    assert bert_other_runs.largest_batch(made.all()).rows == [
        ["LAMB", "0.04 *", "152", "10.5 million", "0.1500", "5.0000", "2"],
        ["LAMB", "0.04", "608", "41.9 million", "0.3000", "5.0000", "1"],
        ["LARS", "0.16 *", "152", "10.5 million", "diverged", "diverged", "1"],
    ]


def test_the_pilot_has_a_line_a_model_with_its_time(made):
    made(PILOT, 0.18)
    made(PILOT, 0.17, seed=1, wall_seconds=1800.0)  # timed beside other work
    settings = {"model": "bert_mini", "total_steps": "2048", "stage2_steps": "108"}
    made(PILOT, 0.12, settings=settings, wall_seconds=900.0)
    assert bert_other_runs.pilot(made.all()).rows == [
        ["BERT-Tiny", "10", "9728", "10.5 million", "0.1800", "5.0000", "1"],
        ["BERT-Mini", "15", "2048", "2.2 million", "0.1200", "5.0000", "1"],
    ]
