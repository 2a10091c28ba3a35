"""How much of one pass fits a TPU core by the word of its compiler: docs/tpu_compile.md.

The largest batches of a core that `python -m largebatch.experiments.compile` found, for LAMB, which
keeps as much beside the weights as any optimizer here. A pass whose gradients are added to their
sums takes what a whole update takes: the sums are where the gradients were.
"""

from __future__ import annotations

from largebatch.experiments.rows.row import Row, Stage
from largebatch.tpu.lowering.topologies import GENERATIONS

# (model, tokens or pixels a side, precision) -> TPU generation -> examples; a test holds that
# results/tpu_compile says so.
LARGEST = {
    step: dict(zip(("v2", "v3", "v4", "v5e", "v5p", "v6e"), sizes))
    for step, sizes in {
        ("bert_large", 128, "bfloat16"): (32, 128, 256, 128, 1024, 256),
        ("bert_large", 512, "bfloat16"): (4, 16, 32, 16, 128, 32),
        ("resnet50", 224, "bfloat16"): (256, 1024, 2048, 512, 4096, 2048),
    }.items()
}


def largest_compiled(row: Row, stage: Stage, generation: str | None) -> int | None:
    """Examples of a row's stage that one core takes in a pass; None where that was not compiled.

    A generation that was not is taken for the largest that was and has no more memory.
    """
    side = row.image_size if row.task == "classification" else stage.sequence_length
    known = LARGEST.get((row.model, side, row.precision))
    if known is None or generation not in GENERATIONS or row.model_width is not None:
        return None
    memory = GENERATIONS[generation].memory
    smaller = [size for name, size in known.items() if GENERATIONS[name].memory <= memory]
    return known.get(generation, max(smaller, default=None))
