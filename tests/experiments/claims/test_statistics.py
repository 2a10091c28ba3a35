"""The intervals of the verdicts: against SciPy, and against values known in closed form."""

import math

import numpy as np
import pytest
from scipy import integrate, special, stats

from largebatch.experiments.claims import statistics
from largebatch.experiments.claims.statistics import Sample

FIRST = Sample((0.9929, 0.9928, 0.9925, 0.9921, 0.9919))
SECOND = Sample((0.9913, 0.9918, 0.9912))


@pytest.mark.parametrize("freedom", [1, 1.3, 2, 4.7, 30, 400])
def test_quantiles_of_t_are_scipys(freedom):
    for probability in (0.001, 0.025, 0.4, 0.5, 0.9, 0.975, 0.9995):
        expected = stats.t.ppf(probability, freedom)
        found = statistics.t_quantile(probability, freedom)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_no_degrees_of_freedom_is_an_error():
    with pytest.raises(ValueError, match="0 degrees of freedom"):
        statistics.t_quantile(0.975, 0)


@pytest.mark.parametrize("a, b", [(0.5, 0.5), (1, 3), (7.5, 0.5), (40, 60), (300, 2)])
def test_the_incomplete_beta_function_is_scipys(a, b):
    for x in (0.0, 1e-6, 0.1, 0.5, 0.8, 0.999, 1.0):
        found = statistics.incomplete_beta(x, a, b)
        assert found == pytest.approx(special.betainc(a, b, x), rel=1e-10, abs=1e-15)


def test_an_interval_of_two_means_is_that_of_welchs_test():
    found = statistics.welch_interval(FIRST, SECOND)
    test = stats.ttest_ind(FIRST.values, SECOND.values, equal_var=False)
    low, high = test.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)
    assert found.effect == pytest.approx(np.mean(FIRST.values) - np.mean(SECOND.values))


def test_an_interval_of_one_mean_is_students():
    low, high = stats.t.interval(0.9, 4, np.mean(FIRST.values), stats.sem(FIRST.values))
    found = statistics.mean_interval(FIRST, 0.9)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)


def test_one_value_has_no_interval_and_equal_values_have_one_of_no_width():
    one = Sample((0.99,))
    assert math.isnan(statistics.mean_interval(one).low)
    assert math.isnan(statistics.welch_interval(one, FIRST).high)
    assert math.isnan(one.std) and math.isnan(Sample(()).mean)
    same = Sample((0.1135, 0.1135))
    assert statistics.welch_interval(same, same) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("successes, trials", [(0, 3), (3, 10), (6, 6), (1, 1)])
def test_an_interval_of_a_share_is_clopper_and_pearsons(successes, trials):
    exact = stats.binomtest(successes, trials).proportion_ci(0.95, method="exact")
    found = statistics.share_interval(successes, trials)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_the_expected_maximum_is_that_of_order_statistics():
    assert statistics.expected_maximum(1) == 0
    assert statistics.expected_maximum(2) == pytest.approx(1 / math.sqrt(math.pi), rel=1e-12)
    assert statistics.expected_maximum(3) == pytest.approx(1.5 / math.sqrt(math.pi), rel=1e-12)
    exact, _ = integrate.quad(
        lambda x: x * 1645 * stats.norm.pdf(x) * stats.norm.cdf(x) ** 1644, -9, 9, limit=200
    )
    assert statistics.expected_maximum(1645) == pytest.approx(exact, rel=1e-9)
    with pytest.raises(ValueError, match="maximum of 0"):
        statistics.expected_maximum(0)


def test_the_interval_of_a_maximum_knows_that_level_and_spread_are_estimated():
    values = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    many = statistics.maximum_interval(Sample(tuple(0.935 + 0.002 * values)), 1645)
    truth = 0.935 + 0.002 * statistics.expected_maximum(1645)
    assert many.effect == pytest.approx(truth, abs=2e-5)
    assert truth - 3e-4 < many.low < truth < many.high < truth + 3e-4
    # The exact interval: a quantile of t that is not central.
    few = Sample((0.9355, 0.937125, 0.933875, 0.937125, 0.93625))
    shift = statistics.expected_maximum(1645) * math.sqrt(5)
    scale = few.std / math.sqrt(5)
    found = statistics.maximum_interval(few, 1645)
    exact = [few.mean + scale * stats.nct.ppf(q, 4, shift) for q in (0.025, 0.975)]
    assert (found.low, found.high) == pytest.approx(exact, abs=3e-4)
    assert math.isnan(statistics.maximum_interval(Sample((0.9,)), 10).low)


def test_a_bootstrap_of_a_mean_of_many_is_about_students_interval():
    values = stats.norm.ppf((np.arange(200) + 0.5) / 200)
    found = statistics.bootstrap_interval(values, lambda count: count @ values / count.sum())
    exact = statistics.mean_interval(Sample(tuple(values)))
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.02)


def test_pairs_that_disagree_are_those_of_lower_loss_and_lower_accuracy():
    agree = [(0.1, 0.99), (0.2, 0.98), (0.3, 0.97)]
    assert statistics.disagreeing(agree) == 0
    assert statistics.disagreeing([(loss, 1 - accuracy) for loss, accuracy in agree]) == 1
    assert statistics.disagreeing([*agree, (0.05, 0.5)]) == 3 / 6
    assert statistics.disagreeing([(0.1, 0.9), (0.1, 0.8), (0.2, 0.9)]) == 1
    assert statistics.disagreeing([(0.1, 0.9)]) is None
    assert statistics.better_half([(1, 0.1), (2, 0.9), (3, 0.5), (4, 0.7)]) == [(4, 0.7), (2, 0.9)]


def test_the_bootstrap_of_disagreeing_pairs_is_about_their_share():
    random = np.random.default_rng(1)
    points = list(zip(random.uniform(size=40), random.uniform(size=40)))
    found = statistics.disagreement_interval(points)
    assert found.effect == pytest.approx(statistics.disagreeing(points))
    assert 0.2 < found.low < found.effect < found.high < 0.8
    agree = [(n / 10, 1 - n / 10) for n in range(10)]
    assert statistics.disagreement_interval(agree) == (0, 0, 0)
