"""The line at the end of a run: of what was trained, pre-training, fine-tuning or both."""

import pytest

from largebatch.experiments.records.result import headline

PRE = {"steps": 100, "last_step": 100, "last_loss": 2.5, "wall_seconds": 30.0}
TUNED = {"encoder": "x", "steps": 40, "last_step": 40, "last_loss": 1.25, "wall_seconds": 7.0}
RELEASED = {**{k: v for k, v in TUNED.items() if k != "encoder"}, "squad": TUNED,
            "data": {"init_checkpoint": "bert"}}  # fmt: skip


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (PRE, "f1 9.0000 after 100 steps, 30 s"),
        ({**PRE, "squad": TUNED}, "f1 9.0000 after 100 steps, 30 s; 40 of fine-tuning, 7 s"),
        (RELEASED, "f1 9.0000 after 40 steps, 7 s of fine-tuning"),
    ],
)
def test_a_finished_run_says_how_long_each_part_took(result, line):
    assert headline({"status": "finished", "metrics": {"f1": 9.0, "n": 3}, **result}) == line


@pytest.mark.parametrize(
    ("result", "line"),
    [
        ({**PRE, "last_step": 60}, "step 60 of 100, last finite loss 2.50000"),
        (
            {**PRE, "squad": {**TUNED, "last_step": 10}},
            "fine-tuning, step 10 of 40, last finite loss 1.25000",
        ),
        (
            {**RELEASED, "squad": {**TUNED, "last_step": 0, "last_loss": None}},
            "fine-tuning, step 0 of 40, last finite loss none",
        ),
    ],
)
def test_a_run_that_ended_early_says_where(result, line):
    assert headline({"status": "diverged", "metrics": {}, **result}) == line
