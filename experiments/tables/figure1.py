"""Figure 1: LAMB with Nesterov's momentum, ImageNet with ResNet-50 at batch 32K (appendix D).

    python -m largebatch.experiments.sweep --table=figure1 --data_dir=TFDS

The figure prints no numbers; its caption: N-LAMB and NN-LAMB are comparable to LAMB and much better
than momentum, whose result is Goyal et al.'s.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes.imagenet import (
    GOYAL,
    LAMB_32K,
    MOMENTUM,
    NO_DECAY,
    RESNET50,
    SCHEME,
)
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.source import assumed, paper, sources
from largebatch.experiments.rows.table import same_runs, table
from largebatch.experiments.tables import table5

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = Layout(
    title="N-LAMB and NN-LAMB for ImageNet with ResNet-50 at batch 32K (90 epochs)",
    measures="Top-1 validation accuracy",
    seeds=1,
    heading="Figure 1",
    by_row=True,
)

_BATCH = paper("appendix D: 'we scaled the batch size to 32K'", "batch_size optimizer")
_DOZAT = paper("appendix D: the best of Dozat 2016", "beta_1 beta_2 epsilon")
_LIKE_LAMB = assumed("as LAMB at 32K in Table 5", "learning_rate warmup_epochs schedule decay_from")

NESTEROV_LAMB = dataclasses.replace(
    LAMB_32K,
    beta_1=0.975,
    epsilon=1e-8,
    sources={**LAMB_32K.sources, **_BATCH, **_DOZAT, **_LIKE_LAMB},
)
MOMENTUM_32K = dataclasses.replace(
    MOMENTUM,
    batch_size=32768,
    learning_rate=0.1 * 32768 / 256,
    sources={**MOMENTUM.sources, **_BATCH},
)
NADAM = dataclasses.replace(
    RESNET50,
    optimizer="nadam",
    batch_size=32768,
    learning_rate=1e-3,
    beta_1=0.975,
    beta_2=0.999,
    epsilon=1e-8,
    schedule="goyal",
    warmup_epochs=5,
    grid={"learning_rate": tuple(k * 10.0**-e for e in (4, 3) for k in range(1, 10)) + (1e-2,)},
    sources=sources(
        {k: v for k, v in RESNET50.sources.items() if k not in ("batch_size", "optimizer")},
        _BATCH,
        _DOZAT,
        SCHEME,
        assumed("the best of the tuning space is not printed: a value of it", "learning_rate"),
        NO_DECAY,
    ),
)

# fmt: off
ROWS = {
    **same_runs(
        "figure1", table5.ROWS,
        "name    same_run_as          label   paper_top1",
        ("lamb", "table5/lamb-32768", "LAMB", 0.7642),
    ),
    **table(
        "figure1", NESTEROV_LAMB, "{optimizer}",
        "optimizer  label",
        ("nlamb",   "N-LAMB"),
        ("nnlamb",  "NN-LAMB"),
    ),
    **table("figure1", MOMENTUM_32K, "{optimizer}", "label", (f"momentum ({GOYAL})",)),
    **table("figure1", NADAM, "{optimizer}", "label", ("Nadam",)),
}
# fmt: on
