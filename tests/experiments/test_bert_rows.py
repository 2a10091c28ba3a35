"""Tables 1, 2, 4 and 8 against what the paper prints, and their stages."""

from __future__ import annotations

import math
import re

import pytest

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.recipes import bert_scales
from largebatch.experiments.rows.overrides import apply_overrides, parse_assignments
from largebatch.experiments.rows.row import SETTINGS
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled

BATCHES = [512, 1024, 2048, 4096, 8192, 16384, 32768]
LAMB_F1 = [91.752, 91.761, 91.946, 91.137, 91.263, 91.345, 91.475]
LARS_F1 = [90.717, 90.369, 90.748, 90.537, 90.548, 89.589, None]
EXACT = [85.090, 85.260, 85.355, 84.172, 84.901, 84.816, 84.939]
MIXED = "65536-32768"
STEPS = [1_000_000, 500_000, 250_000, 125_000, 62_500, 31_250, 15_625]


def rows(pattern):
    return registry.matching(pattern)


def lamb(table):
    return [registry.find(f"{table}/lamb-{batch}") for batch in BATCHES]


def test_table_1_has_nine_rows_and_a_twin_of_the_last():
    names = [row.name for row in rows("table1/*")]
    assert names == [
        "table1/baseline",
        *(f"table1/lamb-{batch}" for batch in BATCHES),
        "table1/lamb-65536-32768",
        "table1/lamb-65536-32768-nvidia",
    ]
    assert [row.paper["chips"] for row in rows("table1/*")][:9] == [
        *(16, 16, 32, 64, 128, 256, 512, 1024, 1024),
    ]


def test_lambs_rows_are_the_printed_ones_in_all_three_tables():
    for table in ("table1", "table2", "table4"):
        assert [row.paper["f1"] for row in lamb(table)] == LAMB_F1
        assert [row.steps for row in lamb(table)] == STEPS
    assert [row.paper["exact_match"] for row in lamb("table4")] == EXACT


def test_rates_follow_the_square_root_rule_and_warm_up_the_linear_one():
    for k, row in zip((3, 2.5, 2, 1.5, 1, 0.5, 0), lamb("table4")):
        assert row.learning_rate == pytest.approx(5 / (2**k * 1e3))
        assert row.warmup_ratio == pytest.approx(2 ** (-2 * k) / 5)


def test_every_row_sees_the_same_number_of_examples():
    for row in rows("table1/lamb-*"):
        seen = sum(stage.batch_size * stage.steps for stage in row.stages)
        assert seen == pytest.approx(512e6, rel=0.002)


def test_32k_is_14063_steps_at_128_and_1562_at_512():
    first, second = registry.find("table1/lamb-32768").stages
    assert (first.sequence_length, first.batch_size, first.steps) == (128, 32768, 14063)
    assert (second.sequence_length, second.batch_size, second.steps) == (512, 32768, 1562)
    # Table 4: "It uses 0.2 x 15625 = 3125 iterations for learning rate warmup."
    assert (first.warmup_steps, second.warmup_steps) == (3125, 0)


def test_the_mixed_batch_is_7037_steps_of_64k_and_1562_of_32k_each_with_its_warm_up():
    for name in ("table1/lamb-65536-32768", "table1/lamb-65536-32768-nvidia"):
        first, second = registry.find(name).stages
        assert (first.batch_size, first.steps) == (65536, 7037)
        assert (second.batch_size, second.steps) == (32768, 1562)
        assert first.steps + second.steps == 8599
    # Table 1: "The data in this table is collected from the untuned version."
    first, second = registry.find("table1/lamb-65536-32768").stages
    assert first.learning_rate == pytest.approx(5e-3 * math.sqrt(2))
    assert second.learning_rate == 5e-3
    assert (first.warmup_steps, second.warmup_steps) == (round(0.4 * 7037), round(0.2 * 1562))
    first, second = registry.find("table1/lamb-65536-32768-nvidia").stages
    assert (first.learning_rate, first.warmup_steps) == (6e-3, 2000)
    assert (second.learning_rate, second.warmup_steps) == (4e-3, 200)


def test_what_the_paper_does_not_give_is_assumed_with_its_source():
    mixed = registry.find("table1/lamb-65536-32768-nvidia")
    for field in ("learning_rate", "warmup_ratio", "stage2_learning_rate", "stage2_warmup_ratio"):
        assert mixed.sources[field].kind == "assumed"
        assert "NVIDIA" in mixed.sources[field].note
        assert registry.find("table1/lamb-65536-32768").sources[field].kind == "rule"
    for row in rows("table2/lars-*"):
        assert row.sources["learning_rate"].kind == "assumed"
        assert row.learning_rate in row.grid["learning_rate"] and len(row.grid) == 1


def test_fine_tuning_is_one_recipe_on_record_and_the_other_is_a_setting():
    readme, devlin = (24, 3e-5, 2), (32, 5e-5, 3)
    fields = ("squad_batch_size", "squad_learning_rate", "squad_epochs")
    for row in rows("table[1248]/*"):
        assert tuple(getattr(row, field) for field in fields) == readme
        assert "README of google-research/bert" in row.sources["squad_epochs"].note
    # The note of the setting has the other one as it is asked for.
    texts = re.findall(r"--set (\S+)", ROW_32K.sources["squad_epochs"].note)
    other = apply_overrides(ROW_32K, parse_assignments(texts))
    assert tuple(getattr(other, field) for field in fields) == devlin


def test_table_2_prints_lars_below_lamb_and_its_divergence():
    lars = [registry.find(f"table2/lars-{batch}") for batch in BATCHES]
    assert [row.paper.get("f1") for row in lars] == LARS_F1
    assert lars[-1].paper["status"] == "diverged"
    assert [row.name for row in rows("table2/*")][:7] == [row.name for row in lars]


def test_table_8_is_warm_up_by_rate_at_16k():
    found = [(row.warmup_ratio, row.learning_rate) for row in rows("table8/*")]
    assert found == [(w, r) for w in (0.05, 0.10, 0.20) for r in (1e-4, 2e-4, 3e-4)]
    for row in rows("table8/*"):
        assert (row.optimizer, row.batch_size, row.steps) == ("bert_adamw", 16384, 31250)
        assert row.warmup_steps == round(row.warmup_ratio * 31250)  # as printed: of the whole run
    diverged = [row for row in rows("table8/*") if row.paper.get("status") == "diverged"]
    # Three of the four end at the first update of the second stage.
    assert [row.paper["last_step"] for row in diverged] == [28126, 28126, 28126, 20000]
    assert diverged[0].stages[0].steps + 1 == 28126


STUDIED = rows("table[128]/*") + rows("section41/*") + rows("reality_check/*")


@pytest.mark.parametrize("row", STUDIED, ids=lambda row: row.name)
def test_laptop_divides_all_batches_alike_and_fixes_the_number_of_tokens(row):
    laptop = scaled(row, "laptop")
    for mine, printed in zip(laptop.stages, row.stages):
        assert mine.batch_size * 32 == printed.batch_size
    seen = [stage.batch_size * stage.steps for stage in laptop.stages]
    assert seen == [147_456, 8_192]
    assert [stage.sequence_length for stage in laptop.stages] == [64, 128]
    tokens = [n * stage.sequence_length for n, stage in zip(seen, laptop.stages)]
    assert sum(tokens) > 10e6 and tokens[1] / sum(tokens) == pytest.approx(0.1, abs=1e-3)
    for field in ("warmup_ratio", "optimizer", "rewarmup", "weight_decay"):
        assert getattr(laptop, field) == getattr(row, field)
    assert (laptop.dataset, laptop.vocabulary_size, laptop.dropout) == ("text_folder", 4096, 0.0)


@pytest.mark.parametrize("optimizer", sorted(bert_scales.CHOSEN))
def test_one_factor_on_the_rate_serves_all_batch_sizes(optimizer):
    factors = set()
    for row in STUDIED:
        if row.optimizer == optimizer and row.name != "section41/adamw-16384-lamb":
            laptop = scaled(row, "laptop")
            factors |= {
                round(mine.learning_rate / printed.learning_rate, 9)
                for mine, printed in zip(laptop.stages, row.stages)
            }
            assert laptop.grid == {}
    assert factors == {bert_scales.CHOSEN[optimizer]}
    assert bert_scales.CHOSEN[optimizer] in bert_scales.ROUNDS[-1].factors[optimizer]


@pytest.mark.parametrize("trials, steps", zip(bert_scales.ROUNDS, ([72, 4], [288, 16])))
def test_every_optimizer_has_as_many_trials_of_one_length_at_the_middle_batch(trials, steps):
    assert set(trials.factors) == set(bert_scales.CHOSEN)
    assert len({len(factors) for factors in trials.factors.values()}) == 1
    for name in ("table1/lamb-8192", "table2/lars-8192", *CHECKED):
        row = registry.find(name)
        for factor in trials.factors[row.optimizer]:
            settings = bert_scales.trial_settings(row, factor, trials)
            texts = {field: str(value) for field, value in settings.items()}
            trial = apply_overrides(scaled(row, "laptop"), texts)
            assert trial.batch_size == 256 and [stage.steps for stage in trial.stages] == steps
            assert trial.learning_rate == pytest.approx(factor * row.learning_rate)


CHECKED = ("reality_check/adamw-8192", "reality_check/momentum-8192")


def test_the_reality_check_sets_standard_optimizers_beside_the_papers():
    found = rows("reality_check/*")
    shown = [row.same_run_as for row in found if row.same_run_as]
    assert shown == [
        *(f"table1/lamb-{batch}" for batch in (*BATCHES, MIXED)),
        f"section41/adamw-{MIXED}",
        *(f"table2/lars-{batch}" for batch in BATCHES),
    ]
    own = [row for row in found if not row.same_run_as and row.optimizer != "lars"]
    assert [row.batch_size for row in own if row.optimizer == "bert_adamw"] == BATCHES
    assert [row.batch_size for row in own if row.optimizer == "momentum"] == [512, 8192, 32768]
    assert all(row.nesterov for row in own if row.optimizer == "momentum")
    lamb_rows = {row.batch_size: row for row in lamb("table1")}
    for row in own:  # the paper's rules
        assert row.warmup_ratio == lamb_rows[row.batch_size].warmup_ratio
        assert row.steps == lamb_rows[row.batch_size].steps
        first = next(r for r in own if r.optimizer == row.optimizer)
        ratio = row.learning_rate / first.learning_rate
        assert ratio == pytest.approx(math.sqrt(row.batch_size / 512))


def test_lars_meets_the_mixed_batch_in_lambs_schedule():
    (lars,) = [row for row in rows("reality_check/lars-*") if not row.same_run_as]
    lamb_row = registry.find(f"table1/lamb-{MIXED}")
    assert lars.name.endswith(MIXED) and lars.rewarmup and lars.momentum == 0.9
    assert lars.stages == lamb_row.stages and lars.paper_f1 is None


ROW_32K = registry.find("table1/lamb-32768")


def test_the_adamws_of_section_41_are_tried_as_it_says():
    default, like_lamb, mixed = (
        registry.find(f"section41/adamw-{name}") for name in ("16384-default", "16384-lamb", MIXED)
    )
    lamb = registry.find("table1/lamb-16384")
    for field in ("learning_rate", "warmup_ratio", "weight_decay", "beta_1", "beta_2", "epsilon"):
        assert getattr(like_lamb, field) == getattr(lamb, field)
        assert like_lamb.sources[field].kind in ("paper", "rule")
    assert like_lamb.stages == lamb.stages and like_lamb.optimizer == "bert_adamw"
    assert (default.learning_rate, default.warmup_ratio) == (1e-4, 0.01)
    wanted = registry.find(f"table1/lamb-{MIXED}")
    assert [s[:3] for s in mixed.stages] == [s[:3] for s in wanted.stages] and mixed.rewarmup
    assert mixed.paper == {"status": "no reasonable result"}


def test_the_other_fine_tuning_of_section_41_changes_its_rate_alone():
    row, lamb = map(registry.find, ("section41/lamb-16384-finetuned", "table1/lamb-16384"))
    differing = {f for f in SETTINGS if getattr(row, f) != getattr(lamb, f)}
    assert differing == {"squad_learning_rate"} and row.paper == {"f1": 91.688}
    assert row.learning_rate == lamb.learning_rate


@pytest.mark.parametrize("row", rows("table[128]/*") + rows("section41/*"), ids=lambda r: r.name)
def test_smoke_is_a_few_steps_of_both_stages(row):
    smoke = scaled(row, "smoke")
    assert smoke.dataset == "python_text" and smoke.steps == 10
    assert [stage.steps for stage in smoke.stages] == [6, 4]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stage2_steps": "15625"}, "stage2_steps is 15625, want less than total_steps, 15625"),
        ({"warmup_ratio": "1"}, r"warmup_ratio is 1.0, want a value in \[0, 1\)"),
        ({"model": "lenet5"}, "model 'lenet5' is not for pretraining; valid: bert_tiny"),
        ({"dataset": "mnist"}, "dataset 'mnist' is not for pretraining"),
        ({"epochs": "3"}, "--set epochs: it means nothing for pretraining"),
        ({"momentum": "0.8"}, "the optimizer 'lamb' has no such setting"),
        ({"sequence_length": "0"}, "sequence_length is 0"),
    ],
)
def test_senseless_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        apply_overrides(ROW_32K, settings)
