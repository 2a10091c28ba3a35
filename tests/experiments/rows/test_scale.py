from __future__ import annotations

import pytest

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.rows.scale import SCALES, proportional_batch
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled
from largebatch.optimizers.scaling import sqrt_scaling

ALL = list(registry.all_rows().values())
ROWS = [row for row in ALL if row.task == "classification"]
AS_RUN = [row for row in ALL if row.follows_code]
SMALL_IMAGES = [row for row in ROWS if row.dataset != "imagenet2012" and not row.follows_code]


def test_every_scale_of_every_row_is_sound_and_marked():
    for row in ALL:
        for scale in ("paper", "smoke") if row.follows_code else SCALES:
            result = scaled(row, scale)
            assert result.scale == scale and result.name == row.name
            assert result.warmup_steps < result.steps, row.name
            assert result.overrides == {}, row.name
            assert scaled(row, scale) == result  # pure
        assert row.scale == "paper", row.name


def test_the_paper_scale_is_the_row_itself():
    assert scaled(ROWS[0], "paper") is ROWS[0]


@pytest.mark.parametrize("row", SMALL_IMAGES, ids=lambda row: row.name)
def test_laptop_keeps_the_recipe(row):
    laptop = scaled(row, "laptop")
    for field in ("optimizer", "schedule", "warmup_epochs", "epochs", "grid"):
        assert getattr(laptop, field) == getattr(row, field)
    if row.name != "table7/momentum":
        assert laptop.learning_rate == row.learning_rate
    assert laptop.steps == pytest.approx(row.steps, rel=0.05)  # batch / N is kept


def test_momentums_rate_follows_the_smaller_batch_to_the_nearest_of_the_grid():
    row = registry.find("table7/momentum")
    laptop = scaled(row, "laptop")
    wanted = sqrt_scaling(row.learning_rate, row.batch_size, laptop.batch_size)
    nearest = min(row.grid["learning_rate"], key=lambda rate: abs(rate - wanted))
    assert laptop.learning_rate == nearest


def test_smoke_is_eight_steps_on_data_that_needs_no_network():
    for row in ROWS:
        smoke = scaled(row, "smoke")
        assert (smoke.dataset, smoke.steps) == ("digits", 8), row.name
        assert smoke.warmup_steps == (2 if row.warmup_epochs else 0), row.name


def test_a_changed_setting_is_no_longer_the_papers():
    laptop = scaled(registry.find("table7/lamb"), "laptop")
    assert laptop.sources["batch_size"].kind == "assumed"
    assert "laptop scale" in laptop.sources["batch_size"].note
    assert laptop.sources["epochs"].kind == "paper"


def test_an_unknown_scale_suggests_the_nearest():
    with pytest.raises(UserError, match="'labtop'.*did you mean laptop"):
        scaled(ROWS[0], "labtop")


@pytest.mark.parametrize("row", AS_RUN, ids=lambda row: row.name)
def test_a_row_as_run_has_no_scale_but_the_papers_and_a_few_steps(row):
    for scale in ("laptop", "laptop-cifar10"):
        with pytest.raises(UserError, match=f"^--scale={scale}: {row.name} is .*, or {row.twin}$"):
            scaled(row, scale)


def test_scaling_twice_or_after_an_override_is_refused():
    with pytest.raises(ValueError, match="already"):
        scaled(scaled(ROWS[0], "smoke"), "smoke")
    with pytest.raises(ValueError, match="already"):
        scaled(apply_overrides(ROWS[0], {"epochs": "7"}), "smoke")


def test_the_proportional_batch_keeps_the_ratio_in_whole_multiples():
    row = registry.find("table7/lamb")
    assert proportional_batch(row, "digits") == 24  # 24.5
    assert proportional_batch(row, "imagenet2012") == 21_864
    assert proportional_batch(apply_overrides(row, {"batch_size": "8"}), "digits") == 8


def test_the_limits_laptop_goes_up_to_all_images_in_one_batch():
    for name, count in (("laptop", 60_000), ("laptop-cifar10", 50_000)):
        row = scaled(registry.find("limit/lamb-1281167"), name)
        assert (row.batch_size, row.steps) == (count, 30)


def test_cifar10_is_a_scale_of_what_ran_on_imagenet_alone():
    row = scaled(registry.find("table5/lamb-32768"), "laptop-cifar10")
    assert (row.dataset, row.model, row.batch_size) == ("cifar10", "lenet5", 4096)
    with pytest.raises(UserError, match="table7 has no scale 'laptop-cifar10'; valid: paper, lap"):
        scaled(registry.find("table7/lamb"), "laptop-cifar10")
