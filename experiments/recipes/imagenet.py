"""Recipes of Tables 3, 5 and 9 to 25 and of the figures: ImageNet with ResNet-50, 90 epochs.

Appendix H.1 tunes AdaGrad, Adam and AdamW at batch 16K; '+' adds the learning-rate scheme of Goyal
et al. 2017: warm-up over 5 epochs, then x 0.1 at epochs 30, 60 and 80.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from largebatch.experiments.rows import author_code
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.source import assumed, code, paper, sources
from largebatch.experiments.rows.table import table

GOYAL = "Goyal et al. 2017"

RESNET50 = Row(
    model="resnet50",
    dataset="imagenet2012",
    augment="inception_crop",
    image_size=224,
    precision="bfloat16",
    epochs=90,
    batch_size=16384,
    sources=sources(
        paper("section 4.2: ImageNet with ResNet-50, 90 epochs", "model dataset epochs"),
        paper("the table's title or column", "optimizer batch_size"),
        code(
            f"{author_code.RESNET50}: as {GOYAL}, a crop of 8 to 100 % of the area and aspect "
            "ratio 3/4 to 4/3, resized to 224, flipped or not",
            "augment image_size",
        ),
        code(f"{author_code.RESNET50}: a bfloat16 network with float32 logits", "precision"),
        assumed("no label smoothing is mentioned", "label_smoothing"),
        assumed("the validation set is looked at once an epoch", "eval_every_epochs"),
    ),
)
# Which images the printed values were scored on; Goyal et al. scored all.
SCORED = code(
    f"{author_code.RESNET50}: 48 x 1,024 of the 50,000 images; the accuracies of Tables 9 to 25 "
    "are multiples of 1 / 49,152",
    "eval_subset",
)
NO_DECAY = assumed("none is mentioned for this optimizer", "weight_decay l2_regularization")

# What the code says of LAMB on ResNet-50 where the paper is silent, at 32K and so at all batches.
LAMB_CODE = sources(
    code(f"{author_code.RESNET50}: run.sh: 0.1", "label_smoothing"),
    code(f"{author_code.RESNET50}: run.sh: none in the loss", "l2_regularization"),
    code(
        f"{author_code.RESNET50}: batch norm's variables are out of both, the dense bias in both",
        "exclude_from_weight_decay exclude_from_layer_adaptation",
    ),
    code(f"{author_code.RESNET50}: a truncated normal of variance 1 / fan_in", "kernel_init"),
    code(f"{author_code.RESNET50}: a block's last batch norm begins at 0", "zero_last_scale"),
    code(f"{author_code.RESNET50}: once, on the last checkpoint", "eval_every_epochs"),
    code(
        f"{author_code.RESNET50}: 256 cores of 128 images at 32K; of other batches there is no log",
        "norm_batch",
    ),
    SCORED,
)

# LAMB: eta_0 (1 - t/T) after a warm-up whose epochs grow with the batch (section 4.3).
LAMB = dataclasses.replace(
    RESNET50,
    optimizer="lamb",
    weight_decay=0.01,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-6,
    schedule="warmup_linear",
    decay_from="start",
    label_smoothing=0.1,
    exclude_from_weight_decay="batch_norm",
    exclude_from_layer_adaptation="batch_norm",
    kernel_init="fan_in",
    zero_last_scale=True,
    eval_every_epochs=90,
    eval_subset=author_code.IMAGENET_SUBSET,
    sources=sources(
        {f: s for f, s in RESNET50.sources.items() if f not in LAMB_CODE},
        LAMB_CODE,
        paper("Table 5: square-root scaling of the rate", "learning_rate"),
        paper("Table 5: linear-epoch warm-up", "warmup_epochs"),
        paper("section 4: eta_t = eta_0 (1 - t/T)",
              "schedule decay_from decay_power end_learning_rate"),
        paper("section 4 and appendix H: default settings", "weight_decay beta_1 beta_2 epsilon"),
        paper("Algorithm 2 clips no gradient", "clip_norm"),
    ),
)  # fmt: skip

# At 32K, where Figures 1 to 3 vary it: as in Table 5.
LAMB_32K = dataclasses.replace(
    LAMB, batch_size=32768, learning_rate=4 / 100, warmup_epochs=20, norm_batch=128
)

_CONSTANT = sources(
    assumed(
        "the 'default' or 'standard' optimizer, before a scheme is added: a constant rate",
        "schedule warmup_epochs decay_from",
    )
)
SCHEME = sources(
    paper("appendix H.1: the scheme of Goyal et al. 2017", "schedule warmup_epochs"),
    assumed("not used by this schedule", "decay_from"),
)
_TUNED = paper("the table's column", "learning_rate")


def _tuned(optimizer: str, scheme: bool, *own_sources: dict) -> Row:
    return dataclasses.replace(
        RESNET50,
        optimizer=optimizer,
        schedule="goyal" if scheme else "constant",
        warmup_epochs=5 if scheme else 0,
        eval_subset=author_code.IMAGENET_SUBSET,
        sources=sources(
            RESNET50.sources, SCHEME if scheme else _CONSTANT, _TUNED, SCORED, *own_sources
        ),
    )  # fmt: skip


def _adam(optimizer: str, scheme: bool, *own_sources: dict) -> Row:
    row = _tuned(optimizer, scheme, *own_sources, code(author_code.ADAM, "beta_1 beta_2 epsilon"))
    return dataclasses.replace(row, beta_1=0.9, beta_2=0.999, epsilon=author_code.ADAM_EPSILON)


# Of Tables 9 to 12, in the loss. Only ResNet-50's.
FITTED_L2 = sources(
    assumed(
        "not printed; of the L2 flag's defaults in the author's scripts (0.001, 0.0001) the one "
        "that Tables 11 and 12 fit best: docs/decay_and_l2.md",
        "l2_regularization",
    ),
    code(f"{author_code.TPU}: batch norm's variables are out of it", "exclude_from_weight_decay"),
)
_NO_DECAY = assumed("none is mentioned for this optimizer", "weight_decay")
_ADAMW = sources(
    paper("the table's columns", "weight_decay l2_regularization"),
    code(
        f"{author_code.DAVIDNET}, adamw/: w - lambda w, not times the rate (inferred for these "
        "tables, whose numbers the other form cannot give: docs/decay_and_l2.md)",
        "decay_form",
    ),
)


def _with_fitted_l2(row: Row) -> Row:
    return dataclasses.replace(
        row,
        l2_regularization=1e-4,
        exclude_from_weight_decay="batch_norm",
        sources=sources(row.sources, _NO_DECAY, FITTED_L2),
    )


def _with_plain_decay(row: Row) -> Row:
    return dataclasses.replace(row, decay_form="plain", sources=sources(row.sources, _ADAMW))


ADAGRAD = _with_fitted_l2(_tuned("adagrad", False))
ADAGRAD_PLUS = _with_fitted_l2(_tuned("adagrad", True))
ADAM = _with_fitted_l2(_adam("adam", False))
ADAM_PLUS = _with_fitted_l2(_adam("adam", True))
ADAMW = _with_plain_decay(_adam("adamw", False))
ADAMW_PLUS = _with_plain_decay(_adam("adamw", True))

# Momentum, as Goyal et al. trained it; the paper quotes their accuracy.
MOMENTUM = dataclasses.replace(
    RESNET50,
    optimizer="momentum",
    momentum=0.9,
    nesterov=True,
    l2_regularization=1e-4,
    exclude_from_weight_decay="resnet50",
    learning_rate=0.1 * 16384 / 256,
    initial_learning_rate=0.1,
    schedule="goyal",
    warmup_epochs=5,
    sources=sources(
        RESNET50.sources,
        SCHEME,
        assumed(
            f"{GOYAL}: 0.1 for a batch of 256, linear scaling, warm-up from 0.1",
            "learning_rate initial_learning_rate",
        ),
        assumed(
            f"{GOYAL}: Nesterov momentum 0.9; decay 1e-4, not of batch norm and biases",
            "momentum nesterov l2_regularization exclude_from_weight_decay",
        ),
        assumed("Goyal et al.'s decay is an L2 regularization", "weight_decay"),
    ),
)


def tuning(name: str, base: Row, columns: str, *cells: tuple, **fixed: Any) -> dict[str, Row]:
    """The rows of a tuning table: {row name: Row}, a row a line, in the printed order.

    Args:
      name: of the table, 'table9'.
      columns: what is printed, the accuracy last.
      *cells: a tuple a line.
      **fixed: the settings that a column prints in every line alike.
    """
    settings = columns.split()[:-1]
    pattern = "-".join(["{optimizer}", *(f"{_SHORT[f]}{{{f}:g}}" for f in settings)])
    labelled = [(", ".join(f"{value:g}" for value in line[:-1]), *line) for line in cells]
    base = dataclasses.replace(base, **fixed)
    return table(name, base, pattern, f"label {columns}", *labelled)


def tuning_layout(title: str, corner: str) -> Layout:
    """How a tuning table is printed: a line for each point, named after its rate."""
    decays = ("weight decay", "L2 regularization") if title.startswith("tuning AdamW") else ()
    return Layout(
        title,
        measures="Top-1 Validation Accuracy",
        seeds=1,
        corner=corner,
        down=True,
        settings=("learning rate", *decays),
        labelled="learning rate",
    )


_SHORT = {"learning_rate": "rate", "weight_decay": "decay"}
