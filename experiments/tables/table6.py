"""Table 6: CIFAR-10 with DavidNet, batch 512, 24 epochs, five optimizers (appendix G).

    python -m largebatch.experiments.run --experiment=table6/lamb

As printed: where appendix G is silent, the first author's code speaks; `-as-run` rows follow that
code where it differs. One run takes about two hours on two CPU cores in float32.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes import small_scales
from largebatch.experiments.rows import choices
from largebatch.experiments.rows.author_code import CIFAR10_SUBSET, DAVIDNET, NOTEBOOK
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.scale import replaced
from largebatch.experiments.rows.source import assumed, code, paper
from largebatch.experiments.rows.table import table, twins
from largebatch.experiments.tables import table6_as_run
from largebatch.experiments.tables.table6_as_run import BATCH, EPSILON_ADAM, RECIPE

LAYOUT = Layout(
    title="CIFAR-10 with DavidNet (batch 512, 24 epochs)",
    measures="Test Accuracy",
    seeds=1,
    by_row=True,
)

PRINTED_RATES = (
    *(0.0001, 0.0002, 0.0004, 0.0006, 0.0008, 0.001, 0.002, 0.004, 0.006, 0.008),
    *(0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.2, 0.4, 0.6, 0.8),
    *(1, 2, 4, 6, 8, 10, 15, 20, 25, 30, 35, 40, 45, 50),
)
# The code sums the loss over the batch and divides the rate by 512: its logs walk the printed
# values in these units. As rates of a mean loss those from 1 up would diverge.
RATES = tuple(rate / BATCH for rate in PRINTED_RATES)
DECAYS = (0.0001, 0.001, 0.01, 0.1, 1.0)

BASE = dataclasses.replace(
    RECIPE,
    decay_from="start",
    sources={
        **RECIPE.sources,
        **paper("section 4: eta_t = eta_0 (1 - t/T), also 'for all other applications'",
                "schedule decay_from decay_power end_learning_rate"),
        **code(f"{DAVIDNET}: no weight decay in this optimizer", "weight_decay"),
    },
)  # fmt: skip

TUNED = {"learning_rate": RATES}
TUNED_ADAMW = {"learning_rate": RATES, "weight_decay": DECAYS}

_CHOSEN = f"in units of 1 / {BATCH}; the best of the tuning space is not printed"
ADAGRAD = {
    **code(f"{DAVIDNET}: adagard: near the best of its log, .013; {_CHOSEN}", "learning_rate"),
    **code(f"{DAVIDNET}: adagard: AdagradOptimizer; its 0.1, on the sum over {BATCH} images",
           "initial_accumulator_value"),
}  # fmt: skip
_PART = code(f"{DAVIDNET}: adam2 and lamb_correct score the first 8,000 test images", "eval_subset")
ADAM = {
    **_PART,
    **assumed(f"1 {_CHOSEN} and in no log; --set another or sweep", "learning_rate"),
    **code(f"{DAVIDNET}: adam2: AdamOptimizer's defaults", "beta_1 beta_2"),
    **EPSILON_ADAM,
}
ADAMW = {
    **code(f"{DAVIDNET}: adamw/log.out: near its best, 5; {_CHOSEN}", "learning_rate"),
    **code(f"{DAVIDNET}: adamw/log.out: its best", "weight_decay"),
    **code(f"{DAVIDNET}: adamw: contrib's AdamW: all variables lose lambda times themselves",
           "beta_1 beta_2 decay_form exclude_from_weight_decay"),
    **EPSILON_ADAM,
}  # fmt: skip
LAMB = {
    **_PART,
    **code(f"{DAVIDNET}: lamb_correct/nohup.out: the rate and warm-up of its best run; {_CHOSEN}",
           "learning_rate warmup_epochs"),
    **paper("section 4 and appendix H: default settings", "weight_decay beta_1 beta_2"),
    **paper("Algorithm 2 clips no gradient", "clip_norm"),
    **table6_as_run.EPSILON_LAMB,
    **code(f"{DAVIDNET}: lamb_correct: batch norm's variables are out of both",
           "exclude_from_weight_decay exclude_from_layer_adaptation"),
}  # fmt: skip
# The paper points to a notebook for it (footnote 6), and says that it ran on a TPU.
MOMENTUM = dataclasses.replace(
    table6_as_run.MOMENTUM,
    norm_batch=RECIPE.norm_batch,
    floor_epochs=True,
    sources={
        **table6_as_run.MOMENTUM.sources,
        **{f: RECIPE.sources[f] for f in ("floor_epochs", "epochs")},
        **paper("appendix G: on one cloud TPU, whose 8 cores take 64 images each", "norm_batch"),
        **code(f"{NOTEBOOK}: all 10,000 images, after each epoch", "eval_every_epochs"),
    },
)

# fmt: off
_ROWS = {
    **table(
        "table6", BASE, "{optimizer}",
        "optimizer  label      learning_rate  initial_accumulator_value  grid   paper_accuracy  "
        "sources",
        ("adagrad", "ADAGRAD", 6 / BATCH,     0.1 / BATCH**2,            TUNED, 0.9074,
         ADAGRAD),
    ),
    **table(
        "table6", BASE, "{optimizer}",
        "optimizer  label   learning_rate  beta_1  beta_2  epsilon       eval_subset     grid   "
        "paper_accuracy  sources",
        ("adam",    "ADAM", 1 / BATCH,     0.9,    0.999,  1e-8 / BATCH, CIFAR10_SUBSET, TUNED,
         0.9225,         ADAM),
    ),
    **table(
        "table6", BASE, "{optimizer}",
        "optimizer  label    learning_rate  weight_decay  decay_form  exclude_from_weight_decay  "
        "beta_1  beta_2  epsilon       grid         paper_accuracy  sources",
        ("adamw",   "ADAMW", 4 / BATCH,     0.0001,       "plain",    choices.NOTHING,
         0.9,    0.999,  1e-8 / BATCH, TUNED_ADAMW, 0.9271,         ADAMW),
    ),
    **table(
        "table6", MOMENTUM, "{optimizer}",
        "label       learning_rate  paper_accuracy",
        ("momentum", 0.4,           0.9372),
    ),
    **table(
        "table6", BASE, "{optimizer}",
        "optimizer  label   learning_rate  weight_decay  warmup_epochs  beta_1  beta_2  "
        "epsilon       exclude_from_weight_decay  exclude_from_layer_adaptation  grid   "
        "eval_subset     paper_accuracy  sources",
        ("lamb",    "LAMB", 10 / BATCH,    0.01,         6,             0.9,    0.999,
         1e-6 / BATCH, "batch_norm",              "batch_norm",                  TUNED,
         CIFAR10_SUBSET, 0.9408,         LAMB),
    ),
}
# fmt: on
_PRINTED = {row.optimizer: row.paper_accuracy for row in _ROWS.values()}
ROWS = twins({**_ROWS, **table6_as_run.rows(_PRINTED, RATES)})


def laptop(row: Row) -> Row:
    """A quarter of the channels on the same images: minutes on two CPU cores."""
    row = replaced(row, "laptop scale: a quarter of the channels", model_width=16)
    return replaced(row, "laptop scale: multiplied as on a TPU, and faster", precision="bfloat16")


def smoke(row: Row) -> Row:
    """A few steps of a tiny DavidNet on scikit-learn's digits: does it run at all?"""
    return small_scales.few_steps(
        row,
        model_width=4,
        norm_batch=32 if row.norm_batch == BATCH else 4,
        floor_epochs=None,
        eval_subset=None if row.eval_subset is None else 100,
    )
