"""LAMB over batch sizes beside what it replaces: momentum, Adam and LARS under their own rules.

    python -m largebatch.experiments.sweep --table=batch_sizes --data_dir=TFDS

The claim behind Tables 3 and 5 in one picture: LAMB stays flat from 512 to 32K where momentum with
linear scaling (Goyal et al. 2017) and Adam fall. A study of this suite; the paper prints LAMB's
line and, at 16K, momentum's and Adam's.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes.imagenet import ADAM_PLUS, GOYAL, MOMENTUM
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.source import assumed, rule
from largebatch.experiments.rows.table import same_runs, table
from largebatch.experiments.tables import resnet50, table5
from largebatch.optimizers.scaling import linear_scaling, sqrt_scaling

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = Layout(
    title="LAMB, LARS, momentum and Adam over batch sizes (90 epochs)",
    measures="Top-1 validation accuracy",
    seeds=1,
    corner="Optimizer and batch size",
    down=True,
    heading="Batch sizes",
    recipes=", ",
    across=True,
)

BATCHES = {512: "512", 1024: "1K", 2048: "2K", 4096: "4K", 8192: "8K", 16384: "16K", 32768: "32K"}
_STUDIED = assumed("a study of this suite: Table 5's batch sizes", "batch_size")

_MOMENTUM = dataclasses.replace(
    MOMENTUM,
    sources={
        **MOMENTUM.sources,
        **_STUDIED,
        **assumed(f"{GOYAL}: linear scaling from 0.1 at 256", "learning_rate"),
    },
)
_ADAM = dataclasses.replace(
    ADAM_PLUS,
    sources={
        **ADAM_PLUS.sources,
        **_STUDIED,
        **rule("square-root scaling from Table 12's best, 0.002 at 16K", "learning_rate"),
    },
)


def _same(optimizer: str, name: str, printed: dict[int, float]) -> list[tuple]:
    return [
        (f"{optimizer}-{batch}", name.format(batch), f"{optimizer.upper()}, {label}",
         printed.get(batch))
        for batch, label in BATCHES.items()
    ]  # fmt: skip


_LAMB = {row.batch_size: row.paper_top1 for row in table5.ROWS.values()}
_COLUMNS = "name  same_run_as  label  paper_top1"

# fmt: off
ROWS = {
    **same_runs("batch_sizes", table5.ROWS, _COLUMNS, *_same("lamb", "table5/lamb-{}", _LAMB)),
    **same_runs("batch_sizes", resnet50.ROWS, _COLUMNS,
                *_same("lars", "resnet50/lars-{}-lab", {})),
    **table(
        "batch_sizes", _MOMENTUM, "{optimizer}-{batch_size}",
        "batch_size  learning_rate  label",
        *((batch, linear_scaling(0.1, 256, batch), f"Momentum, {label}")
          for batch, label in BATCHES.items()),
    ),
    **table(
        "batch_sizes", _ADAM, "{optimizer}-{batch_size}",
        "batch_size  learning_rate  label",
        *((batch, sqrt_scaling(0.002, 16384, batch), f"Adam+, {label}")
          for batch, label in BATCHES.items()),
    ),
}
# fmt: on
