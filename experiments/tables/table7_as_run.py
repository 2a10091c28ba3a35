"""Table 7 as the first author's public code ran it (fastalgo/mnist_tpu).

The network is TensorFlow's tutorial network for MNIST, not LeNet-5: 3,274,634 parameters and
dropout. The optimizers differ in schedule, length and rate, and no rate is on the printed grid.
What is logged as AdamW was made by LAMB's code: `adamw-as-run` therefore is the run of
`lamb-as-run`, and `table7/adamw` is AdamW itself on the same network and schedule. Logged means:
momentum .9929 ± .0006 (6 runs), Adam .9919 ± .0006 (4), 'AdamW' .9940 ± .0005 (4), LAMB
.9937 ± .0003 (5) and .9940 ± .0004 (6 more, of 2,050 updates).
"""

from __future__ import annotations

import dataclasses
from typing import Any

from largebatch.experiments.rows import choices
from largebatch.experiments.rows.author_code import MNIST
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.source import assumed, code, paper
from largebatch.experiments.rows.table import same_runs, table

CORES = 8
BATCH = 1024
EPOCH = BATCH / 60_000  # of one update
_NO_SCRIPT = "no script and no log of AdaGrad is there"

# What all of its programs share, whatever the batch: limit.py builds on this, too.
NETWORK = Row(
    model="mnist_convnet",
    model_width=1.0,
    dropout=0.4,
    dataset="mnist",
    decay_from="start",
    schedule="warmup_linear",
    sources={
        **code(
            f"{MNIST}: */mnist_tpu.py: 5 x 5 convolutions of 32 and 64, dense 1024, dropout",
            "model model_width dropout",
        ),
        **code(f"{MNIST}: */mnist_tpu.py: official.mnist, pixels / 255", "dataset augment"),
        **code(f"{MNIST}: */mnist_tpu.py: a float32 graph", "precision"),
        **code(f"{MNIST}: */mnist_tpu.py: plain cross-entropy", "label_smoothing"),
        **code(f"{MNIST}: */mnist_tpu.py: none", "l2_regularization weight_decay clip_norm"),
        **code(f"{MNIST}: */mnist_tpu.py: once, after the last update", "eval_every_epochs"),
    },
)  # fmt: skip
BASE = dataclasses.replace(
    NETWORK,
    batch_size=BATCH,
    epochs=30,
    eval_every_epochs=30,
    sources={
        **NETWORK.sources,
        **code(f"{MNIST}: the logs' names and */mnist_tpu.py", "batch_size optimizer"),
        **code(f"{MNIST}: logs of 1,758 updates", "epochs"),
        **paper("Table 7: the average of 5 runs", "paper_accuracy"),
    },
)


# LAMB in its programs, whatever the batch.
LAMB_SETTINGS: dict[str, Any] = {
    "optimizer": "lamb",
    "decay_power": 0.5,
    "weight_decay": 0.01,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-6 / CORES,
    "bias_correction": False,
    "exclude_from_weight_decay": "bias",
    "exclude_from_layer_adaptation": choices.NOTHING,
    "clip_norm": 1.0,
}
_FILE = f"{MNIST}: lamb/optimization.py"
LAMB_SOURCES = {
    **code(f"{_FILE}: LAMBOptimizer; moments are never corrected",
           "optimizer weight_decay beta_1 beta_2 bias_correction"),
    **code(f"{_FILE}: 1e-6 on the sum of {CORES} cores' mean gradients; on their mean, "
           f"1e-6 / {CORES}", "epsilon"),
    **code(f"{_FILE}: each of {CORES} cores clips its mean gradient before they are added",
           "clip_norm clip_batch"),
    **code(f"{_FILE}: names with 'bias' are not decayed", "exclude_from_weight_decay"),
    **code(f"{_FILE}: biases are adapted, too (ratio 1 while one is 0)",
           "exclude_from_layer_adaptation"),
}  # fmt: skip

LAMB = dataclasses.replace(
    BASE,
    **LAMB_SETTINGS,
    learning_rate=0.004,
    warmup_epochs=58 * EPOCH,
    clip_batch=BATCH // CORES,
    sources={
        **BASE.sources,
        **LAMB_SOURCES,
        **code(f"{MNIST}: lamb/, logs of 2019-04-16", "learning_rate"),
        **code(f"{MNIST}: lamb/mnist_tpu.py (@2c4e496): 1 epoch, 58 updates", "warmup_epochs"),
        **code(
            f"{MNIST}: lamb/optimization.py: polynomial_decay to 0, counted from update 0, also "
            "behind the warm-up",
            "schedule decay_from decay_power end_learning_rate",
        ),
    },
)
MOMENTUM = {
    **code(
        f"{MNIST}: momentum_poly/mnist_tpu.py: MomentumOptimizer(learning_rate, 0.9)",
        "optimizer momentum nesterov",
    ),
    **code(f"{MNIST}: momentum_poly/best: the best rate that was repeated", "learning_rate"),
    **code(f"{MNIST}: momentum_poly/best: logs of 2,000 updates", "epochs"),
    **code(
        f"{MNIST}: momentum_poly/mnist_tpu.py and its logs: no warm-up, power 0.5 to 1e-4",
        "warmup_epochs schedule decay_from decay_power end_learning_rate",
    ),
}
_ADAM_RUN = f"{MNIST}: adam/mnist_tpu.py @2c4e496"
ADAM = {
    **code(f"{_ADAM_RUN}: AdamOptimizer with its defaults", "optimizer beta_1 beta_2 epsilon"),
    **code(f"{MNIST}: adam/, logs of 2019-04-16: the best rate", "learning_rate"),
    **code(
        f"{_ADAM_RUN}: constant; the warm-up flag is not read", "schedule warmup_epochs decay_from"
    ),
}
ADAGRAD = {
    **assumed(
        f"{_NO_SCRIPT}: the optimizer of the paper's column, on the network and data of the others",
        "optimizer",
    ),
    **assumed(
        f"{_NO_SCRIPT}: as its Adam, a constant rate for 1,758 updates",
        "schedule warmup_epochs decay_from epochs",
    ),
    **assumed(f"{_NO_SCRIPT}: one rate of the paper's tuning space", "learning_rate"),
    **assumed(f"{_NO_SCRIPT}: TensorFlow 1's default", "initial_accumulator_value"),
}
# AdamW itself: the row table7/adamw.
ADAMW = dataclasses.replace(
    LAMB,
    optimizer="adamw",
    epsilon=1e-8,
    bias_correction=None,
    exclude_from_layer_adaptation=None,
    clip_norm=None,
    clip_batch=None,
    learning_rate=0.001,
    decay_form="rate",
    sources={
        **{f: s for f, s in LAMB.sources.items() if f not in (
            "bias_correction", "exclude_from_layer_adaptation", "clip_norm", "clip_batch")},
        **paper("Table 7: AdamW; the logs of that name are LAMB's", "optimizer"),
        **assumed("AdamW's rate is in no log; one value of the paper's tuning space",
                  "learning_rate"),
        **code(f"{_ADAM_RUN}: as its Adam's: TensorFlow 1's defaults", "beta_1 beta_2 epsilon"),
        **assumed("as LAMB's", "weight_decay exclude_from_weight_decay"),
        **assumed("Loshchilov and Hutter's; the other form, at 0.01 over 1,758 updates, leaves "
                  "nothing of a weight", "decay_form"),
    },
)  # fmt: skip

GRID = {"learning_rate": (0.0001, 0.001, 0.01, 0.1)}  # the paper's, where no rate is logged


def rows(printed: dict[str, float]) -> dict[str, Row]:
    """{name: Row}; `printed`: the table's values by its rows' last names."""
    # fmt: off
    made = {
        **table(
            "table7", BASE, "momentum-as-run",
            "optimizer   label       learning_rate  epochs        momentum  nesterov  decay_power  "
            "end_learning_rate  paper_accuracy       sources",
            ("momentum", "Momentum", 0.08,          2000 * EPOCH, 0.9,      False,    0.5,
             1e-4,              printed["momentum"], MOMENTUM),
        ),
        **table(
            "table7", BASE, "adagrad-as-run",
            "optimizer  label      learning_rate  schedule    initial_accumulator_value  grid  "
            "paper_accuracy      sources",
            ("adagrad", "Addgrad", 0.01,          "constant", 0.1,                       GRID,
             printed["adagrad"], ADAGRAD),
        ),
        **table(
            "table7", BASE, "adam-as-run",
            "optimizer  label   learning_rate  schedule    beta_1  beta_2  epsilon  "
            "paper_accuracy   sources",
            ("adam",    "ADAM", 0.004,         "constant", 0.9,    0.999,  1e-8,
             printed["adam"], ADAM),
        ),
        **table(
            "table7", LAMB, "lamb-as-run", "label  paper_accuracy", ("LAMB", printed["lamb"])
        ),
    }
    adamw = code(
        f"{MNIST}: adamw/optimization.py is byte for byte LAMB's earlier file (@b90a737), trust "
        "ratio included: what its logs call AdamW is LAMB",
        "optimizer",
    )
    made |= same_runs(
        "table7", made,
        "name           same_run_as           label    paper_accuracy     sources",
        ("adamw-as-run", "table7/lamb-as-run", "ADAMW", printed["adamw"], adamw),
    )
    # fmt: on
    order = ("momentum", "adagrad", "adam", "adamw", "lamb")
    return {f"table7/{o}-as-run": made[f"table7/{o}-as-run"] for o in order}
