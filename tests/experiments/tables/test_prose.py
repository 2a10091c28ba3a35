"""The rows of BERT on prose: one number of examples, one rule of rates, equal tuning."""

import math

import pytest

from largebatch.experiments.tables import prose, registry
from largebatch.experiments.tables.registry import scaled

ROWS = registry.matching("prose/*")


def test_every_row_sees_the_same_sequences_whatever_its_batch():
    for row in ROWS:
        first, later = row.stages
        assert first.batch_size * first.steps == prose.FIRST
        assert later.batch_size * later.steps == prose.LATER
        assert (first.sequence_length, later.sequence_length) == prose.LENGTHS
    tokens = sum(n * length for n, length in zip((prose.FIRST, prose.LATER), prose.LENGTHS))
    assert tokens > 10e6


@pytest.mark.parametrize("name", prose.OPTIMIZERS)
def test_rates_follow_the_square_root_of_the_batch_and_warm_ups_the_batch(name):
    for row in ROWS:
        if row.name.split("/")[1].startswith(name):
            full = prose.CHOSEN[name] * prose.RATES[name]
            assert row.learning_rate == pytest.approx(full * math.sqrt(row.batch_size / 1024))
            assert row.warmup_ratio == pytest.approx(row.batch_size / 1024 / 5)


def test_every_optimizer_is_tuned_at_the_middle_batch_alone_and_with_equal_budgets():
    grids = {row.name: row.grid["learning_rate"] for row in ROWS if row.grid}
    assert list(grids) == [f"prose/{name}-{prose.MIDDLE}" for name in prose.OPTIMIZERS]
    assert {len(grid) for grid in grids.values()} == {len(prose.FACTORS)}
    for grid in grids.values():
        assert [rate / grid[0] for rate in grid] == pytest.approx([1, 2, 4, 8])


def test_the_mixed_batch_warms_up_again_or_once():
    again, once = (registry.find(f"prose/lamb-2048-1024{suffix}") for suffix in ("", "-one-warmup"))
    assert [stage.warmup_steps for stage in again.stages] == [29, 2]
    assert again.stages[1].learning_rate == pytest.approx(again.learning_rate / math.sqrt(2))
    assert once.stages[1].warmup_steps == 0 and not once.rewarmup


def test_rows_are_judged_by_masked_words_at_every_scale():
    for row in ROWS[:1]:
        for scale in ("paper", "laptop", "smoke"):
            assert scaled(row, scale).metric == "masked_lm_accuracy"
