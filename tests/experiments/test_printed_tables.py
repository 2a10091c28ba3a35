"""Tables 6 and 7 against what the paper prints."""

from __future__ import annotations

import pytest

from largebatch.experiments.tables import registry

TABLE_6 = {"adagrad": 0.9074, "adam": 0.9225, "adamw": 0.9271, "momentum": 0.9372, "lamb": 0.9408}
TABLE_7 = {"momentum": 0.9933, "adagrad": 0.9928, "adam": 0.9936, "adamw": 0.9941, "lamb": 0.9945}
# fmt: off
RATES_6 = (
    0.0001, 0.0002, 0.0004, 0.0006, 0.0008, 0.001, 0.002, 0.004, 0.006, 0.008, 0.01, 0.02, 0.04,
    0.06, 0.08, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 25, 30, 35, 40, 45, 50,
)
# fmt: on


def as_printed(table):
    return [row for row in registry.module(table).ROWS.values() if not row.follows_code]


@pytest.mark.parametrize(("table", "printed"), [("table6", TABLE_6), ("table7", TABLE_7)])
def test_values_and_their_order_are_the_printed_ones(table, printed):
    rows = as_printed(table)
    assert [(row.optimizer, row.paper["accuracy"]) for row in rows] == [*printed.items()]


def test_table_7_is_30_epochs_of_mnist_at_1024_over_four_rates():
    for row in as_printed("table7"):
        assert (row.dataset, row.epochs, row.batch_size) == ("mnist", 30, 1024)
        # "LeNet" in the paper; which one, its code says.
        assert row.model == "mnist_convnet" and row.sources["model"].kind == "code"
        assert row.grid == {"learning_rate": (0.0001, 0.001, 0.01, 0.1)}
        assert (row.schedule, row.decay_from) == ("warmup_linear", "start")
        # AdamW's is the recipe of the code's LAMB: what the code calls AdamW is LAMB.
        given = "code" if row.optimizer == "adamw" else "paper"
        for field in ("dataset", "epochs", "batch_size"):
            assert row.sources[field].kind == given
        assert row.sources["optimizer"].kind == "paper"
        assert row.sources["warmup_epochs"].kind == "code"


def test_the_optimizers_of_table_7_share_one_schedule():
    shapes = {(row.schedule, row.warmup_epochs, row.decay_from, row.steps) for row in
              as_printed("table7")}  # fmt: skip
    assert len(shapes) == 1


def test_table_6_is_24_epochs_of_cifar_10_at_512_over_the_printed_grids():
    for row in as_printed("table6"):
        assert (row.model, row.dataset, row.epochs, row.batch_size) == (
            *("davidnet", "cifar10"),
            *(24, 512),
        )
        if row.optimizer == "momentum":
            assert row.grid == {}
        else:
            assert row.grid["learning_rate"] == tuple(rate / 512 for rate in RATES_6)
        assert ("weight_decay" in row.grid) == (row.optimizer == "adamw")
    decays = registry.find("table6/adamw").grid["weight_decay"]
    assert decays == (0.0001, 0.001, 0.01, 0.1, 1.0)


def test_lamb_has_the_defaults_of_appendix_h_and_epsilon_on_a_mean_loss():
    for table, epsilon in (("table6", 1e-6 / 512), ("table7", 1e-6)):
        row = registry.find(f"{table}/lamb")
        defaults = {"weight_decay": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": epsilon}
        assert {f: getattr(row, f) for f in defaults} == defaults
        assert row.bias_correction is None  # Algorithm 2's: with it
        assert row.sources["weight_decay"].kind == "paper"


def test_momentum_of_table_6_is_the_recipe_of_the_notebook_that_the_paper_names():
    row = registry.find("table6/momentum")
    assert (row.learning_rate, row.momentum, row.nesterov) == (0.4, 0.9, True)
    assert (row.l2_regularization, row.weight_decay) == (5e-4, 0.0)
    assert (row.warmup_epochs, row.decay_from, row.augment) == (5, "warmup_end", "crop_flip")


def test_tuned_rates_are_not_passed_off_as_the_papers():
    for row in [*registry.matching("table6/*"), *registry.matching("table7/*")]:
        assert row.sources["learning_rate"].kind in ("assumed", "code")
