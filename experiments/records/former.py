"""Results of before: rows that had another name, and settings that a row had before.

A committed result is never rewritten. If its row was renamed, it is read under the new name. If its
row has changed since, it is shown apart with the settings that it was run with, and fills no cell.
"""

from __future__ import annotations

import fnmatch
import math
from typing import Any, NamedTuple

from largebatch.experiments.rows.row import Row

# The name in a result -> the rows that it may be a run of. Which of them it is, its settings tell.
RENAMED = {
    # The mixed batch of Table 1 had NVIDIA's rates under its plain name, and the paper's own rules
    # in a second row.
    "table1/lamb-65536-32768": ("table1/lamb-65536-32768", "table1/lamb-65536-32768-nvidia"),
    "table1/lamb-65536-32768-rule": ("table1/lamb-65536-32768",),
    "table7/adamw-real": ("table7/adamw",),
}


class Former(NamedTuple):
    """A setting that rows had before; what they have now is in their tables."""

    rows: str  # a glob of their names
    field: str
    values: tuple[Any, ...]
    optimizer: str = "*"


# BERT at laptop scale before it had books: docstrings of packages, batches / 512 and 1.3 million
# tokens a run, rates times 4 (LAMB, LARS) and 10 (AdamW).
_BERT = "table[128]/*"
_RULE = tuple(5 / (2**k * 1e3) for k in (3, 2.5, 2, 1.5, 1, 0.5, 0))
_LAMB = (*_RULE, 5 * 2**0.5 / 1e3, 6e-3)
_DOCSTRINGS = (
    Former(_BERT, "dataset", ("python_text",)),
    Former(_BERT, "dropout", (0.1,)),
    Former(_BERT, "sequence_length", (32,)),
    Former(_BERT, "batch_size", (1, 2, 4, 8, 16, 32, 64, 128)),
    Former(_BERT, "stage2_batch_size", (64,)),
    Former(_BERT, "total_steps", (30_720, 15_360, 7_680, 3_840, 1_920, 960, 480, 264)),
    Former(_BERT, "stage2_steps", (3_072, 1_536, 768, 384, 192, 96, 48)),
    Former(_BERT, "learning_rate", tuple(4.0 * rate for rate in _LAMB), optimizer="lamb"),
    Former(_BERT, "stage2_learning_rate", (4.0 * (5 / 1e3), 4.0 * 4e-3), optimizer="lamb"),
    Former(
        _BERT,
        "learning_rate",
        tuple(4.0 * (factor * rate) for rate in _RULE for factor in (0.25, 0.5, 1.0, 2.0)),
        optimizer="lars",
    ),
    Former(_BERT, "learning_rate", (10.0 * 1e-4, 10.0 * 2e-4, 10.0 * 3e-4), "bert_adamw"),
)
FORMER = (
    *_DOCSTRINGS,
    # Before the trials chose other factors: guesses, then those of their first round.
    Former(
        "table2/lars-*",
        "learning_rate",
        tuple(factor * rate for factor in (8, 16) for rate in _RULE),
        optimizer="lars",
    ),
    Former(
        "reality_check/adamw-*",
        "learning_rate",
        tuple(factor * (1e-4 * math.sqrt(2**k)) for factor in (5, 2.5) for k in range(7)),
    ),
    # Keras's, before the rows had TensorFlow 1's.
    Former("*", "epsilon", (1e-7,), optimizer="adam*"),
    # Before the first author's code said what "LeNet" is, how long Table 7's warm-up is, and what
    # LAMB leaves out.
    Former("table7/*", "model", ("lenet5",)),
    Former("table7/*", "dropout", (None,)),
    Former("table7/*", "exclude_from_weight_decay", ("default", "nothing")),
    Former("table7/*", "decay_power", (None,)),
    Former("table7/*", "warmup_epochs", (1.5,)),
    Former("table7/lamb", "exclude_from_layer_adaptation", ("default",)),
    # Before Tables 13 to 25 decayed without the rate.
    Former("table*", "decay_form", (None, "rate"), optimizer="adamw"),
    # The laboratory's recipes decayed from the first update.
    Former("resnet50/*-lab", "decay_from", ("start",)),
    Former("resnet50/lars-32768-lab", "warmup_epochs", (10, 10 / 10)),
    # Table 6's rates were taken to be a mean loss's, its decay to start at the warm-up's end.
    Former("table6/*", "learning_rate", (0.01, 0.002, 0.1)),
    Former("table6/*", "epsilon", (1e-6, 1e-7)),
    Former("table6/*", "precision", ("bfloat16",)),
    Former("table6/*", "warmup_epochs", (5,)),
    Former("table6/*", "decay_from", ("warmup_end",)),
    Former("table6/*", "norm_batch", (None,)),
    Former("table6/*", "floor_epochs", (None,)),
    Former("table6/*", "exclude_from_weight_decay", ("default",)),
    Former("table6/*", "exclude_from_layer_adaptation", ("default",)),
)


def names(name: str) -> tuple[str, ...]:
    """The names of now that a result under `name` may have, the likeliest first."""
    return RENAMED.get(name, (name,))


def had(row: Row, field: str, value: Any) -> bool:
    """Whether `row` had `value` in `field` before."""
    return any(
        fnmatch.fnmatchcase(row.run_name, old.rows)
        and fnmatch.fnmatchcase(row.optimizer, old.optimizer)
        and old.field == field
        and value in old.values
        for old in FORMER
    )
