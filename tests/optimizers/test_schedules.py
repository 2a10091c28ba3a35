"""Learning-rate schedules at their boundaries, in numbers worked out by hand."""

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from largebatch.optimizers.schedules import (
    Constant,
    GoyalSchedule,
    Stages,
    WarmupPolynomialDecay,
)

few = settings(max_examples=15, deadline=None, derandomize=True)


def rates(schedule, steps):
    return [float(schedule(step)) for step in steps]


def test_the_papers_decay_without_warm_up_is_linear_from_the_first_step():
    # η_t = η₀ (1 − t/T)
    schedule = WarmupPolynomialDecay(0.5, 0, 10)
    assert rates(schedule, range(11)) == pytest.approx([0.5 * (1 - t / 10) for t in range(11)])


def test_by_default_the_decay_runs_from_the_first_step_under_the_warm_up():
    schedule = WarmupPolynomialDecay(1.0, 4, 8)
    assert rates(schedule, range(9)) == [0, 0.25, 0.5, 0.75, 0.5, 0.375, 0.25, 0.125, 0]


def test_with_decay_start_at_the_warm_ups_end_the_decay_starts_at_the_peak():
    schedule = WarmupPolynomialDecay(1.0, 4, 8, decay_start=4)
    assert rates(schedule, range(9)) == [0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0]


def test_after_the_last_step_the_rate_stays_at_the_end():
    assert rates(WarmupPolynomialDecay(1.0, 0, 8, end=0.125), [8, 9, 1000]) == [0.125] * 3
    assert rates(WarmupPolynomialDecay(1.0, 0, 8), [8, 9, 1000]) == [0.0] * 3


def test_the_power_bends_the_decay():
    schedule = WarmupPolynomialDecay(1.0, 0, 4, power=2.0, end=0.5)
    assert rates(schedule, range(5)) == pytest.approx(
        [0.5 + 0.5 * x * x for x in (1, 0.75, 0.5, 0.25, 0)]
    )


def test_a_square_root_decay_from_the_first_step_drops_a_little_where_the_warm_up_ends():
    # Of the code behind the paper's Table 7: 0.004, an epoch of 58 updates, 1,758 in all.
    schedule = WarmupPolynomialDecay(0.004, 58, 1758, power=0.5)
    assert rates(schedule, range(58)) == pytest.approx([0.004 * t / 58 for t in range(58)])
    later = range(58, 1759, 100)
    assert rates(schedule, later) == pytest.approx([0.004 * (1 - t / 1758) ** 0.5 for t in later])
    before, joint = rates(schedule, (57, 58))
    assert joint < before + 0.004 / 58 - 6e-5 and joint == pytest.approx(0.0039335, rel=1e-4)


def test_a_square_root_decay_without_warm_up_ends_at_the_end_rate():
    # Momentum of the same table: 0.08 to 1e-4 in 2,000 updates.
    schedule = WarmupPolynomialDecay(0.08, 0, 2000, power=0.5, end=1e-4)
    steps = (0, 1, 1000, 1999, 2000, 2050)
    assert rates(schedule, steps) == pytest.approx(
        [1e-4 + 0.0799 * max(1 - t / 2000, 0) ** 0.5 for t in steps], rel=1e-5
    )


@few
@given(
    warmup=st.integers(0, 500),
    more=st.integers(1, 500),
    peak=st.floats(1e-5, 10),
    step=st.integers(0, 1000),
)
def test_the_rate_never_leaves_zero_to_peak(warmup, more, peak, step):
    rate = float(WarmupPolynomialDecay(peak, warmup, warmup + more)(step))
    assert 0 <= rate <= peak * (1 + 1e-6)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((0.1, 11, 10), "warmup_steps=11, total_steps=10"),
        ((0.1, -1, 10), "warmup_steps=-1"),
        ((0.1, 0, 0), "total_steps=0"),
        ((0.1, 2, 10, 1.0, 0.0, 3), "decay_start=3"),
        ((0.1, 10, 10, 1.0, 0.0, 10), "decay_start=10"),
    ],
)
def test_an_impossible_decay_is_an_error_that_says_what_was_found(arguments, message):
    with pytest.raises(ValueError, match=message):
        WarmupPolynomialDecay(*arguments)


def test_goyals_schedule_warms_up_for_5_epochs_and_falls_at_30_60_and_80():
    schedule = GoyalSchedule(3.2, steps_per_epoch=10, initial=0.1)
    assert float(schedule(0)) == pytest.approx(0.1)
    assert float(schedule(25)) == pytest.approx(0.1 + 3.1 / 2)
    assert rates(schedule, [50, 299, 300, 599, 600, 799, 800, 900]) == pytest.approx(
        [3.2, 3.2, 0.32, 0.32, 0.032, 0.032, 0.0032, 0.0032]
    )


def test_goyals_schedule_starts_at_zero_unless_told():
    assert float(GoyalSchedule(3.2, 10)(0)) == 0
    assert float(GoyalSchedule(3.2, 10)(1)) == pytest.approx(3.2 / 50)


def test_goyals_schedule_without_warm_up_starts_at_the_peak():
    assert float(GoyalSchedule(3.2, 10, warmup_epochs=0)(0)) == pytest.approx(3.2)


@pytest.mark.parametrize(
    "arguments", [{"boundaries": (60, 30)}, {"boundaries": (3, 30)}, {"steps_per_epoch": 0}]
)
def test_an_impossible_goyal_schedule_is_an_error(arguments):
    with pytest.raises(ValueError):
        GoyalSchedule(**{"peak": 0.1, "steps_per_epoch": 10, **arguments})


def test_each_stage_warms_up_again_from_its_own_zero():
    # Mixed-batch BERT: the second stage starts from a rate of 0 once more.
    schedule = Stages(
        [
            (WarmupPolynomialDecay(1.0, 2, 4), 4),
            (WarmupPolynomialDecay(0.5, 2, 4), 4),
        ]
    )
    assert rates(schedule, range(9)) == [0, 0.5, 0.5, 0.25, 0, 0.25, 0.25, 0.125, 0]


def test_the_last_stage_goes_on():
    schedule = Stages([(Constant(1.0), 2), (Constant(0.5), 2), (Constant(0.25), 1)])
    assert rates(schedule, [0, 1, 2, 3, 4, 100]) == [1, 1, 0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize("stages", [[], [(Constant(1.0), 0)]])
def test_stages_without_steps_are_an_error(stages):
    with pytest.raises(ValueError, match="steps > 0"):
        Stages(stages)


SCHEDULES = [
    Constant(0.3),
    WarmupPolynomialDecay(0.3, 5, 20, power=2.0, end=0.01, decay_start=5),
    GoyalSchedule(0.3, 2, initial=0.1, boundaries=(6, 9)),
    Stages([(WarmupPolynomialDecay(0.3, 5, 10), 10), (Constant(0.1), 5)]),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: type(schedule).__name__)
def test_the_config_makes_the_same_schedule(schedule):
    serialized = tf.keras.optimizers.schedules.serialize(schedule)
    again = tf.keras.optimizers.schedules.deserialize(serialized)
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    assert rates(again, range(25)) == rates(schedule, range(25))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: type(schedule).__name__)
def test_a_schedule_is_the_same_in_a_graph_and_for_every_type_of_step(schedule):
    graph = tf.function(schedule)
    for step in (0, 3, 7, 12, 19):
        wanted = float(schedule(step))
        for dtype in (tf.int32, tf.int64, tf.float32):
            found = schedule(tf.constant(step, dtype))
            assert found.dtype == tf.float32
            assert float(found) == wanted
        assert float(graph(tf.constant(step, tf.int64))) == pytest.approx(wanted, rel=3e-7)
