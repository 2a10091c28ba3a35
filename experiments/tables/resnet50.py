"""ResNet-50 beyond the paper: LARS in two public recipes, and LAMB as its author later ran it.

    python -m largebatch.experiments.sweep --table=resnet50 --data_dir=TFDS

None of these settings is the paper's. `lars-*` are MLPerf's reference points; `lars-*-lab` and
`lamb-*-lab` are the recipes of the first author's laboratory (LARS-ImageNet-PyTorch and its LAMB),
twins of Table 5's rows. What is printed beside a `-lab` row is what that laboratory reports.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes.imagenet import LAMB, LAMB_CODE, RESNET50
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke
from largebatch.experiments.rows import author_code
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.source import assumed, code
from largebatch.experiments.rows.table import table
from largebatch.experiments.tables import table5

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = Layout(
    title="LARS and LAMB for ImageNet with ResNet-50, public recipes (90 epochs)",
    measures="Top-1 validation accuracy (printed: the laboratory's, not the paper's)",
    seeds=1,
    corner="Recipe and batch size",
    down=True,
    heading="ResNet-50 recipes",
    recipes=", ",
    across=True,
)

_MLPERF = "MLPerf 2.1's reference points for LARS"
_LAB_LARS = f"the first author's laboratory: {author_code.LARS_PYTORCH}"
_LAB_LAMB = f"the first author's laboratory: {author_code.LAMB_PYTORCH}"

LARS = dataclasses.replace(
    RESNET50,
    optimizer="lars",
    form="you2017",
    trust_coefficient=0.001,
    momentum=0.9,
    weight_decay=2e-4,
    label_smoothing=0.1,
    schedule="warmup_linear",
    decay_from="warmup_end",
    decay_power=2.0,
    end_learning_rate=1e-4,
    sources={
        **RESNET50.sources,
        **assumed(
            _MLPERF,
            "optimizer batch_size form trust_coefficient momentum weight_decay label_smoothing "
            "schedule decay_from decay_power end_learning_rate learning_rate warmup_epochs",
        ),
        **assumed(f"{_MLPERF} stop at a target accuracy; the paper's length", "epochs"),
        **assumed("no L2 regularization beside the decay", "l2_regularization"),
    },
)

LARS_LAB = dataclasses.replace(
    LARS,
    weight_decay=1e-4,
    max_ratio=50.0,
    end_learning_rate=0.0,
    sources={
        **LARS.sources,
        **code(
            f"{_LAB_LARS}. It multiplies momentum with the newest rate and ratio, where the form "
            "of You et al. 2017 keeps each gradient's own",
            "form",
        ),
        **code(
            f"{_LAB_LARS}: README.md, pytorch_imagenet_resnet.py",
            "optimizer batch_size trust_coefficient momentum weight_decay max_ratio schedule "
            "end_learning_rate learning_rate warmup_epochs epochs",
        ),
        **code(
            f"{_LAB_LARS}: utils.py, PolynomialWarmup of power 2 over the updates after warm-up",
            "decay_from decay_power",
        ),
        **code(
            f"{_LAB_LARS}: 0.1 is the default of its --label-smoothing. It spreads it over the "
            "other K - 1 classes, the suite over all K",
            "label_smoothing",
        ),
    },
)

LAMB_LAB = dataclasses.replace(
    LAMB,
    weight_decay=1.5,
    bias_correction=False,
    clip_norm=1.0,
    label_smoothing=0.1,
    decay_from="warmup_end",
    # Its evaluation is of all images, and the paper's rows' code is another.
    exclude_from_weight_decay=None,
    exclude_from_layer_adaptation=None,
    kernel_init=None,
    zero_last_scale=None,
    eval_every_epochs=1,
    eval_subset=None,
    sources={
        **{f: s for f, s in LAMB.sources.items() if f not in LAMB_CODE},
        **{f: RESNET50.sources[f] for f in ("eval_every_epochs",)},
        **assumed("no L2 regularization beside the decoupled decay", "l2_regularization"),
        **code(
            f"{_LAB_LAMB}: config.py, train.py",
            "optimizer weight_decay bias_correction clip_norm label_smoothing schedule",
        ),
        **code(
            f"{_LAB_LAMB}: optim/lr_scheduler, a polynomial of power 1 over the updates after "
            "warm-up",
            "decay_from",
        ),
        **assumed("Table 5's at this batch", "learning_rate warmup_epochs batch_size"),
    },
)


def _lab_lamb(batch_size: int, paper_top1: float) -> tuple:
    twin = table5.ROWS[f"table5/lamb-{batch_size}"]
    label = f"LAMB (laboratory), {twin.label}"
    return (batch_size, twin.learning_rate, twin.warmup_epochs, label, paper_top1)


# fmt: off
ROWS = {
    **table(
        "resnet50", LARS, "{optimizer}-{batch_size}",
        "batch_size  learning_rate  warmup_epochs  weight_decay  momentum  label",
        (4096,       10,            5,             2e-4,         0.9,      "LARS (MLPerf), 4K"),
        (8192,       17,            5,             2e-4,         0.9,      "LARS (MLPerf), 8K"),
        (32768,      21.2,          16,            2.5e-5,       0.94,     "LARS (MLPerf), 32K"),
        (65536,      24.699,        31,            1e-4,         0.951807, "LARS (MLPerf), 64K"),
    ),
    **table(
        "resnet50", LARS_LAB, "{optimizer}-{batch_size}-lab",
        "batch_size  learning_rate  warmup_epochs  label                     paper_top1",
        (512,        2**2.0,        10 / 2**6,     "LARS (laboratory), 512", 0.7702),
        (1024,       2**2.5,        10 / 2**5,     "LARS (laboratory), 1K",  0.7696),
        (2048,       2**3.0,        10 / 2**4,     "LARS (laboratory), 2K",  None),
        (4096,       2**3.5,        10 / 2**3,     "LARS (laboratory), 4K",  0.7738),
        (8192,       2**4.0,        10 / 2**2,     "LARS (laboratory), 8K",  0.7714),
        (16384,      2**4.5,        10 / 2**1,     "LARS (laboratory), 16K", 0.7696),
        (32768,      2**5.0,        14,            "LARS (laboratory), 32K", 0.7675),
    ),
    **table(
        "resnet50", LAMB_LAB, "{optimizer}-{batch_size}-lab",
        "batch_size  learning_rate  warmup_epochs  label  paper_top1",
        _lab_lamb(4096, 0.7714),
        _lab_lamb(8192, 0.7731),
        _lab_lamb(16384, 0.7691),
        _lab_lamb(32768, 0.7671),
    ),
}
# fmt: on
