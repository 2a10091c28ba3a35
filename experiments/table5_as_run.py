"""Table 5 as the first author's public code ran LAMB at 32K and 64K (imagenet_resnet50_lamb).

The code's log at 32K is the only one behind the table: top-1 .76337 where .7642 is printed. At the
other batch sizes rate and warm-up are the table's and everything else is as at 32K, with 128 images
a core, so that the number of cores grows with the batch; how many there were is not known.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.author_code import IMAGENET_SUBSET, RESNET50
from largebatch.experiments.experiment import Row
from largebatch.experiments.imagenet import LAMB
from largebatch.experiments.sources import assumed, code, paper
from largebatch.experiments.tables import table

A_CORE = 128  # images
LOGGED = (32768, 65536)  # batches, on 256 and 512 cores

_CORES = {
    **code(f"{RESNET50}: 256 cores at 32K, 512 at 64K, of {A_CORE} images; batch norm is a core's",
           "norm_batch"),
    **code(f"{RESNET50}: optimization.py: each core clips its mean gradient before they are added",
           "clip_norm clip_batch"),
    **code(f"{RESNET50}: optimization.py: 1e-6 on the sum of the cores' mean gradients; on their "
           "mean, 1e-6 / cores", "epsilon"),
}  # fmt: skip
_NOT_LOGGED = f"{A_CORE} images a core, as at 32K; the cores at this batch are in no log"
_OTHER_CORES = {
    **assumed(_NOT_LOGGED, "norm_batch"),
    **assumed(f"1 as at 32K; {_NOT_LOGGED}", "clip_norm clip_batch"),
    **assumed(f"1e-6 / cores; {_NOT_LOGGED}", "epsilon"),
}

BASE = dataclasses.replace(
    LAMB,
    weight_decay=1.5,
    bias_correction=False,
    label_smoothing=0.1,
    decay_from="warmup_end",
    exclude_from_weight_decay="batch_norm",
    exclude_from_layer_adaptation="batch_norm",
    clip_norm=1.0,
    clip_batch=A_CORE,
    norm_batch=A_CORE,
    kernel_init="fan_in",
    zero_last_scale=True,
    eval_every_epochs=90,
    eval_subset=IMAGENET_SUBSET,
    sources={
        **LAMB.sources,
        **code(f"{RESNET50}: run.sh", "weight_decay label_smoothing"),
        **code(f"{RESNET50}: optimization.py: no correction of the moments",
               "beta_1 beta_2 bias_correction"),
        **code(f"{RESNET50}: (T - t) / (T - W) behind the warm-up",
               "schedule decay_from"),
        **code(f"{RESNET50}: batch norm's variables are out of both, the dense bias is in both",
               "exclude_from_weight_decay exclude_from_layer_adaptation"),
        **code(f"{RESNET50}: truncated normal of variance 1 / fan_in", "kernel_init"),
        **code(f"{RESNET50}: a block's last batch norm begins at 0", "zero_last_scale"),
        **code(f"{RESNET50}: 8 to 100 % of the area, resized to 224 (bicubic), flipped or not",
               "augment image_size"),
        **code(f"{RESNET50}: a bfloat16 network with float32 logits", "precision"),
        **code(f"{RESNET50}: run.sh: 0 in the loss", "l2_regularization"),
        **code(f"{RESNET50}: once, on the last checkpoint", "eval_every_epochs"),
        **code(f"{RESNET50}: 48 x 1,024 of the 50,000 images", "eval_subset"),
        **paper("Table 5", "paper_top1 paper_top5"),
    },
)  # fmt: skip


def as_run(batch_size: int) -> Row:
    """What a run of `batch_size` shares with the code's, but for its rate and warm-up."""
    cores = _CORES if batch_size in LOGGED else _OTHER_CORES
    epsilon = 1e-6 / (batch_size / A_CORE)
    return dataclasses.replace(BASE, epsilon=epsilon, sources={**BASE.sources, **cores})


def rows(printed: dict[str, Row]) -> dict[str, Row]:
    """{name: Row}, a twin of each of Table 5's `printed` rows."""
    columns = "batch_size  learning_rate  warmup_epochs  label  paper_top5  paper_top1  sources"
    made = {}
    for row in printed.values():
        cells = [getattr(row, column) for column in columns.split()[:-1]]
        own = {}
        if row.batch_size == 32768:
            own = {
                **code(f"{RESNET50}: run.sh, log.out: 3,519 updates, 782 of warm-up",
                       "batch_size learning_rate warmup_epochs epochs"),
            }  # fmt: skip
        made |= table("table5", as_run(row.batch_size), "{optimizer}-{batch_size}-as-run", columns,
                      (*cells, own))  # fmt: skip
    return made
