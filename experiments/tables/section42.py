"""Section 4.2's comparison of LARS and LAMB that stands in no table: ResNet-50 at 2K and 32K.

    python -m largebatch.experiments.sweep --table=section42 --data_dir=TFDS

"At a batch size of 32K, LAMB achieves 76.4% top-1 accuracy while LARS achieves 76.3%. At a batch
size of 2K, LAMB is able to achieve 77.11% top-1 accuracy while LARS achieves 76.6%." LARS was tuned
by a grid search (section 4) that is not printed; its settings here are those of the first author's
public code of the same months.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes.imagenet import RESNET50
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke
from largebatch.experiments.rows import author_code
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.source import assumed, code, paper, sources
from largebatch.experiments.rows.table import same_runs, table
from largebatch.experiments.tables import table5

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = Layout(
    title="LARS and LAMB for ImageNet with ResNet-50 at batch 2K and 32K (90 epochs)",
    measures="Top-1 accuracy",
    seeds=1,
    corner="Optimizer and batch size",
    down=True,
    heading="Section 4.2, in the text",
)

TPU_CODE = f"{author_code.TPU} (May 2019), models/official/resnet"
_SETTINGS = (
    "trust_coefficient momentum weight_decay schedule decay_from decay_power end_learning_rate "
    "learning_rate warmup_epochs label_smoothing exclude_from_weight_decay "
    "exclude_from_layer_adaptation"
)
_INHERITED = {f: s for f, s in RESNET50.sources.items() if f not in _SETTINGS.split()}

LARS = dataclasses.replace(
    RESNET50,
    optimizer="lars",
    form="you2017",
    trust_coefficient=0.001,
    momentum=0.9,
    weight_decay=1e-4,
    exclude_from_weight_decay="resnet50",
    exclude_from_layer_adaptation="resnet50",
    label_smoothing=0.0,
    schedule="warmup_linear",
    decay_from="warmup_end",
    decay_power=2.0,
    end_learning_rate=1e-4,
    sources=sources(
        {f: s for f, s in _INHERITED.items() if f not in ("optimizer", "batch_size")},
        paper("section 4.2", "optimizer batch_size"),
        code(f"{TPU_CODE}: lars_util.py, resnet_main.py", _SETTINGS),
        code(
            f"{TPU_CODE}. Its momentum holds raw gradients and takes the newest rate and ratio, "
            "where the form of You et al. 2017 keeps each gradient's own",
            "form",
        ),
        assumed(
            f"the decay is the L2 regularization of {TPU_CODE}, and in the ratio",
            "l2_regularization",
        ),
    ),
)

# fmt: off
ROWS = {
    **same_runs(
        "section42", table5.ROWS,
        "same_run_as          label        paper_top1",
        ("table5/lamb-2048",  "LAMB, 2K",  0.7711),
        ("table5/lamb-32768", "LAMB, 32K", 0.764),
    ),
    **table(
        "section42", LARS, "{optimizer}-{batch_size}",
        "batch_size  learning_rate  warmup_epochs  label       paper_top1",
        (2048,       8,             1,             "LARS, 2K",  0.766),
        (32768,      34,            12,            "LARS, 32K", 0.763),
    ),
}
# fmt: on
