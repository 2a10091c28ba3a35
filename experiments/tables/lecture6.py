"""The lecture's Table 6: speed-up for AlexNet on ImageNet, from 144 hours to 11 minutes.

    python -m largebatch.experiments.sweep --table=lecture6 --data_dir=TFDS

Two machines that ran one recipe are one run. The rows at 32K are AlexNet-BN (You et al. 2018,
"ImageNet Training in Minutes"); the lecture's table says AlexNet of all.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.source import assumed
from largebatch.experiments.rows.table import same_runs, table
from largebatch.experiments.tables import alexnet

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = Layout(
    title="Speedup for AlexNet (100 epochs)",
    measures="Top-1 Accuracy",
    seeds=1,
    corner="Batch size and hardware",
    down=True,
    heading="Lecture, Table 6",
    settings=("batch size", "epochs"),
    beside=("hardware", "time"),
)

_256 = dataclasses.replace(
    alexnet.MOMENTUM,
    learning_rate=0.01,
    sources={
        **alexnet.MOMENTUM.sources,
        **assumed("the usual rate at this batch: half of that at 512", "learning_rate"),
    },
)
_32K = dataclasses.replace(
    alexnet.LARS_BN,
    sources={
        **alexnet.LARS_BN.sources,
        **assumed("You et al. 2018, 'ImageNet Training in Minutes'", "model"),
        **assumed(alexnet.SOLVERS, "learning_rate"),
    },
)

_SLOW = table(
    "lecture6", _256, "{optimizer}-{batch_size}",
    "batch_size  label                        paper_top1  paper_hardware          paper_time",
    (256,        "256, 8-core CPU + K20 GPU", 0.587,      "8-core CPU + K20 GPU", "144h"),
)  # fmt: skip
_FAST = table(
    "lecture6", _32K, "bn-{optimizer}-{batch_size}",
    "batch_size  learning_rate  warmup_epochs",
    (32768,      32,            alexnet.RAMP),
    printed=(
        "batch_size  label             top1    hardware     time",
        (32768,      "32K, 512 KNLs",  0.586,  "512 KNLs",  "24m"),
    ),
)  # fmt: skip

# fmt: off
ROWS = {
    **_SLOW,
    **same_runs(
        "lecture6", alexnet.ROWS,
        "same_run_as             label                 paper_top1  paper_hardware   paper_time",
        ("alexnet/momentum-512", "512, DGX-1 station", 0.588,      "DGX-1 station", "6h 10m"),
        ("alexnet/lars-4096",    "4096, DGX-1 station", 0.584,     "DGX-1 station", "2h 19m"),
    ),
    **_FAST,
    **same_runs(
        "lecture6", _FAST,
        "name                      same_run_as",
        ("bn-lars-32768-1024cpu",  "lecture6/bn-lars-32768"),
        printed=(
            "name                      label              top1    hardware      time",
            ("bn-lars-32768-1024cpu",  "32K, 1024 CPUs",  0.586,  "1024 CPUs",  "11m"),
        ),
    ),
}
# fmt: on
