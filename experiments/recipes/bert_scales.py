"""BERT's rows at the smaller scales.

The protocol of the laptop scale, fixed before its runs:

- Text: books and articles (`data.prepare_prose`), a vocabulary of 4,096 pieces. Documents are held
  out, and each figure stands beside the floors that counting words reaches (`experiments.floors`).
- Length: 10.5 million tokens a run, whatever the batch: 9.4 million in sequences of 64, and then
  1.05 million in sequences of 128. Batches are the paper's / 32: 16 to 1,024, and 2,048/1,024 for
  the mixed one.
- Rates: the row's, by the paper's rules, times one factor an optimizer for all its rows. The factor
  is the best of three trials at the middle batch, 256, by held-out masked-word loss: each optimizer
  has as many, with a seed of their own.
- No dropout: a run passes over its text twice, with other masks, and overfits nothing.
- Seeds: three for LAMB, LARS and AdamW at 16, 256, 1,024 and for the mixed batch, with and without
  re-warm-up; one elsewhere.

Changed since, when the first runs of one seed were known: the trials (`ROUNDS`). Those of the first
round had an eighth of a run's tokens, and ended before any optimizer had left the level of single
words: they told nothing, and two of their choices lay at an end of what was tried. The second round
has half of a run's tokens, and factors on both sides of those choices.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.scale import replaced

DIVISOR = 32  # the paper's batches are divided by it
LENGTHS = (64, 128)
VOCABULARY = 4_096
# Sequences of a run, by stage: whole batches of every size.
FIRST, LATER = 147_456, 8_192
MIDDLE = 8_192  # the paper's batch at which the trials are made
TRIAL_SEED = 100


class Round(NamedTuple):
    """Trials of one length; each optimizer has as many."""

    share: int  # a trial is a run's length divided by it
    eval_every_epochs: float
    factors: dict[str, tuple[float, ...]]


ROUNDS = (
    Round(
        8,
        1.0,
        {
            "lamb": (4, 8, 16),
            "lars": (4, 8, 16),
            "bert_adamw": (2.5, 5, 10),
            "momentum": (0.25, 1, 4),
        },
    ),
    Round(
        2,
        0.2,
        {
            "lamb": (4, 8, 16),
            "lars": (16, 32, 64),
            "bert_adamw": (0.5, 1, 2.5),
            "momentum": (0.25, 1, 4),
        },
    ),
)
# The best of the last round.
CHOSEN: dict[str, float] = {"lamb": 8, "lars": 32, "bert_adamw": 1, "momentum": 1}
# Of a few steps at smoke scale: whatever the trials say, those losses stay what they are.
SMOKE: dict[str, float] = {"lamb": 4, "lars": 4, "bert_adamw": 10, "momentum": 1}


def laptop(row: Row) -> Row:
    """BERT-Tiny on books and articles: tens of minutes on a core.

    Batches and rates keep their ratios, runs their number of examples; warm-up ratios stay the
    paper's.
    """
    trials = len(ROUNDS[-1].factors[row.optimizer])
    why = f"the best of {trials} trials at batch {MIDDLE // DIVISOR}"
    return of_factor(row, CHOSEN[row.optimizer], why)


def of_factor(row: Row, factor: float, why: str = "a trial") -> Row:
    """The row at laptop scale with the rates times `factor`, and no grid."""
    rates = {"learning_rate": factor * row.learning_rate}
    if row.stage2_learning_rate:
        rates["stage2_learning_rate"] = factor * row.stage2_learning_rate
    row = replaced(row, f"laptop scale: the row's x {factor:g}, {why}", **rates)
    batch = row.batch_size // DIVISOR
    batch2 = (row.stage2_batch_size or row.batch_size) // DIVISOR
    later = LATER // batch2
    if row.stage2_batch_size:
        row = replaced(row, f"laptop scale: / {DIVISOR}", stage2_batch_size=batch2)
    row = replaced(
        row,
        f"laptop scale: all batches / {DIVISOR}, a fixed number of examples",
        batch_size=batch,
        total_steps=FIRST // batch + later,
        stage2_steps=later,
    )
    row = replaced(row, "laptop scale: nothing is seen often enough to overfit", dropout=0.0)
    return replaced(
        row,
        "laptop scale",
        model="bert_tiny",
        dataset="text_folder",
        vocabulary_size=VOCABULARY,
        sequence_length=LENGTHS[0],
        stage2_sequence_length=LENGTHS[1],
        precision="float32",
        eval_every_epochs=0.1,
        squad_sequence_length=LENGTHS[1],
        squad_stride=LENGTHS[1] // 4,
        grid={},
    )


def trial_settings(row: Row, factor: float, trials: Round) -> dict[str, Any]:
    """What a trial changes of the row at laptop scale: its rate, and its length."""
    whole = of_factor(row, factor)
    return {
        "learning_rate": whole.learning_rate,
        "total_steps": whole.steps // trials.share,
        "stage2_steps": whole.stages[1].steps // trials.share,
        "eval_every_epochs": trials.eval_every_epochs,
    }


def smoke(row: Row) -> Row:
    """A few steps of each stage, on the text that needs no download: does it run at all?"""
    small = of_factor(row, SMOKE[row.optimizer], "for a few steps")
    return few_steps(small, dataset="python_text", dropout=row.dropout)


def few_steps(row: Row, **more: Any) -> Row:
    """A row of a small model at smoke scale: short sequences, few of them, few updates."""
    if row.stage2_batch_size:
        more["stage2_batch_size"] = 4
    return replaced(
        row,
        "smoke scale: a few steps",
        vocabulary_size=1_024,
        batch_size=8,
        total_steps=10,
        stage2_steps=4,
        sequence_length=32,
        stage2_sequence_length=64,
        eval_every_epochs=0.5,
        squad_epochs=0.1,
        squad_batch_size=4,
        squad_sequence_length=128,
        squad_stride=32,
        **more,
    )
