"""The lecture's Table 7: speed-up for ResNet-50 on ImageNet, from 21 hours to one minute.

    python -m largebatch.experiments.sweep --table=lecture7 --data_dir=TFDS

Machines that ran one recipe are one run. The table prints no recipe: momentum at 256 is Goyal et
al.'s, LARS is that of the `resnet50` rows.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes.imagenet import MOMENTUM
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.table import same_runs, table
from largebatch.experiments.tables import resnet50

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = Layout(
    title="Speedup for ResNet-50 (90 epochs)",
    measures="Top-1 Accuracy",
    seeds=1,
    corner="Batch size and hardware",
    down=True,
    heading="Lecture, Table 7",
    settings=("batch size", "epochs"),
    beside=("hardware", "time"),
)

_256 = dataclasses.replace(MOMENTUM, batch_size=256, learning_rate=0.1)

# fmt: off
ROWS = {
    **table(
        "lecture7", _256, "{optimizer}-{batch_size}",
        "label               paper_top1  paper_hardware  paper_time",
        ("256, 8 P100 GPUs", 0.753,      "8 P100 GPUs",  "21h"),
    ),
    **same_runs(
        "lecture7", resnet50.ROWS,
        "name                   same_run_as",
        ("lars-32768-512knl",   "resnet50/lars-32768-lab"),
        ("lars-32768-1600cpu",  "resnet50/lars-32768-lab"),
        ("lars-32768-2048knl",  "resnet50/lars-32768-lab"),
        ("lars-32768-tpu-v2",   "resnet50/lars-32768"),
        ("lars-65536-tpu-v3",   "resnet50/lars-65536"),
        printed=(
            "name                   label               top1    hardware       time",
            ("lars-32768-512knl",   "32K, 512 KNLs",    0.754,  "512 KNLs",    "60m"),
            ("lars-32768-1600cpu",  "32K, 1600 CPUs",   0.754,  "1600 CPUs",   "32m"),
            ("lars-32768-2048knl",  "32K, 2048 KNLs",   0.754,  "2048 KNLs",   "20m"),
            ("lars-32768-tpu-v2",   "32K, TPU-v2 Pod",  0.764,  "TPU-v2 Pod",  "8m"),
            ("lars-65536-tpu-v3",   "64K, TPU-v3 Pod",  0.763,  "TPU-v3 Pod",  "1m"),
        ),
    ),
}
# fmt: on
