"""What looks at the weights while a run trains, and what a run makes of it."""

import json

import numpy as np
import pytest

STEPS = (0, 1, 4, 7, 20)


class Distance:
    """Of the weights from where they began."""

    kind = "distance"
    steps = STEPS

    def __init__(self):
        self.looked = []

    def begin(self, model):
        self._start = [variable.numpy() for variable in model.trainable_variables]

    def observe(self, step, model):
        self.looked.append(step)
        pairs = zip(self._start, model.trainable_variables)
        return {"distance": float(sum(np.sum((w - w0) ** 2) for w0, w in pairs) ** 0.5)}


class StopsAt(Distance):
    def observe(self, step, model):
        if step == 7:
            raise KeyboardInterrupt
        return super().observe(step, model)


def records(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return [(r["step"], r["distance"]) for r in found if r["kind"] == "distance"]


def test_it_looks_at_exactly_the_updates_it_names_and_its_figures_are_recorded(
    run, regression, tmp_path
):
    observer = Distance()
    _, seen = run(regression(), "seen", observer=observer, devices=2)
    _, unseen = run(regression(), "unseen", devices=2)
    assert observer.looked == list(STEPS)
    found = records(tmp_path / "seen")
    assert [step for step, _ in found] == list(STEPS)
    assert found[0][1] == 0 and all(distance > 0 for _, distance in found[1:])
    for name in unseen:  # it is a look, no more
        np.testing.assert_array_equal(seen[name], unseen[name], err_msg=name)


def test_a_resumed_run_measures_from_the_same_start_and_repeats_nothing(run, regression, tmp_path):
    run(regression(), "whole", observer=Distance())
    with pytest.raises(KeyboardInterrupt):
        run(regression(), "cut", observer=StopsAt())
    again = Distance()
    run(regression(), "cut", observer=again)
    assert again.looked == [7, 20]  # from the checkpoint of update 5
    assert records(tmp_path / "cut") == records(tmp_path / "whole")
