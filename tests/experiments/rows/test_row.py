from __future__ import annotations

import dataclasses
import fractions
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from largebatch.experiments.rows import choices
from largebatch.experiments.rows.row import IDENTITY_FIELDS, PAPER_FIELDS, SETTINGS, Row, Stage
from largebatch.experiments.tables import registry

LAMB = registry.find("table7/lamb")


@pytest.mark.parametrize("name", ["table1/lamb-512", "table5/lamb-512", "table7/lamb"])
def test_norm_and_correction_of_lamb_are_the_papers_words(name):
    sources = registry.find(name).sources
    assert sources["norm"].kind == "paper" and "L2 norm as the default" in sources["norm"].note
    correction = sources["bias_correction"]
    assert correction.kind == "paper" and "contradiction" in correction.note
    assert "Algorithm 2" in correction.note and "Figure 2" in correction.note
    # What a row says of itself comes first.
    assert "with and without" in registry.find("figure2/neither").sources["bias_correction"].note
    assert registry.find("figure3/l1").sources["norm"].kind == "assumed"


def test_steps_are_the_epochs_rounded_up_to_whole_updates():
    assert LAMB.steps == math.ceil(30 * 60_000 / 1024) == 1758
    imagenet = dataclasses.replace(LAMB, dataset="imagenet2012", batch_size=16_384, epochs=90)
    assert imagenet.steps == 7038


@given(
    epochs=st.integers(1, 200),
    batch=st.integers(1, 70_000),
    warmup=st.floats(0, 300),
    dataset=st.sampled_from(sorted(choices.TRAINING_EXAMPLES)),
)
def test_steps_are_exact_and_warmup_ends_before_the_run(epochs, batch, warmup, dataset):
    row = dataclasses.replace(
        LAMB, epochs=epochs, batch_size=batch, warmup_epochs=warmup, dataset=dataset
    )
    examples = choices.TRAINING_EXAMPLES[dataset]
    assert row.steps == math.ceil(fractions.Fraction(epochs * examples, batch))
    assert 0 <= row.warmup_steps < row.steps


def test_floating_point_adds_no_step():
    row = dataclasses.replace(LAMB, epochs=0.1, batch_size=1000)
    assert row.steps == 6  # 0.1 * 60000 / 1000 is a little above 6


def test_epochs_of_whole_batches_alone_round_down_and_the_warm_up_with_them():
    cifar10 = dataclasses.replace(registry.find("table6/lamb"), floor_epochs=None)
    assert (cifar10.steps, cifar10.steps_per_epoch) == (2344, 50_000 / 512)
    floored = dataclasses.replace(cifar10, floor_epochs=True, warmup_epochs=6)
    assert (floored.steps, floored.steps_per_epoch) == (97 * 24, 97) == (2328, 97)
    assert floored.warmup_steps == 6 * 97
    assert dataclasses.replace(floored, epochs=0.5).steps == 48  # 48.5 to the even one
    unfloored = dataclasses.replace(cifar10, floor_epochs=False)
    assert unfloored.steps == cifar10.steps


@pytest.mark.parametrize("floor_epochs", [None, True])
def test_a_run_is_evaluated_as_often_as_it_says_or_once_at_its_end(floor_epochs):
    row = registry.find("table6/lamb")
    row = dataclasses.replace(row, floor_epochs=floor_epochs, eval_every_epochs=1)
    assert row.eval_every == (97 if floor_epochs else 98)
    for epochs in (24, 24.5, 1000):
        assert dataclasses.replace(row, eval_every_epochs=epochs).eval_every == row.steps
    # 1.4 epochs of 97.7 steps are rounded up to 137: no evaluation at 136.7.
    short = dataclasses.replace(row, epochs=1.4, eval_every_epochs=1.4)
    assert short.eval_every == short.steps


def test_derived_values_follow_a_change_of_fields():
    row = dataclasses.replace(LAMB, batch_size=2048, learning_rate=0.5)
    assert row.stages == (Stage(None, 2048, 879, 0.5, 29),)


def test_paper_holds_only_what_is_printed():
    assert LAMB.paper == {"accuracy": 0.9945}
    assert LAMB.metric == "accuracy"
    assert Row().paper == {} and Row().metric is None
    assert Row(paper_f1=91.0, paper_exact_match=84.0).metric == "f1"


def test_optimizer_settings_are_those_that_the_optimizer_reads_and_the_row_gives():
    assert LAMB.optimizer_settings == {
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-6,
        "weight_decay": 0.01,
        "exclude_from_weight_decay": "bias",
        "exclude_from_layer_adaptation": [],
    }
    assert registry.find("table3/adam").optimizer_settings == {
        **{"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "l2_regularization": 1e-4},
        "exclude_from_weight_decay": "batch_norm",
    }


def test_every_field_is_a_setting_or_the_papers_or_says_what_the_row_is():
    fields = [field.name for field in dataclasses.fields(Row)]
    assert sorted(fields) == sorted([*SETTINGS, *PAPER_FIELDS, *IDENTITY_FIELDS])


def test_every_row_is_whole():
    for name, row in registry.all_rows().items():
        assert row.name == name == name.lower() and name.startswith(f"{row.table}/")
        assert row.stages and all(stage.warmup_steps < stage.steps for stage in row.stages), name
        if row.table in registry.PAPER_TABLES:  # figures and studies print no numbers
            assert row.metric in row.paper or row.paper["status"] == "diverged", name
        used = [field for field in SETTINGS if field not in row.unused_fields]
        given_settings = [field for field in used if getattr(row, field) is not None]
        assert set(given_settings) <= set(row.sources), name
        assert all(source.note for source in row.sources.values()), name


def test_adams_epsilon_is_tensorflow_1s_in_the_papers_rows():
    tables = {"table3", "table7", *(f"table{number}" for number in range(9, 26))}
    found = [
        row for row in registry.all_rows().values()
        if row.table in tables and row.optimizer in ("adam", "adamw") and not row.follows_code
    ]  # fmt: skip
    assert len(found) == 4 + 2 + (11 + 19 + 13 * 20)
    for row in found:
        assert row.epsilon == 1e-8, row.name
        assert row.sources["epsilon"].kind == "code" and "mnist_tpu" in row.sources["epsilon"].note
