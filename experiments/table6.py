"""Table 6: CIFAR-10 with DavidNet, batch 512, 24 epochs, five optimizers (appendix G).

    python -m largebatch.experiments.run --experiment=table6/lamb

The paper's baseline is DAWNBench's DavidNet in TensorFlow on a TPU; its recipe is known from there.
One run takes about an hour on two CPU cores in bfloat16.
"""

from __future__ import annotations

from largebatch.experiments.experiment import Row
from largebatch.experiments.layout import Layout
from largebatch.experiments.scales import replaced
from largebatch.experiments.sources import assumed, paper, sources
from largebatch.experiments.tables import table

LAYOUT = Layout(
    title="CIFAR-10 with DavidNet (batch 512, 24 epochs)",
    measures="Test Accuracy",
    seeds=1,
)

RATES = (
    *(0.0001, 0.0002, 0.0004, 0.0006, 0.0008, 0.001, 0.002, 0.004, 0.006, 0.008),
    *(0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.2, 0.4, 0.6, 0.8),
    *(1, 2, 4, 6, 8, 10, 15, 20, 25, 30, 35, 40, 45, 50),
)
DECAYS = (0.0001, 0.001, 0.01, 0.1, 1.0)

DAWNBENCH = "DAWNBench's DavidNet, the implementation that the paper says it used"

BASE = Row(
    model="davidnet",
    model_width=64,
    dataset="cifar10",
    augment="davidnet",
    precision="bfloat16",
    epochs=24,
    batch_size=512,
    schedule="warmup_linear",
    warmup_epochs=5,
    decay_from="warmup_end",
    sources=sources(
        paper("Table 6", "optimizer model dataset epochs batch_size"),
        assumed(DAWNBENCH, "model_width augment label_smoothing"),
        assumed(
            f"{DAWNBENCH}: up to epoch 5, then linearly to 0; for the adaptive optimizers too, "
            "as the paper gives no other",
            "schedule warmup_epochs decay_from",
        ),
        assumed(
            "run on TPUs, which multiply in bfloat16; section 4 speaks of mixed precision",
            "precision",
        ),
        assumed(
            "the best of the tuning space is not printed; one value of it, --set another or sweep",
            "learning_rate",
        ),
        assumed("no weight decay is mentioned for this optimizer", "weight_decay"),
        assumed("no L2 regularization is mentioned for this optimizer", "l2_regularization"),
        assumed("the test set is looked at once an epoch", "eval_every_epochs"),
    ),
)

TUNED = {"learning_rate": RATES}
TUNED_ADAMW = {"learning_rate": RATES, "weight_decay": DECAYS}

MOMENTUM = sources(
    assumed(
        f"{DAWNBENCH}: peak rate 0.4, Nesterov momentum 0.9", "learning_rate momentum nesterov"
    ),
    assumed(f"{DAWNBENCH}: 5e-4 x batch on the summed loss", "l2_regularization"),
)
ADAMW = assumed("the best of the tuning space is not printed; one value of it", "weight_decay")
LAMB = paper("appendix H: default settings", "weight_decay beta_1 beta_2 epsilon")

# fmt: off
ROWS = table(
    "table6", BASE, "{optimizer}",
    "optimizer   label       learning_rate  weight_decay  l2_regularization  momentum  nesterov  beta_1  beta_2  epsilon  paper_accuracy  grid         sources",  # noqa: E501
    ("adagrad",  "ADAGRAD",  0.1,           0.0,          0.0,               None,     None,     None,   None,   None,    0.9074,         TUNED,       {}),  # noqa: E501
    ("adam",     "ADAM",     0.002,         0.0,          0.0,               None,     None,     None,   None,   None,    0.9225,         TUNED,       {}),  # noqa: E501
    ("adamw",    "ADAMW",    0.002,         0.01,         0.0,               None,     None,     None,   None,   None,    0.9271,         TUNED_ADAMW, ADAMW),  # noqa: E501
    ("momentum", "momentum", 0.4,           0.0,          5e-4,              0.9,      True,     None,   None,   None,    0.9372,         {},          MOMENTUM),  # noqa: E501
    ("lamb",     "LAMB",     0.01,          0.01,         0.0,               None,     None,     0.9,    0.999,  1e-6,    0.9408,         TUNED,       LAMB),  # noqa: E501
)
# fmt: on


def laptop(row: Row) -> Row:
    """A quarter of the channels on the same images: minutes on two CPU cores."""
    return replaced(row, "laptop scale: a quarter of the channels", model_width=16)


def smoke(row: Row) -> Row:
    """A few steps of a tiny DavidNet on scikit-learn's digits: does it run at all?"""
    digits = 1_437
    return replaced(
        row,
        "smoke scale: a few steps on scikit-learn's digits",
        dataset="digits",
        model_width=4,
        batch_size=32,
        epochs=8 * 32 / digits,
        warmup_epochs=2 * 32 / digits,
        eval_every_epochs=4 * 32 / digits,
    )
