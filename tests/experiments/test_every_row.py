"""Every row builds its optimizer and schedule, and one of every kind runs."""

from __future__ import annotations

import json
import math
import runpy
from pathlib import Path

import pytest

from largebatch.experiments.launching import launch
from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.recipes.imagenet import FITTED_L2
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.rows.scale import of as scales_of
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled
from largebatch.experiments.tasks.schedule import learning_rate, optimizer_of

ROWS = registry.all_rows().values()
covering = runpy.run_path(str(Path(__file__).with_name("covering.py")))["covering"]


def traits(row):
    """What makes the row's run another program than another row's: names, not numbers.

    An optimizer's settings reach it, as the test below finds, and are tests/optimizers' own.
    """
    small = scaled(registry.run_of(row), "smoke")
    return {
        *(("model", small.model), ("schedule", small.schedule), ("augment", small.augment)),
        *(("clipped", small.clip_norm is not None), ("groups", small.clip_batch is not None)),
        *(("norm", small.norm_batch is not None), ("subset", small.eval_subset is not None)),
        *(("optimizer", small.optimizer), ("metric", small.metric)),
    }


def of_every_kind():
    """(name, whether it adds its model) of few rows of images that have every trait of all.

    Tables 1, 2, 4 and 8 have tests of their own.
    """
    has = {row.name: traits(row) for row in ROWS if row.task == "classification"}
    models = set()
    for name in covering(has, cheap=lambda name: ("model", "lenet5") in has[name]):
        added = {trait for trait in has[name] if trait[0] in ("model", "norm")}
        yield name, not added <= models
        models |= added


@pytest.mark.parametrize("table", registry.TABLES)
def test_every_row_builds_its_optimizer_and_a_schedule_that_warms_up_before_it_ends(table):
    for row in registry.module(table).ROWS.values():
        assert 0 <= row.warmup_steps < row.steps
        schedule = learning_rate(row)
        optimizer = optimizer_of(row, schedule)
        for field, value in row.optimizer_settings.items():
            assert getattr(optimizer, field) == value, (row.name, field)
        # Before and after: tools/test_rate_trace.py.
        peak = max(stage.learning_rate for stage in row.stages)
        assert 0 < float(schedule(row.warmup_steps)) <= peak * (1 + 1e-6), row.name


def test_the_polynomial_decay_of_lars_ends_where_mlperfs_does():
    row = registry.find("resnet50/lars-32768")
    schedule = learning_rate(row)
    assert float(schedule(row.warmup_steps)) == pytest.approx(21.2)
    assert float(schedule(row.steps)) == pytest.approx(1e-4)
    middle = (row.warmup_steps + row.steps) // 2
    assert float(schedule(middle)) == pytest.approx(21.2 / 4, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "adds_model"), of_every_kind())
def test_a_row_of_each_kind_runs_at_smoke_scale(name, adds_model, tmp_path, request, monkeypatch):
    """Each model, optimizer, schedule and switch of a row of images is in a step that runs."""
    from largebatch.models import dawnbench

    def block(x, norm, channels, name, residual):
        return dawnbench._layer(x, norm, channels, name) if name == "layer1" else x

    monkeypatch.setattr(dawnbench, "_block", block)  # two of DavidNet's eight layers
    if not adds_model:  # another row has run it
        request.getfixturevalue("small_network")
    row = scaled(registry.run_of(registry.find(name)), "smoke")
    assert launch.launch(row, RunSettings(output_dir=str(tmp_path), checkpoint_every=4)) == 0
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["last_step"] == 8 and result["metrics"]["examples"] == 360
    assert 0 <= result["metrics"][row.metric] <= 1 and math.isfinite(result["last_loss"])


def test_every_scale_of_an_imagenet_row_keeps_its_optimizer_and_schedule():
    for row in ROWS:
        if row.dataset != "imagenet2012":
            continue
        for scale in [scale for scale in scales_of(row) if scale != "paper"]:
            small = scaled(row, scale)
            assert (small.optimizer, small.schedule) == (row.optimizer, row.schedule)
            added = {} if row.optimizer != "lars" else {"exclude_from_layer_adaptation": []}
            if row.sources["l2_regularization"] == FITTED_L2["l2_regularization"]:
                added["l2_regularization"] = 0.0  # fitted to ResNet-50's tables
            # Whether batch norm alone is left out is a question of a model that has it.
            assert small.optimizer_settings == {
                **{f: v for f, v in row.optimizer_settings.items() if v != "batch_norm"}, **added
            }  # fmt: skip


def test_nothing_is_left_out_where_that_is_said():
    row = registry.find("alexnet/lars-4096")
    assert row.optimizer_settings["exclude_from_layer_adaptation"] == []
    assert "exclude_from_weight_decay" not in row.optimizer_settings  # biases, by default
    row = apply_overrides(registry.find("table7/lamb"), {"exclude_from_weight_decay": "nothing"})
    assert row.optimizer_settings["exclude_from_weight_decay"] == []
