"""Table 7: MNIST with LeNet, batch 1024, 30 epochs, five optimizers (appendix H).

    python -m largebatch.experiments.sweep --table=7 --seeds=5

The paper prints the average test accuracy of 5 runs, at the best of four learning rates for each
optimizer. One run takes about 40 s on two CPU cores.
"""

from __future__ import annotations

from largebatch.experiments import table7_as_run
from largebatch.experiments.experiment import Row
from largebatch.experiments.layout import Layout
from largebatch.experiments.scales import proportional_batch, replaced
from largebatch.experiments.sources import assumed, paper, sources
from largebatch.experiments.tables import table, twins

LAYOUT = Layout(
    title="MNIST with LeNet (batch 1024, 30 epochs)",
    measures="Average accuracy over 5 runs",
    seeds=5,
)

GRID = {"learning_rate": (0.0001, 0.001, 0.01, 0.1)}

BASE = Row(
    model="lenet5",
    model_width=1.0,
    dataset="mnist",
    epochs=30,
    batch_size=1024,
    schedule="warmup_linear",
    warmup_epochs=30 * 0.05,
    decay_from="start",
    grid=GRID,
    sources=sources(
        paper("Table 7", "optimizer model dataset epochs batch_size"),
        paper("section 4: eta_t = eta_0 (1 - t/T), 'for all other applications'", "decay_from"),
        paper("Table 7: 'the same learning rate warmup and decay schedule for all'", "schedule"),
        assumed(
            "Table 7 has a warm-up but not its length; 5 % of the run, about the share of "
            "Goyal et al.'s 5 of 90 epochs, which the paper uses on ImageNet",
            "warmup_epochs",
        ),
        assumed("LeNet-5 at its usual width (LeCun et al. 1998)", "model_width"),
        assumed("no augmentation is mentioned", "augment"),
        assumed("no label smoothing is mentioned", "label_smoothing"),
        assumed("the precision is not given", "precision"),
        assumed("no L2 regularization is mentioned", "l2_regularization"),
        assumed(
            "the best of the tuning space is not printed; one value of it, --set another or sweep",
            "learning_rate",
        ),
        assumed("no weight decay is mentioned for this optimizer", "weight_decay"),
        assumed("the test set is looked at once an epoch", "eval_every_epochs"),
    ),
)

MOMENTUM = assumed("the usual heavy-ball momentum; the paper gives no value", "momentum nesterov")
ADAMW = assumed("not given; the value that the paper gives for LAMB", "weight_decay")
LAMB = paper("appendix H: default settings", "weight_decay beta_1 beta_2 epsilon")

# fmt: off
_ROWS = {
    **table(
        "table7", BASE, "{optimizer}",
        "optimizer   label       learning_rate  momentum  nesterov  paper_accuracy  sources",
        ("momentum", "Momentum", 0.1,           0.9,      False,    0.9933,         MOMENTUM),
    ),
    **table(
        "table7", BASE, "{optimizer}",
        "optimizer  label      learning_rate  weight_decay  paper_accuracy  sources",
        ("adagrad", "Addgrad", 0.01,          0.0,          0.9928,         {}),
        ("adam",    "ADAM",    0.001,         0.0,          0.9936,         {}),
        ("adamw",   "ADAMW",   0.001,         0.01,         0.9941,         ADAMW),
    ),
    **table(
        "table7", BASE, "{optimizer}",
        "optimizer  label   learning_rate  weight_decay  beta_1  beta_2  epsilon  "
        "paper_accuracy  sources",
        ("lamb",    "LAMB", 0.01,          0.01,         0.9,    0.999,  1e-6,
         0.9945,         LAMB),
    ),
}
# fmt: on
_PRINTED = {row.optimizer: row.paper_accuracy for row in _ROWS.values()}
ROWS = twins({**_ROWS, **table7_as_run.rows(_PRINTED)})


def laptop(row: Row) -> Row:
    """The same recipe on scikit-learn's digits, batch / N kept: seconds, and no network."""
    row = replaced(
        row,
        "laptop scale: scikit-learn's digits, the batch in proportion to the data",
        dataset="digits",
        batch_size=proportional_batch(row, "digits"),
    )
    if row.optimizer != "momentum":
        return row
    # 0.1 at batch 1024 is 0.015 at batch 24 by square-root scaling; 0.1 itself stays at chance.
    return replaced(
        row, "laptop scale: square-root scaling to the batch, on the grid", learning_rate=0.01
    )


def smoke(row: Row) -> Row:
    """A few steps of a quarter of the model: does it run at all?"""
    if row.model == table7_as_run.NETWORK.model:
        return table7_as_run.smoke(row)
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
