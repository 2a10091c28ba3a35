"""AdamW's form of decay and Adam's L2: the committed evidence, and once more on less."""

from __future__ import annotations

import json
import pathlib

import pytest

from largebatch.experiments.analyses import decay_and_l2, decay_page
from largebatch.experiments.tables import registry

CHANCE = 0.1


@pytest.fixture(scope="module")
def record():
    return json.loads(pathlib.Path(decay_and_l2.RESULTS).read_text(encoding="utf-8"))


def call(*arguments):
    return decay_and_l2.program(["decay_and_l2", *arguments])


def test_the_measurements_are_those_that_the_program_makes(record):
    fields = decay_and_l2.Setting._fields
    found = [tuple(run[field] for field in fields) for run in record["runs"]]
    assert found == [tuple(setting) for setting in decay_and_l2.settings()]
    printed = registry.find("table17/adamw-rate0.001")
    assert record["steps"] == decay_page.UPDATES == printed.steps
    assert all(len(run["accuracies"]) == record["seeds"] >= 3 for run in record["runs"])


def test_plain_decay_alone_gives_the_printed_pattern(record):
    def accuracies(form, schedule, decay):
        return next(
            run["accuracies"]
            for run in record["runs"]
            if (run["decay_form"], run["schedule"], run["weight_decay"]) == (form, schedule, decay)
        )

    for schedule in decay_and_l2.SCHEDULES:
        for form in ("rate", "plain"):
            assert min(accuracies(form, schedule, 1e-5)) > 0.95
        assert min(accuracies("rate", schedule, 1e-2)) > 0.95
        assert max(accuracies("plain", schedule, 1e-2)) < 0.9
    assert max(accuracies("plain", "goyal", 1e-2)) < CHANCE + 0.05
    # As printed: every point of Tables 21 and 23 with decay 0.01 is near chance, 0.001.
    for table in ("table21", "table23"):
        assert max(top1 for _, top1 in decay_page.printed(table, 1e-2)) < 0.003


def test_perceptrons_of_fewer_updates_show_the_pattern_too():
    from largebatch.experiments.analyses.perceptrons import Perceptrons, schedule_of

    steps, decay = 450, 0.1  # of 7,038 updates with 0.01 two thirds
    scheme = schedule_of("goyal", 0.01, steps)
    found = {
        form: Perceptrons("adamw", {"weight_decay": decay, "decay_form": form}, steps, 2)
        for form in ("rate", "plain")
    }
    assert min(found["rate"].accuracies(scheme)) > 0.9
    assert max(found["plain"].accuracies(scheme)) < CHANCE + 0.1
    # Where the rate does not fall, the updates hold out against the decay.
    assert min(found["plain"].accuracies(schedule_of("constant", 0.01, steps))) > 0.5


def test_perceptrons_side_by_side_train_as_one_alone():
    from largebatch.experiments.analyses.perceptrons import Perceptrons, schedule_of

    rates = schedule_of("constant", 0.01, 60)
    nets = Perceptrons("adam", {"l2_regularization": 1e-3}, 60, seeds=2)
    both = nets.accuracies(rates)
    assert both[0] != both[1] and min(both) > 0.5
    assert Perceptrons("adam", {"l2_regularization": 1e-3}, 60, seeds=1).accuracies(rates) == [
        pytest.approx(both[0], abs=0.006)
    ]
    assert nets.accuracies(rates) == both  # anew, not further


def test_a_curve_falls_between_two_points_on_a_logarithmic_axis():
    curve = [(1e-4, 0.3), (1e-3, 0.8), (1e-2, 0.6), (1e-1, 0.2)]
    assert decay_page.falling_rate(curve, 0.6) == pytest.approx(1e-2)
    assert decay_page.falling_rate(curve, 0.4) == pytest.approx(10**-1.5)
    assert decay_page.falling_rate(curve, 0.9) is None
    assert decay_page.falling_rate(curve, 0.1) is None
    later = [(3 * rate, accuracy) for rate, accuracy in curve]
    assert decay_page.shift(later, curve, (0.7, 0.5, 0.1)) == pytest.approx(3)


def test_the_l2_of_the_rows_is_the_one_that_fits_best(record):
    law = decay_page.law(record)
    assert law.nearest == registry.find("table11/adam-rate0.01").l2_regularization == 1e-4
    assert 0.3 < law.exponent < 0.6  # of weights before batch norm about 1/2
    assert law.lowest < law.implied < law.highest < 1e-3  # so the other candidates are out


def test_numbers_that_are_not_there_are_named(tmp_path, capsys):
    assert call(f"--results={tmp_path / 'none.json'}") == 2
    assert "make it with --measure" in capsys.readouterr().err
