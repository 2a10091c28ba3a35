"""From folders of runs to a verdict: which runs count, and what is said of them."""

import json
import math

import pytest

from largebatch.experiments.claims import evidence, statistics
from largebatch.experiments.claims.claim import LAPTOP, PAPER, Claim, at, judge
from largebatch.experiments.claims.criteria import Disagreement, Share, every
from largebatch.experiments.claims.evidence import side
from largebatch.experiments.claims.means import (
    Comparison,
    Learned,
    Maximum,
    better,
    equal,
    error_ratio,
    no_worse,
    reaches,
)
from largebatch.experiments.claims.verdict import decide
from largebatch.experiments.records import former

# Rows without a tuning grid.
ROW, OTHER = "table7/lamb-as-run", "table7/momentum-as-run"
HIGH, LOW = (0.9940, 0.9942, 0.9941), (0.9930, 0.9932, 0.9931)


@pytest.fixture
def runs(make_run, tmp_path):
    """Makes runs of a row, one a value; gives the results of all that were made."""

    def make(name, values, **arguments):
        for seed, value in enumerate(values):
            make_run(name, seed=seed, accuracy=value, **arguments)

    make.results = lambda: evidence.find(str(tmp_path))
    return make


def judged(runs, criterion, scale="paper"):
    return criterion.judge(runs.results(), scale)


@pytest.mark.parametrize(
    "low, high, word",
    [
        (0.1, 0.3, "holds"),
        (-0.3, -0.1, "fails"),
        (-0.1, 0.1, "cannot tell"),
        (0.0, 0.1, "cannot tell"),
        (-0.1, 0.0, "fails"),
        (math.nan, math.nan, "cannot tell"),
    ],
)
def test_an_interval_inside_the_region_holds_and_outside_it_fails(low, high, word):
    assert decide(low, high, 0.0, math.inf) == word


def test_a_difference_of_two_rows_is_judged_by_welchs_interval(runs):
    runs(ROW, HIGH)
    runs(OTHER, LOW)
    found = judged(runs, better(side(ROW), side(OTHER)))
    exact = statistics.welch_interval(statistics.Sample(HIGH), statistics.Sample(LOW))
    assert found.word == "holds" and found.method == "Welch"
    assert (found.effect, found.low, found.high) == pytest.approx(exact)
    assert found.n == "3, 3" and [s.label for s in found.sides] == [ROW, OTHER]
    assert judged(runs, better(side(OTHER), side(ROW))).word == "fails"
    assert judged(runs, equal(side(ROW), side(OTHER), 0.002)).word == "holds"
    assert judged(runs, equal(side(ROW), side(OTHER), 0.001)).word == "cannot tell"
    assert judged(runs, no_worse(side(OTHER), side(ROW), 0.002)).word == "holds"
    assert judged(runs, reaches(side(ROW), 0.9935)).word == "holds"
    assert judged(runs, error_ratio(ROW, OTHER, at_most=1.0, metric="accuracy")).word == "holds"


def test_one_seed_cannot_tell_and_no_run_is_not_run(runs):
    runs(ROW, HIGH)
    found = judged(runs, better(side(ROW), side(OTHER)))
    assert (found.word, found.why) == ("not run", f"no run of {OTHER}")
    runs(OTHER, [0.9])
    found = judged(runs, better(side(ROW), side(OTHER)))
    assert (found.word, found.why) == ("cannot tell", "one seed gives no interval (n = 1)")
    assert found.effect == pytest.approx(0.0941) and math.isnan(found.low)


def test_a_run_at_laptop_scale_counts_for_nothing_at_the_papers(runs):
    runs("table7/lamb", HIGH, scale="laptop")
    runs("table7/momentum", LOW, scale="laptop")
    wanted = better(side("table7/lamb"), side("table7/momentum"))
    assert judged(runs, wanted).word == "not run"
    assert judged(runs, wanted, "laptop").word == "holds"


def test_an_overridden_run_counts_for_no_row_but_for_the_ablation_that_names_it(runs):
    runs(ROW, HIGH, settings={"dropout": "0.1"})
    runs(OTHER, LOW)
    assert judged(runs, better(side(ROW), side(OTHER))).word == "not run"
    assert judged(runs, better(side(ROW, dropout=0.1), side(OTHER))).word == "holds"
    assert judged(runs, better(side(ROW, dropout=0.2), side(OTHER))).word == "not run"


def test_runs_count_whatever_commit_made_them_and_engines_are_named(runs, make_run):
    runs(ROW, HIGH[:2], commit="unknown")
    make_run(ROW, seed=2, accuracy=HIGH[2], commit="f" * 40, engine="pjrt")
    found = judged(runs, reaches(side(ROW), 0.99))
    assert found.n == "3" and found.engines == ("pjrt", "tensorflow")


def test_a_second_run_of_a_seed_is_counted_once(runs, make_run, tmp_path):
    runs(ROW, HIGH)
    make_run(ROW, seed=0, accuracy=0.5, folder=tmp_path / "zz" / "again")
    assert judged(runs, reaches(side(ROW), 0.99)).n == "3"


def test_runs_that_have_learned_no_more_than_the_frequencies_of_words_cannot_tell(runs, make_run):
    names = "table1/lamb-32768", "reality_check/adamw-32768", "table2/lars-32768"
    floors = {"masked_lm_accuracy": {"unigram": 0.0604}}
    for name, accuracy in zip(names, (0.0602, 0.0604, 0.0895)):
        for seed in range(3):
            metrics = {"masked_lm_accuracy": accuracy + seed * 1e-5}
            make_run(name, seed=seed, scale="laptop", metrics=metrics, floors=floors)
    lamb, adamw, lars = map(side, names)

    def word(comparison):
        plain = judged(runs, comparison, "laptop")
        found = judged(runs, Learned(comparison, "masked_lm_accuracy", 0.01), "laptop")
        assert found.effect == plain.effect
        return plain.word, found.word

    assert word(no_worse(adamw, lamb, 0.01)) == ("holds", "cannot tell")
    assert word(better(lamb, adamw)) == ("fails", "cannot tell")
    assert word(better(lars, lamb)) == ("holds", "holds")
    assert word(better(lamb, lars)) == ("fails", "fails")
    found = judged(runs, Learned(better(lamb, adamw), "masked_lm_accuracy", 0.01), "laptop")
    assert found.why == (
        "nothing was learned: masked_lm_accuracy is within 0.01 of the unigram floor, 0.0604"
    )


def test_a_floor_that_was_not_computed_changes_no_verdict(runs, make_run):
    for name, accuracy in (("table1/lamb-32768", 0.06), ("table2/lars-32768", 0.05)):
        for seed in range(3):
            metrics = {"masked_lm_accuracy": accuracy + seed * 1e-5}
            make_run(name, seed=seed, scale="laptop", metrics=metrics)
    comparison = better(side("table1/lamb-32768"), side("table2/lars-32768"))
    learned = Learned(comparison, "masked_lm_accuracy", 0.01)
    assert judged(runs, learned, "laptop").word == "holds"


def test_a_diverged_run_scores_0(runs, make_run):
    runs(ROW, HIGH)
    for seed in range(3):
        make_run(OTHER, seed=seed, status="diverged")
    found = judged(runs, better(side(ROW), side(OTHER)))
    assert found.word == "holds" and found.sides[1].mean == 0 and found.sides[1].diverged == 3


def test_the_best_of_a_grid_is_set_back_by_the_noise_of_a_maximum(runs):
    spread = (0.9930, 0.9940, 0.9950)
    for rate, values in (("0.1", spread), ("0.01", spread[::-1]), ("0.001", (0.5, 0.51, 0.52))):
        runs("table7/momentum", values, settings={"learning_rate": rate})
    runs(ROW, HIGH)
    found = judged(runs, better(side("table7/momentum"), side(ROW)))
    tuned, plain = statistics.Sample(spread), statistics.Sample(HIGH)
    extra = statistics.expected_maximum(2) * tuned.error  # 0.001 is no contender
    exact = statistics.welch_interval(tuned, plain)
    assert found.noise == pytest.approx(extra)
    assert (found.low, found.high) == pytest.approx((exact.low - extra, exact.high))
    assert found.sides[0].contenders == 2 and "best of 2" in found.beside
    other = judged(runs, better(side(ROW), side("table7/momentum")))
    assert (other.low, other.high) == pytest.approx((-exact.high, extra - exact.low))


def test_less_is_better_sets_the_other_end_back(runs):
    spread = (0.9930, 0.9940, 0.9950)
    for rate in ("0.1", "0.01"):
        runs("table7/momentum", spread, settings={"learning_rate": rate})
    runs(ROW, HIGH)
    tuned = side("table7/momentum", metric="accuracy_error")
    found = judged(runs, Comparison(tuned, side(ROW, metric="accuracy_error"), at_most=0.0))
    exact = statistics.welch_interval(
        statistics.Sample(tuple(1 - v for v in spread)),
        statistics.Sample(tuple(1 - v for v in HIGH)),
    )
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high + found.noise))


def test_the_best_of_several_rows_is_not_known_before_all_were_run(runs):
    runs(ROW, HIGH)
    runs(OTHER, LOW)
    many = side(OTHER, "table7/adam-as-run")
    found = judged(runs, better(side(ROW), many))
    assert found.word == "cannot tell" and found.why.startswith("1 of the best of 2 rows not run")
    runs("table7/adam-as-run", (0.98, 0.981, 0.982))
    found = judged(runs, better(side(ROW), many))
    assert found.word == "holds" and found.sides[1].chosen == OTHER


def test_every_holds_where_all_hold_and_is_undecided_while_one_is_not_run(runs):
    wanted = every(better(side(ROW), side(OTHER)), better(side(ROW), side("table7/adam-as-run")))
    assert judged(runs, wanted).word == "not run"
    runs(ROW, HIGH)
    runs(OTHER, LOW)
    found = judged(runs, wanted)
    assert (found.word, found.why) == ("cannot tell", "1 holds, 1 not run")
    runs("table7/adam-as-run", (0.9935, 0.9934, 0.9933))
    found = judged(runs, wanted)
    assert found.word == "holds" and found.sides[1].label == "table7/adam-as-run"  # the weaker


def test_every_fails_only_beyond_bonferronis_allowance(runs):
    runs(ROW, (0.9940, 0.9942, 0.9941))
    runs(OTHER, (0.9943, 0.9945, 0.9944))
    alone = better(side(ROW), side(OTHER))
    assert judged(runs, alone).word == "fails"
    assert judged(runs, every(alone, alone)).word == "fails"
    found = judged(runs, every(*[alone] * 20))
    assert (found.word, found.why) == ("cannot tell", "20 fail")


def test_a_share_of_diverged_runs_needs_six_of_six(runs, make_run):
    for seed in range(5):
        make_run(ROW, seed=seed, status="diverged")
    assert judged(runs, Share(ROW)).word == "cannot tell"
    assert judged(runs, Share(ROW, finish=True)).word == "cannot tell"
    make_run(ROW, seed=5, status="diverged")
    assert judged(runs, Share(ROW)).word == "holds"
    assert judged(runs, Share(ROW, finish=True)).word == "fails"


def test_the_best_of_many_runs_is_expected_above_their_mean(runs):
    values = (0.9355, 0.937125, 0.933875, 0.937125, 0.93625)
    wanted = Maximum(side(ROW), 0.9408, 1645, 0.02)
    assert judged(runs, wanted).word == "not run"
    runs(ROW, values)
    found = judged(runs, wanted)
    exact = statistics.maximum_interval(statistics.Sample(values), 1645)
    assert found.effect == pytest.approx(exact.effect - 0.9408)
    assert found.word == "holds"
    told = judged(runs, reaches(side(ROW), 0.9408, trials=1645))
    assert told.word == "fails" and "best of 1645 runs" in told.beside


def test_pairs_of_runs_are_counted_over_all_points_of_a_grid(runs, make_run):
    wanted = Disagreement(("table7/momentum",), 0.1)
    for seed in range(20):
        noise = 0.0001 * (seed % 3)
        make_run(
            "table7/momentum", seed=seed,
            metrics={"accuracy": 0.99 + 0.0001 * seed, "loss": 0.05 + 0.0001 * seed + noise},
        )  # fmt: skip
    found = judged(runs, wanted)
    assert found.word == "holds" and found.effect > 0.9 and found.sides[0].n == 10


def test_seconds_count_on_the_named_number_of_devices_alone(runs, make_run):
    for seed, (seconds, devices) in enumerate([(4500.0, 2048), (4520.0, 2048), (90.0, 8)]):
        make_run(ROW, seed=seed, wall_seconds=seconds, num_devices=devices)
    timed = side(ROW, metric="wall_seconds", devices=2048)
    found = judged(runs, Comparison(timed, 4571.4, at_most=1.05, ratio=True))
    assert found.word == "holds" and found.n == "2"
    assert found.effect == pytest.approx(4510 / 4571.4, rel=1e-4)


def test_the_range_of_trust_ratios_leaves_out_layers_that_are_not_adapted(runs, make_run):
    layers = [
        {"step": 1, "layers": {"a": [1, 1, 0.1], "b": [1, 1, 0.5], "bias": [1, 1, 1.0]}},
        {"step": 2, "layers": {"a": [1, 1, 0.1], "b": [1, 1, 1.1], "bias": [1, 1, 1.0]}},
    ]
    make_run(ROW, layers=layers)
    found = judged(runs, reaches(side(ROW, metric="trust_ratio_range"), 1.0))
    assert found.sides[0].mean == pytest.approx(11)


def test_the_printed_effect_is_that_of_the_rows(runs):
    found = judged(runs, better(side("table3/lamb"), side("table3/adamw")))
    assert found.printed == pytest.approx(0.7666 - 0.6727)
    ratio = judged(runs, error_ratio("table5/lamb-32768", "table5/lamb-512", at_most=1.1))
    assert ratio.printed == pytest.approx((1 - 0.7642) / (1 - 0.7696))
    scaled = judged(runs, better(side("table3/lamb"), side("table3/adamw")), LAPTOP)
    assert math.isnan(scaled.printed)


def test_runs_with_the_settings_that_a_row_had_before_are_told_beside(runs, tmp_path, monkeypatch):
    old = former.Former(ROW, "dropout", (0.25,))
    monkeypatch.setattr(former, "FORMER", (old,))
    runs(ROW, HIGH)
    runs(OTHER, LOW)
    claim = Claim("x", "LAMB is above", "here", at(better(side(ROW), side(OTHER)), PAPER))
    (one,) = judge([claim], runs.results())
    assert one.verdicts["paper"].word == "holds" and not one.earlier
    for path in tmp_path.glob(f"{ROW}/**/result.json"):
        record = json.loads(path.read_text())
        record["row"]["dropout"] = 0.25
        path.write_text(json.dumps(record))
    (one,) = judge([claim], runs.results())
    assert one.verdicts["paper"].word == "not run"
    assert one.earlier["paper"].word == "holds"
    assert json.loads(json.dumps(one.record()))["earlier"]["paper"]["n"] == "3, 3"


def test_settings_that_no_row_had_count_for_nothing(runs, tmp_path):
    runs(ROW, HIGH)
    for path in tmp_path.glob("**/result.json"):
        record = json.loads(path.read_text())
        record["row"]["batch_size"] = 77
        path.write_text(json.dumps(record))
    assert judged(runs, reaches(side(ROW), 0.99)).word == "not run"
    assert runs.results().earlier().measure(side(ROW), "paper")[1].n == 0


def test_a_claim_has_one_test_a_scale_or_says_what_is_missing():
    criterion = better(side(ROW), side(OTHER))
    with pytest.raises(ValueError, match="one test a scale"):
        Claim("x", "s", "p", at(criterion, PAPER, PAPER))
    with pytest.raises(ValueError, match="what is missing"):
        Claim("x", "s", "p")
