"""What Tables 1, 2, 4 and 8 share: BERT-Large in two stages, and SQuAD."""

from __future__ import annotations

from typing import Any

from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.source import assumed, paper, rule, sources

DEVLIN = "Devlin et al. 2018 and Google's code, whose recipe the paper keeps"
NVIDIA = "NVIDIA DeepLearningExamples, PyTorch BERT, pretrain_config.sh"

# Section 4.1 keeps "the same SQuAD fine-tune procedure of Devlin et al. (2018)"; two are on record.
# The baseline's 90.395 is the released model's, so the recipe released with it is the rows'; the
# other is a setting.
SQUAD_README: dict[str, Any] = {
    "squad_batch_size": 24,
    "squad_learning_rate": 3e-5,
    "squad_epochs": 2,
}
SQUAD_DEVLIN = {"squad_batch_size": 32, "squad_learning_rate": 5e-5, "squad_epochs": 3}
_AS_DEVLIN = " ".join(f"--set {field}={value:g}" for field, value in SQUAD_DEVLIN.items())
_GOOGLE = "the README of google-research/bert for BERT-Large (@04f9e5d, 11/2018)"

BERT_LARGE = Row(
    task="pretraining",
    model="bert_large",
    dataset="wikipedia_books",
    vocabulary_size=30_522,
    dropout=0.1,
    precision="bfloat16",
    clip_norm=1.0,
    sequence_length=128,
    stage2_sequence_length=512,
    schedule="warmup_linear",
    decay_from="start",
    rewarmup=False,
    keep_moments=True,
    eval_every_epochs=0.05,
    **SQUAD_README,
    squad_warmup_ratio=0.1,
    squad_sequence_length=384,
    squad_stride=128,
    sources=sources(
        paper("section 4.1", "model dataset sequence_length stage2_sequence_length"),
        paper("section 4: eta_t = eta_0 (1 - t/T)", "schedule decay_from"),
        paper(
            "section 4.1: the baseline's procedure but for the optimizer; Table 4 counts its "
            "warm-up in steps of the whole run. Re-warm-up is for the mixed batch",
            "rewarmup",
        ),
        rule("section 4.1: the last 1/10 of the epochs", "stage2_steps"),
        assumed(DEVLIN, "vocabulary_size dropout clip_norm"),
        assumed("run on TPUs, which multiply in bfloat16; section 4: mixed precision", "precision"),
        assumed(
            "weights and both heads are carried over; the moments too, as usual", "keep_moments"
        ),
        assumed("twenty looks at held-out text", "eval_every_epochs"),
        assumed(
            f"{_GOOGLE}; section 4.1 keeps the baseline's fine-tuning 'without modifying'. Devlin "
            f"et al. 2018 themselves: {_AS_DEVLIN}",
            " ".join(SQUAD_README),
        ),
        assumed(
            f"{_GOOGLE}, and its run_squad.py",
            "squad_warmup_ratio squad_sequence_length squad_stride",
        ),
        assumed("no L2 regularization beside the decoupled decay", "l2_regularization"),
    ),
)

ADAM_SETTINGS = "weight_decay beta_1 beta_2 epsilon"
LAMB_SETTINGS: dict[str, Any] = {
    **{"optimizer": "lamb", "weight_decay": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-6}
}
LAMB_SOURCES = sources(
    paper("section 4: beta 0.9 and 0.999; appendix H: default decay 0.01", ADAM_SETTINGS),
    paper("Table 1", "optimizer batch_size total_steps"),
)
ADAMW_SETTINGS: dict[str, Any] = {**LAMB_SETTINGS, "optimizer": "bert_adamw"}
