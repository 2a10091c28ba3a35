"""The trials of BERT's rates: found among runs, and the rows have the best of them."""

import math
import pathlib

import pytest

from largebatch.experiments.documents import bert_trials
from largebatch.experiments.recipes import bert_scales
from largebatch.experiments.records.reader import find_runs
from largebatch.experiments.tables import reality_check, registry

EARLIER, LAST = bert_scales.ROUNDS
RESULTS = pathlib.Path(__file__).parents[3] / "results"


@pytest.fixture
def trial_run(make_run):
    def made(optimizer, factor, loss, trials=LAST, **changes):
        name = reality_check.TRIED[optimizer]
        settings = bert_scales.trial_settings(registry.find(name), factor, trials)
        metrics = {"masked_lm_accuracy": 0.1, "masked_lm_loss": loss}
        texts = {field: repr(value) for field, value in settings.items()}
        record = {"scale": "laptop", "seed": bert_scales.TRIAL_SEED, **changes}
        make_run(name, settings=texts, metrics=metrics, **record)

    return made


def test_the_factor_with_the_lowest_loss_is_best_once_all_are_run(trial_run, tmp_path):
    first, second, third = LAST.factors["lamb"]
    trial_run("lamb", first, 5.0, trials=EARLIER)  # of the first round, which no longer chooses
    trial_run("lamb", first, 6.2)
    trial_run("lamb", second, 6.1)
    trial_run("lamb", third, 5.0, seed=0)  # another run, no trial
    found = bert_trials.tried(find_runs(str(tmp_path))[0])
    assert bert_trials.best(found, "lamb") is None
    trial_run("lamb", third, math.nan, status="diverged")
    found = bert_trials.tried(find_runs(str(tmp_path))[0])
    assert bert_trials.best(found, "lamb") == second
    lost = [one.loss for one in found if one.trial.optimizer == "lamb" and one.trial.round == 2]
    assert lost == [6.2, 6.1, math.inf]


def test_a_line_a_trial_marks_the_rows_factor():
    sheet = bert_trials.sheet(bert_trials.tried([]))
    factors = [factors for trials in bert_scales.ROUNDS for factors in trials.factors.values()]
    assert len(sheet.rows) == sum(map(len, factors))
    marked = [line for line in sheet.rows if line[3].endswith(" *")]
    assert [line[2] for line in marked] == list(reality_check.TRIED)
    assert {line[1] for line in sheet.rows} == {"1/8", "1/2"} and sheet.rows[0][0] == "1"
    assert all(line[-1] == "-" for line in sheet.rows)


def test_the_rows_have_the_best_factor_of_the_committed_trials():
    found = bert_trials.tried(find_runs(str(RESULTS))[0])
    for optimizer, chosen in bert_scales.CHOSEN.items():
        assert bert_trials.best(found, optimizer) in (None, chosen)
