"""A large-batch reality check: do tuned AdamW and Nesterov momentum match LAMB and LARS on BERT?

    python -m largebatch.experiments.sweep --table=reality_check --scale=laptop --data_dir=SHARDS

Nado, Gilmer, Shallue, Anil and Dahl 2021 (arXiv 2102.06356) tune standard optimizers as thoroughly
as LARS and LAMB and find no benefit of these: Nesterov momentum matches LARS with ResNet-50 at 32K,
and AdamW reaches an F1 of 91.58 with BERT-Large at 32K. These rows take AdamW and Nesterov momentum
over Table 1's batch sizes, by the rules that the paper has for LAMB. At laptop scale each optimizer
has the same number of trials (`recipes.bert_scales`); LAMB's runs are Table 1's, LARS's Table 2's.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

from largebatch.experiments.recipes import bert_scales
from largebatch.experiments.recipes.bert import ADAM_SETTINGS, ADAMW_SETTINGS, BERT_LARGE, DEVLIN
from largebatch.experiments.recipes.bert_scales import laptop, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.source import assumed, rule, sources
from largebatch.experiments.rows.table import same_runs, table
from largebatch.experiments.tables import section41, table1, table2

__all__ = ["LAYOUT", "ROWS", "laptop", "smoke"]

LAYOUT = Layout(
    title="Standard optimizers beside LAMB and LARS for BERT",
    measures="F1 score",
    seeds=1,
    corner="Batch size",
    down=True,
    heading="A large-batch reality check",
    recipes=" ",
    across=True,
)

STUDY = "a study after Nado et al. 2021"
_COMMON = sources(
    BERT_LARGE.sources,
    assumed(STUDY, "optimizer batch_size"),
    rule("Table 1: the same number of epochs", "total_steps"),
    rule("linear-epoch warm-up, as Table 4", "warmup_ratio"),
)
ADAMW = dataclasses.replace(
    BERT_LARGE,
    **ADAMW_SETTINGS,
    sources=sources(
        _COMMON,
        assumed(DEVLIN, ADAM_SETTINGS),
        rule(
            "Table 4's square root of the batch, from the baseline's 1e-4 at 512", "learning_rate"
        ),
    ),
)
MOMENTUM = dataclasses.replace(
    BERT_LARGE,
    optimizer="momentum",
    momentum=0.9,
    nesterov=True,
    weight_decay=0.01,
    sources=sources(
        _COMMON,
        assumed(f"{STUDY}: Nesterov momentum at the usual value", "momentum nesterov"),
        assumed("AdamW's value", "weight_decay"),
        assumed(
            "no value is on record; the square root of the batch from 0.1 at 512", "learning_rate"
        ),
    ),
)

# The mixed batch with LARS, of which the paper says nothing: Table 2's settings in Table 1's
# schedule.
LARS_MIXED = dataclasses.replace(
    table2.BERT_LARGE_LARS,
    batch_size=65536,
    stage2_batch_size=32768,
    total_steps=8599,
    stage2_steps=1562,
    rewarmup=True,
    sources={**table2.BERT_LARGE_LARS.sources, **table1.MIXED},
)


def _rates(at_512: float) -> list[float]:
    return [at_512 * math.sqrt(2**k) for k in range(7)]


_A, _M = _rates(1e-4), _rates(0.1)

# fmt: off
ROWS = {
    **same_runs(
        "reality_check", table1.ROWS,
        "same_run_as          label",
        ("table1/lamb-512",   "LAMB 512"),
        ("table1/lamb-1024",  "LAMB 1K"),
        ("table1/lamb-2048",  "LAMB 2K"),
        ("table1/lamb-4096",  "LAMB 4K"),
        ("table1/lamb-8192",  "LAMB 8K"),
        ("table1/lamb-16384", "LAMB 16K"),
        ("table1/lamb-32768", "LAMB 32K"),
        ("table1/lamb-65536-32768", "LAMB 64K/32K"),
    ),
    **table(
        "reality_check", ADAMW, "adamw-{batch_size}",
        "batch_size  total_steps  stage2_steps  learning_rate  warmup_ratio  label",
        (512,        1_000_000,   100_000,      _A[0],         1 / 320,      "AdamW 512"),
        (1024,       500_000,     50_000,       _A[1],         1 / 160,      "AdamW 1K"),
        (2048,       250_000,     25_000,       _A[2],         1 / 80,       "AdamW 2K"),
        (4096,       125_000,     12_500,       _A[3],         1 / 40,       "AdamW 4K"),
        (8192,       62_500,      6_250,        _A[4],         1 / 20,       "AdamW 8K"),
        (16384,      31_250,      3_125,        _A[5],         1 / 10,       "AdamW 16K"),
        (32768,      15_625,      1_562,        _A[6],         1 / 5,        "AdamW 32K"),
    ),
    **same_runs(
        "reality_check", section41.ROWS,
        "same_run_as                    label",
        ("section41/adamw-65536-32768", "AdamW 64K/32K"),
    ),
    **same_runs(
        "reality_check", table2.ROWS,
        "same_run_as          label",
        ("table2/lars-512",   "LARS 512"),
        ("table2/lars-1024",  "LARS 1K"),
        ("table2/lars-2048",  "LARS 2K"),
        ("table2/lars-4096",  "LARS 4K"),
        ("table2/lars-8192",  "LARS 8K"),
        ("table2/lars-16384", "LARS 16K"),
        ("table2/lars-32768", "LARS 32K"),
    ),
    **table(
        "reality_check", LARS_MIXED, "lars-{batch_size}-{stage2_batch_size}",
        "learning_rate      warmup_ratio  stage2_learning_rate  stage2_warmup_ratio  label",
        (5 * 2**0.5 / 1e3,  2 / 5,        5 / 1e3,              1 / 5,    "LARS 64K/32K"),
    ),
    **table(
        "reality_check", MOMENTUM, "momentum-{batch_size}",
        "batch_size  total_steps  stage2_steps  learning_rate  warmup_ratio  label",
        (512,        1_000_000,   100_000,      _M[0],         1 / 320,      "Nesterov 512"),
        (8192,       62_500,      6_250,        _M[4],         1 / 20,       "Nesterov 8K"),
        (32768,      15_625,      1_562,        _M[6],         1 / 5,        "Nesterov 32K"),
    ),
}
# fmt: on


class Trial(NamedTuple):
    """A run of the laptop scale's protocol that is made to choose a rate."""

    optimizer: str
    factor: float
    row: str
    seed: int
    settings: dict[str, Any]  # what it changes of the row at laptop scale
    round: int  # the first is 1
    share: int  # its length is a run's divided by it
    chosen: bool  # whether the rows have this factor by it


# The row at the middle batch, whose trials are an optimizer's.
TRIED = {
    "lamb": "table1/lamb-8192",
    "lars": "table2/lars-8192",
    "bert_adamw": "reality_check/adamw-8192",
    "momentum": "reality_check/momentum-8192",
}


def is_trial(name: str, seed: int) -> bool:
    """Whether a run of that row and seed is a trial."""
    return name in TRIED.values() and seed == bert_scales.TRIAL_SEED


def trials() -> list[Trial]:
    """All trials, in each round the same number of each optimizer."""
    rows = {**table1.ROWS, **table2.ROWS, **ROWS}
    rounds = bert_scales.ROUNDS
    return [
        Trial(
            optimizer,
            factor,
            name,
            bert_scales.TRIAL_SEED,
            bert_scales.trial_settings(rows[name], factor, found),
            number,
            found.share,
            found is rounds[-1] and factor == bert_scales.CHOSEN[optimizer],
        )
        for number, found in enumerate(rounds, 1)
        for optimizer, name in TRIED.items()
        for factor in found.factors[optimizer]
    ]
