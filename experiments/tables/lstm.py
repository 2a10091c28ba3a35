"""The lecture's toy application: an LSTM on MNIST, batch 256 against 8192, with LEGW.

    python -m largebatch.experiments.sweep --table=lstm --data_dir=MNIST

The lecture shows curves without numbers. LEGW (You et al. 2019, "Large-batch training for LSTM and
beyond"): k times the batch takes sqrt(k) times the rate and k times the epochs of warm-up.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes import small_scales
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.source import assumed, paper, rule, sources
from largebatch.experiments.rows.table import table
from largebatch.optimizers.scaling import legw_warmup_epochs, sqrt_scaling

LAYOUT = Layout(
    title="MNIST with an LSTM: batch 256 and 8192 (25 epochs)",
    measures="test accuracy",
    seeds=1,
    heading="Lecture, LSTM",
    settings=("batch size", "learning rate", "warm-up epochs"),
    labelled="batch size",
    by_row=True,
)

LEGW = "You et al. 2019, 'Large-batch training for LSTM and beyond'"
_BATCH, _RATE, _WARMUP = 256, 0.1, 0.2

BASE = Row(
    model="lstm",
    model_width=128,
    dataset="mnist",
    epochs=25,
    optimizer="momentum",
    momentum=0.9,
    nesterov=False,
    schedule="warmup_linear",
    decay_from="start",
    learning_rate=_RATE,
    warmup_epochs=_WARMUP,
    sources=sources(
        paper("the lecture: 'MNIST by LSTM (baseline batch: 256; large batch: 8192)'",
              "model dataset batch_size"),
        assumed(LEGW, "model_width epochs optimizer momentum nesterov"),
        assumed("rate and warm-up that serve the baseline batch", "learning_rate warmup_epochs"),
        assumed("the paper's: eta_0 (1 - t/T)", "schedule decay_from"),
        assumed("none is mentioned", "augment label_smoothing weight_decay l2_regularization"),
        assumed("the precision is not given", "precision"),
        assumed("the test set is looked at once an epoch", "eval_every_epochs"),
    ),
)  # fmt: skip
_SCALED = rule("LEGW, from the baseline's 256", "learning_rate warmup_epochs")
_UNSCALED = assumed("the baseline's, untouched: what LEGW is compared with", "learning_rate")


def _legw(batch: int) -> tuple[float, float]:
    return sqrt_scaling(_RATE, _BATCH, batch), legw_warmup_epochs(_WARMUP, _BATCH, batch)


# fmt: off
ROWS = {
    **table(
        "lstm", BASE, "{optimizer}-{batch_size}",
        "batch_size  label                 sources",
        (_BATCH,     "256",                {}),
        (8192,       "8192, rate as 256",  _UNSCALED),
    ),
    **table(
        "lstm", BASE, "{optimizer}-{batch_size}-legw",
        "batch_size  learning_rate  warmup_epochs   label         sources",
        (8192,       *_legw(8192),                  "8192, LEGW", _SCALED),
    ),
}
# fmt: on


def laptop(row: Row) -> Row:
    """The paper's scale: a laptop runs it in minutes as it is."""
    return row


def smoke(row: Row) -> Row:
    """A few steps of a small LSTM on scikit-learn's digits."""
    return dataclasses.replace(small_scales.smoke(row), model="lstm", model_width=8)
