"""Tables 3, 5 and 9 to 25 against what the paper prints."""

from __future__ import annotations

import importlib
import math

import pytest

from largebatch.experiments.recipes.small_scales import RATE_FACTORS
from largebatch.experiments.tables.registry import scaled
from largebatch.experiments.tasks.schedule import learning_rate

BATCHES = (512, 1024, 2048, 4096, 8192, 16384, 32768)


def rows_of(module):
    return list(importlib.import_module(f"largebatch.experiments.tables.{module}").ROWS.values())


def rows(number):
    """As printed: rows as run are their twins."""
    return [row for row in rows_of(f"table{number}") if not row.follows_code]


TUNING = {number: rows(number) for number in range(9, 26)}
EVERY = [row for number in (3, 5, *TUNING) for row in rows(number)]
# fmt: off
RATES_9 = (
    0.0001, 0.001, 0.002, 0.004, 0.008, 0.01, 0.02, 0.04, 0.08, 0.1, 0.2, 0.4, 0.8, 1, 2, 4, 6, 8,
    10, 12, 14, 16, 18, 20, 30, 40, 50,
)
RATES_13 = (
    0.0001, 0.0002, 0.0004, 0.0006, 0.0008, 0.001, 0.002, 0.004, 0.006, 0.008, 0.01, 0.012, 0.014,
    0.016, 0.018, 0.02, 0.025, 0.03, 0.04, 0.05,
)
# fmt: on
RATES_12 = (*RATES_13[:14], 0.02, 0.04, 0.06, 0.08, 0.1)
GRIDS = {9: RATES_9, 10: RATES_9, 11: RATES_13[:11], 12: RATES_12}
GRIDS.update({number: RATES_13 for number in (*range(13, 21), 24, 25)})
# The first, the best and the last accuracy of each table.
PRINTED = {
    9: (0.0026855469, 0.553833, 0.0009969076),
    10: (0.0011189779, 0.72007245, 0.67976886),
    11: (0.5521, 0.6604, 0.3673),
    12: (0.410319, 0.73476154, 0.40297446),
    13: (0.53312176, 0.5542806, 0.003540039),
    14: (0.55489093, 0.56514484, 0.0037638347),
    15: (0.21142578, 0.4289144, 0.0009969076),
    16: (0.0009765625, 0.009480794, 0.0012817383),
    17: (0.48917642, 0.67266846, 0.61869305),
    18: (0.5033366, 0.67244464, 0.5988159),
    19: (0.4611206, 0.62076825, 0.5279134),
    20: (0.0009969076, 0.08144125, 0.007710775),
    21: (0.0009969076, 0.011881511, 0.0061442056),
    22: (0.3665975, 0.73065186, 0.31193033),
    23: (0.0010172526, 0.1329956, 0.1329956),
    24: (0.28515625, 0.7223918, 0.70284015),
    25: (0.31247965, 0.7109375, 0.6971232),
}


@pytest.mark.parametrize("number", TUNING)
def test_a_tuning_table_is_the_printed_one(number):
    found = TUNING[number]
    accuracies = [row.paper["top1"] for row in found]
    first, best, last = PRINTED[number]
    assert (accuracies[0], max(accuracies), accuracies[-1]) == pytest.approx((first, best, last))
    if number in GRIDS:
        assert [row.learning_rate for row in found] == list(GRIDS[number])
    else:
        decays = (0.0001, 0.00001) if number == 22 else (0.01, 0.001)
        wanted = [(rate, decay) for decay in decays for rate in RATES_13[:10]]
        assert [(row.learning_rate, row.weight_decay) for row in found] == wanted


def test_the_tables_have_as_many_rows_as_printed():
    counts = [len(found) for found in TUNING.values()]
    assert counts == [27, 27, 11, 19] + 13 * [20] and sum(counts) == 344
    assert (len(rows(3)), len(rows(5))) == (8, 7)
    assert len({row.name for row in EVERY}) == 359


def test_the_plus_is_goyals_scheme_and_the_default_a_constant_rate():
    for number, found in TUNING.items():
        plus = number in (10, 12, *range(21, 26))
        for row in found:
            assert (row.schedule, row.warmup_epochs) == (("goyal", 5) if plus else ("constant", 0))
            assert row.sources["schedule"].kind == ("paper" if plus else "assumed")
            assert row.sources["learning_rate"].kind == "paper"


def test_adamw_is_tuned_over_two_penalties():
    decays = {13: 1e-5, 14: 1e-4, 15: 1e-3, 16: 1e-2, 17: 1e-5, 18: 1e-4, 19: 1e-3, 20: 1e-2}
    decays.update({24: 1e-4, 25: 1e-5})
    for number in range(13, 26):
        for row in TUNING[number]:
            assert row.optimizer == "adamw"
            assert row.l2_regularization == (0.01 if number in (*range(13, 17), 21, 22) else 0)
            assert row.weight_decay == decays.get(number, row.weight_decay)
            assert row.decay_form == "plain" and row.sources["decay_form"].kind == "code"


def test_adagrad_and_adam_have_the_l2_that_fits_at_the_papers_scale_alone():
    for number in range(9, 13):
        for row in TUNING[number]:
            assert (row.l2_regularization, row.exclude_from_weight_decay) == (1e-4, "batch_norm")
            assert row.sources["l2_regularization"].kind == "assumed"
            small = scaled(row, "laptop")
            assert (small.l2_regularization, small.exclude_from_weight_decay) == (0, None)


def test_every_row_is_90_epochs_at_its_batch():
    for row in EVERY:
        assert (row.model, row.dataset, row.epochs) == ("resnet50", "imagenet2012", 90)
        if row.table != "table5":
            assert (row.batch_size, row.steps) == (16384, 7038)
        assert row.metric == "top1" and row.warmup_steps < row.steps


def test_table_5_scales_the_rate_by_the_square_root_and_the_warm_up_linearly():
    found = rows(5)
    assert [row.batch_size for row in found] == list(BATCHES)
    for row in found:
        ratio = row.batch_size / 32768
        assert row.learning_rate == pytest.approx(4 / 100 * ratio**0.5)
        assert row.warmup_epochs == 20 * ratio
        assert (row.schedule, row.decay_from, row.weight_decay) == ("warmup_linear", "start", 0.01)
    assert len({round(row.warmup_epochs * row.steps_per_epoch) for row in found}) == 1
    top = [(row.paper["top5"], row.paper["top1"]) for row in found]
    assert top[0] == (0.9335, 0.7696) and top[-1] == (0.9308, 0.7642)


def test_the_rows_of_table_3_are_the_best_runs_of_their_tables():
    found = {row.name.partition("/")[2]: row for row in rows(3)}
    printed = {name: row.paper["top1"] for name, row in found.items()}
    assert printed == {
        **{"adagrad": 0.5538, "adagrad+": 0.7201, "adam": 0.6604, "adam+": 0.7348},
        **{"adamw": 0.6727, "adamw+": 0.7307, "momentum": 0.7520, "lamb": 0.7666},
    }
    everything = {row.name: row for row in EVERY}
    tables = {"adagrad": (9,), "adagrad+": (10,), "adam": (11,), "adam+": (12,)}
    tables.update({"adamw": range(13, 21), "adamw+": range(21, 26)})
    for name, numbers in tables.items():
        best = max((r for n in numbers for r in TUNING[n]), key=lambda row: row.paper["top1"])
        assert everything[found[name].same_run_as] is best
        assert best.paper["top1"] == pytest.approx(printed[name], abs=1e-4)
    assert found["lamb"].same_run_as == "table5/lamb-16384"
    assert found["momentum"].run_name == "table3/momentum"


def test_momentum_is_goyal_et_als_recipe():
    row = next(row for row in rows(3) if row.optimizer == "momentum")
    schedule = learning_rate(row)
    epoch = row.steps_per_epoch
    assert float(schedule(0)) == pytest.approx(0.1)
    assert float(schedule(5 * epoch + 1)) == pytest.approx(6.4)
    for begin, factor in ((30, 0.1), (60, 0.01), (80, 0.001)):
        assert float(schedule(begin * epoch + 1)) == pytest.approx(6.4 * factor, rel=1e-4)
    assert row.exclude_from_weight_decay == "resnet50" and row.l2_regularization == 1e-4


@pytest.mark.parametrize("scale", ["laptop", "smoke"])
def test_every_row_is_whole_at_a_smaller_scale(scale):
    for row in EVERY:
        small = scaled(row, scale)
        assert small.warmup_steps < small.steps and small.optimizer == row.optimizer
        assert small.dataset in ("mnist", "digits") and small.metric == "top1"
        assert (small.schedule, small.weight_decay, small.decay_form) == (
            *(row.schedule, row.weight_decay, row.decay_form),
        )
        if row.optimizer not in ("adagrad", "adam"):
            assert small.l2_regularization == row.l2_regularization


def test_laptop_keeps_the_ratios_of_batches_and_the_shape_of_the_schedule():
    for row in EVERY:
        small = scaled(row, "laptop")
        assert row.batch_size == 8 * small.batch_size
        assert small.warmup_epochs / small.epochs == pytest.approx(row.warmup_epochs / row.epochs)
        factor = RATE_FACTORS.get((row.optimizer, row.schedule), 1)
        assert small.learning_rate == pytest.approx(row.learning_rate * factor)
        assert math.log2(factor).is_integer()
        if factor != 1:
            assert f"x {factor:g}" in small.sources["learning_rate"].note
    assert not {"lamb", "lars"} & {optimizer for optimizer, _ in RATE_FACTORS}
    plus = scaled(TUNING[10][0], "laptop")
    schedule, epoch = learning_rate(plus), plus.steps_per_epoch
    assert float(schedule(8 * epoch + 1)) == pytest.approx(plus.learning_rate / 1000, rel=1e-4)
    assert float(schedule(2.9 * epoch)) == pytest.approx(plus.learning_rate)


def test_lars_of_section_42_is_as_the_first_authors_code_of_that_time_had_it():
    found = [row for row in rows_of("section42") if row.optimizer == "lars"]
    settings = [(row.batch_size, row.learning_rate, row.warmup_epochs) for row in found]
    assert settings == [(2048, 8, 1), (32768, 34, 12)]
    for row in found:
        for field in ("learning_rate", "warmup_epochs", "decay_power", "momentum", "weight_decay"):
            assert row.sources[field].kind == "code" and "tpu-1" in row.sources[field].note
        assert (row.decay_from, row.decay_power, row.label_smoothing) == ("warmup_end", 2, 0)
        schedule = learning_rate(row)
        assert float(schedule(row.warmup_steps)) == pytest.approx(row.learning_rate)
        assert float(schedule(row.steps)) == pytest.approx(1e-4)


def test_the_laboratorys_recipes_decay_from_the_end_of_their_warm_up():
    found = {row.name: row for row in rows_of("resnet50") if row.name.endswith("-lab")}
    for row in found.values():
        assert row.decay_from == "warmup_end" and row.label_smoothing == 0.1
        assert row.sources["decay_from"].kind == "code"
        assert "NUS-HPC-AI-Lab/" in row.sources["decay_from"].note
        schedule = learning_rate(row)
        assert float(schedule(row.warmup_steps)) == pytest.approx(row.learning_rate)
        power = 2 if row.optimizer == "lars" else 1
        middle = (row.warmup_steps + row.steps) // 2
        assert float(schedule(middle)) == pytest.approx(row.learning_rate / 2**power, rel=0.01)
    lars = [found[f"resnet50/lars-{batch}-lab"] for batch in BATCHES]
    assert [row.paper.get("top1") for row in lars] == [
        *(0.7702, 0.7696, None, 0.7738, 0.7714, 0.7696, 0.7675),
    ]
    assert [row.warmup_epochs for row in lars[-2:]] == [5, 14]
