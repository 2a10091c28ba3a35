"""Table 5 as the first author's public code ran LAMB at 32K and 64K (imagenet_resnet50_lamb).

The code's log at 32K is the only one behind the table: top-1 .76337 where .7642 is printed. At the
other batch sizes rate and warm-up are the table's and everything else is as at 32K, with 128 images
a core, so that the number of cores grows with the batch; how many there were is not known.
"""

from __future__ import annotations

import dataclasses

from largebatch.experiments.recipes.imagenet import LAMB
from largebatch.experiments.rows.author_code import RESNET50
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.source import assumed, code, paper
from largebatch.experiments.rows.table import table

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
    decay_from="warmup_end",
    clip_norm=1.0,
    clip_batch=A_CORE,
    norm_batch=A_CORE,
    sources={
        **LAMB.sources,
        **code(f"{RESNET50}: run.sh", "weight_decay"),
        **code(f"{RESNET50}: optimization.py: no correction of the moments",
               "beta_1 beta_2 bias_correction"),
        **code(f"{RESNET50}: (T - t) / (T - W) behind the warm-up",
               "schedule decay_from decay_power end_learning_rate"),
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
