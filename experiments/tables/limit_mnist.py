"""The limit of the batch size on MNIST, as the first author's public code ran it: all 60,000 images
in one batch, 35 updates; 50,000, 30 updates; and 8,192.

What is printed beside these rows is the best run of the log, not the paper's: a maximum over as
many runs as its source names. Rates and warm-ups of the search are the rows' grids.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes import small_scales
from largebatch.experiments.rows import choices
from largebatch.experiments.rows.author_code import MNIST
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.scale import proportional_batch, replaced
from largebatch.experiments.rows.source import code
from largebatch.experiments.rows.table import table
from largebatch.experiments.tables.table7_as_run import CORES, LAMB_SETTINGS, LAMB_SOURCES, NETWORK

WHOLE = 60_000
PART = 50_000
# The code counts the warm-up of batches of 50,000 in epochs of 50,000: in updates.
_UPDATE = PART / WHOLE  # of an epoch

_MOMENTUM_RATES = tuple(n / 100 for n in (*range(5, 37), 40, 45, 50, 55, 60))
_LAMB_RATES = (
    *(0.001, 0.002, 0.005, 0.006, 0.008, 0.01, 0.02, 0.04, 0.06, 0.08),
    *(0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16),
)
_ADAM_RATES = (
    *(0.0001, 0.0002, 0.0004, 0.0006, 0.0008, 0.001, 0.002, 0.004, 0.006, 0.008),
    *(0.01, 0.02, 0.04, 0.06, 0.08, 0.1),
)
_PART_RATES = (0.001, *_ADAM_RATES[6:], 0.2, 0.4, 0.6, 0.8, 1.0)

_POWER = "schedule decay_from decay_power"
_BASE = dataclasses.replace(
    NETWORK,
    decay_power=0.5,
    sources={
        **NETWORK.sources,
        **code(f"{MNIST}: power 0.5, counted from update 0, also behind the warm-up",
               f"{_POWER} end_learning_rate"),
    },
)  # fmt: skip
_MOMENTUM = dataclasses.replace(
    _BASE,
    optimizer="momentum",
    momentum=0.9,
    nesterov=False,
    end_learning_rate=1e-4,
    sources={
        **_BASE.sources,
        **code(f"{MNIST}: momentum_poly/mnist_tpu.py: MomentumOptimizer(learning_rate, 0.9)",
               "optimizer momentum nesterov"),
    },
)  # fmt: skip
_LARS = dataclasses.replace(
    _BASE,
    optimizer="lars",
    form="you2017",
    momentum=0.9,
    nesterov=False,
    weight_decay=1e-4,
    trust_coefficient=0.001,
    end_learning_rate=1e-4,
    exclude_from_weight_decay=choices.NOTHING,
    exclude_from_layer_adaptation=choices.NOTHING,
    sources={
        **_BASE.sources,
        **code(f"{MNIST}: momentum_lars/mnist_tpu.py: LARSOptimizer",
               "optimizer momentum nesterov trust_coefficient"),
        **code(
            f"{MNIST}: momentum_lars/mnist_tpu.py keeps a sum of raw gradients and scales it by "
            "the newest rate and ratio, where this form keeps each gradient's own",
            "form",
        ),
        **code(
            f"{MNIST}: momentum_lars/mnist_tpu.py has it in the ratio's denominator alone; here "
            "the weights decay by it, too: about 1e-4 an update",
            "weight_decay exclude_from_weight_decay",
        ),
        **code(f"{MNIST}: momentum_lars/mnist_tpu.py: no variable is left out; one that is 0 has "
               "ratio 1", "exclude_from_layer_adaptation"),
    },
)  # fmt: skip
_LAMB = dataclasses.replace(_BASE, **LAMB_SETTINGS, sources={**_BASE.sources, **LAMB_SOURCES})
_ADAM = dataclasses.replace(
    NETWORK,
    optimizer="adam",
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
    schedule="constant",
    sources={
        **NETWORK.sources,
        **code(f"{MNIST}: adam/mnist_tpu_warm.py: AdamOptimizer with its defaults",
               "optimizer beta_1 beta_2 epsilon"),
        **code(f"{MNIST}: adam/mnist_tpu_warm.py: a polynomial of power 0, so constant",
               "schedule decay_from"),
    },
)  # fmt: skip


def _logged(log: str, runs: str) -> dict:
    """Sources of what a log's best run fixes, and of the value that stands as printed."""
    return {
        **code(f"{MNIST}: {log}: the best of {runs}", "learning_rate warmup_epochs paper_accuracy"),
        **code(f"{MNIST}: {log}", "batch_size epochs"),
    }


def _search(rates: tuple, warmups: tuple) -> dict:
    return {"learning_rate": rates, "warmup_epochs": warmups}


def _span(first: int, last: int) -> tuple[float, ...]:
    return tuple(float(epoch) for epoch in range(first, last + 1))


_COLUMNS = "batch_size  epochs  eval_every_epochs  learning_rate  warmup_epochs  label  grid  "
_COLUMNS += "paper_accuracy  sources"
_PATTERN = "mnist-{optimizer}-{batch_size}"


def rows() -> dict[str, Row]:
    """{name: Row} of table 'limit'."""
    # fmt: off
    made = {
        **table(
            "limit", _MOMENTUM, _PATTERN, _COLUMNS,
            (WHOLE, 35, 35, 0.11, 12.0, "MNIST, Momentum, 60,000",
             _search(_MOMENTUM_RATES, _span(10, 19)), 0.9244,
             _logged("momentum_poly/log", "207 runs (batch60k_best.txt names .9374 elsewhere)")),
        ),
        **table(
            "limit", _LARS, _PATTERN, _COLUMNS,
            (WHOLE, 35, 35, 22.0, 9.0, "MNIST, LARS, 60,000",
             _search(_span(1, 30), _span(9, 25)), 0.9727,
             _logged("momentum_lars/log", "508 runs (best/summary.txt names .9765 elsewhere)")),
            (8192, 250 * 8192 / WHOLE, 35, 6.0, 16.0, "MNIST, LARS, 8K", {}, 0.9935,
             _logged("momentum_lars/best", "1 run")),
        ),
        **table(
            "limit", _LAMB, _PATTERN, f"clip_batch {_COLUMNS}",
            (WHOLE // CORES, WHOLE, 35, 35, 0.11, 7.0, "MNIST, LAMB, 60,000",
             _search(_LAMB_RATES, _span(5, 25)), 0.9887, _logged("lamb/log1", "195 runs")),
            (PART // CORES, PART, 30 * _UPDATE, 30, 0.1, 6 * _UPDATE, "MNIST, LAMB, 50,000",
             _search(_PART_RATES, tuple(w * _UPDATE for w in (1, 2, 4, 6, 8))), 0.9855,
             _logged("lamb/gd_log", "148 runs, with those of lamb/")),
        ),
        **table(
            "limit", _ADAM, _PATTERN, _COLUMNS,
            (PART, 30 * _UPDATE, 30, 0.04, 10 * _UPDATE, "MNIST, Adam, 50,000",
             _search(_ADAM_RATES, tuple(w * _UPDATE for w in (0, 1, 2, 4, 6, 8, 10))), 0.9812,
             _logged("adam/warmup", "112 runs")),
        ),
    }
    # fmt: on
    order = ("momentum-60000", "lars-60000", "lamb-60000", "adam-50000", "lamb-50000", "lars-8192")
    return {f"limit/mnist-{name}": made[f"limit/mnist-{name}"] for name in order}


def smaller(row: Row, dataset: str, scale: str) -> Row:
    """LeNet in place of the larger network, the share of the data in a batch kept."""
    batch = proportional_batch(row, dataset)
    return replaced(
        row,
        f"{scale}: LeNet on {dataset}, the same share of the data",
        dataset=dataset,
        model="lenet5",
        model_width=1.0,
        dropout=None,
        batch_size=batch,
        clip_batch=None if row.clip_batch is None else batch // CORES,
    )


def smoke(row: Row) -> Row:
    """A few steps of a quarter of the network on scikit-learn's digits."""
    return small_scales.few_steps(row)
