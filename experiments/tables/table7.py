"""Table 7: MNIST with LeNet, batch 1024, 30 epochs, five optimizers (appendix H).

    python -m largebatch.experiments.sweep --table=7 --seeds=5

The paper prints the average test accuracy of 5 runs, at the best of four learning rates for each
optimizer. One run takes about 8 minutes on two CPU cores. As printed: "LeNet", which says no more
than the network's family, so it is the one that the first author's code trains (`--set
model=lenet5` is LeCun et al.'s), and one schedule for all. The `-as-run` rows follow that code
throughout. The logs of its AdamW were made by LAMB's code, so `adamw` here, with
the code's network and schedule, is the AdamW to compare `lamb-as-run` with.
"""

from __future__ import annotations

from largebatch.experiments.recipes import small_scales
from largebatch.experiments.rows import choices
from largebatch.experiments.rows.author_code import MNIST
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.scale import proportional_batch, replaced
from largebatch.experiments.rows.source import assumed, code, paper, sources
from largebatch.experiments.rows.table import table, twins
from largebatch.experiments.tables import table7_as_run

LAYOUT = Layout(
    title="MNIST with LeNet (batch 1024, 30 epochs)",
    measures="Average accuracy over 5 runs",
    seeds=5,
    by_row=True,
)

GRID = {"learning_rate": (0.0001, 0.001, 0.01, 0.1)}

BASE = Row(
    model="mnist_convnet",
    model_width=1.0,
    dropout=0.4,
    dataset="mnist",
    epochs=30,
    batch_size=1024,
    schedule="warmup_linear",
    warmup_epochs=58 * 1024 / 60_000,
    decay_from="start",
    eval_every_epochs=30,
    grid=GRID,
    sources={
        # What the code says of data, loss and precision.
        **{f: table7_as_run.NETWORK.sources[f] for f in (
            "augment", "precision", "label_smoothing", "l2_regularization", "weight_decay",
            "eval_every_epochs")},
        **paper("Table 7", "optimizer dataset epochs batch_size paper_accuracy"),
        **code(
            f"{MNIST}: */mnist_tpu.py: 5 x 5 convolutions of 32 and 64, dense 1024, dropout; the "
            "paper says 'LeNet' and no more",
            "model model_width dropout",
        ),
        **paper("section 4: eta_t = eta_0 (1 - t/T), also 'for all other applications'",
                "decay_from decay_power end_learning_rate"),
        **paper("Table 7: 'the same learning rate warmup and decay schedule for all'", "schedule"),
        **code(
            f"{MNIST}: lamb/mnist_tpu.py (@2c4e496): 1 epoch, 58 updates; its momentum and Adam "
            "have none, where the paper has the same for all",
            "warmup_epochs",
        ),
        **assumed(
            "the best of the tuning space is not printed, and the code's rates are not on it; one "
            "value of it, --set another or sweep",
            "learning_rate",
        ),
    },
)  # fmt: skip

MOMENTUM = code(
    f"{MNIST}: momentum_poly/mnist_tpu.py: MomentumOptimizer(learning_rate, 0.9)",
    "momentum nesterov",
)
ADAGRAD = sources(
    assumed("neither the paper nor the code has any for AdaGrad", "weight_decay"),
    assumed("no AdaGrad in the code; TensorFlow 1's default", "initial_accumulator_value"),
)
ADAM = code(f"{MNIST}: adam/mnist_tpu.py: AdamOptimizer's defaults", "beta_1 beta_2 epsilon")
LAMB = sources(
    paper("section 4 and appendix H: default settings", "weight_decay beta_1 beta_2 epsilon"),
    paper("Algorithm 2 clips no gradient", "clip_norm"),
    code(f"{MNIST}: lamb/optimization.py: names with 'bias'", "exclude_from_weight_decay"),
    code(f"{MNIST}: lamb/optimization.py: none", "exclude_from_layer_adaptation"),
)

# fmt: off
_ROWS = {
    **table(
        "table7", BASE, "{optimizer}",
        "optimizer   label       learning_rate  momentum  nesterov  paper_accuracy  sources",
        ("momentum", "Momentum", 0.1,           0.9,      False,    0.9933,         MOMENTUM),
    ),
    **table(
        "table7", BASE, "{optimizer}",
        "optimizer  label      learning_rate  initial_accumulator_value  paper_accuracy  sources",
        ("adagrad", "Addgrad", 0.01,          0.1,                       0.9928,         ADAGRAD),
    ),
    **table(
        "table7", BASE, "{optimizer}",
        "optimizer  label   learning_rate  beta_1  beta_2  epsilon  paper_accuracy  sources",
        ("adam",    "ADAM", 0.001,         0.9,    0.999,  1e-8,    0.9936,         ADAM),
    ),
    **table(
        "table7", table7_as_run.ADAMW, "{optimizer}",
        "label    grid  paper_accuracy",
        ("ADAMW", GRID, 0.9941),
    ),
    **table(
        "table7", BASE, "{optimizer}",
        "optimizer  label   learning_rate  weight_decay  exclude_from_weight_decay  "
        "exclude_from_layer_adaptation  beta_1  beta_2  epsilon  paper_accuracy  sources",
        ("lamb",    "LAMB", 0.01,          0.01,         "bias",
         choices.NOTHING,                 0.9,    0.999,  1e-6,    0.9945,         LAMB),
    ),
}
# fmt: on
_PRINTED = {row.optimizer: row.paper_accuracy for row in _ROWS.values()}
ROWS = twins({**_ROWS, **table7_as_run.rows(_PRINTED)})


def laptop(row: Row) -> Row:
    """The same recipe, LeNet-5, on scikit-learn's digits, batch / N kept: seconds, no network."""
    row = replaced(
        row,
        "laptop scale: scikit-learn's digits, the batch in proportion to the data",
        dataset="digits",
        batch_size=proportional_batch(row, "digits"),
    )
    row = replaced(row, "laptop scale: a smaller network", model="lenet5", dropout=None)
    row = replaced(row, "laptop scale: curves need it", eval_every_epochs=1)
    if row.optimizer != "momentum":
        return row
    # 0.1 at batch 1024 is 0.015 at batch 24 by square-root scaling; 0.1 itself stays at chance.
    return replaced(
        row, "laptop scale: square-root scaling to the batch, on the grid", learning_rate=0.01
    )


def smoke(row: Row) -> Row:
    """A few steps of a quarter of the model: does it run at all?"""
    if row.follows_code:
        return small_scales.few_steps(row)
    row = laptop(row)
    return replaced(
        row,
        "smoke scale: a few steps",
        model_width=0.25,
        batch_size=32,
        epochs=8 * 32 / row.training_examples,
        warmup_epochs=2 * 32 / row.training_examples,
        eval_every_epochs=4 * 32 / row.training_examples,
    )
