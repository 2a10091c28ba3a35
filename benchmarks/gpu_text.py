"""Prepared text for runs on a device: one store of examples, and the order of each seed.

On one host the examples of a run come in an order that its seed alone decides: batches of every
size are cut from one list. So a store holds the examples once, and a seed's list of their numbers,
instead of the batches of each run. What a batch holds is what `pretraining_dataset` yields.

    text.npz.xz      the lists and dropout's seeds, by seed and stage
    text-S.xz        the examples of stage S (`data.compact_examples`), from 1
    text-eval.xz     the held-out ones
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from largebatch.benchmarks import gpu_data
from largebatch.data.pretraining.read import compact_examples

NAME, EVAL = "text", "text-eval.xz"


def stage_file(stage: int) -> str:
    return f"{NAME}-{stage + 1}.xz"


def pack(folder: Path, files: Sequence, examples: Sequence[int], steps: Sequence[int],
         seeds: Sequence[int], mask_id: int, held_out: int) -> None:  # fmt: skip
    """Writes the store of runs with these seeds; needs TensorFlow.

    Args:
      files: The prepared text of each stage.
      examples: How many examples of each stage a run takes.
      steps: The most updates of each stage, over all batch sizes.
      held_out: How many examples an evaluation looks at.
    """
    from largebatch.experiments.analyses.floors import blocks

    lists: dict[str, np.ndarray] = {}
    for stage, (each, count) in enumerate(zip(files, examples)):
        found = [example_list(each, seed * len(files) + stage, count) for seed in seeds]
        used = np.unique(np.concatenate(found))
        (every,) = blocks(each, each.train, sum(shard.examples for shard in each.train))
        kept = {name: every[name][used] for name in compact_examples.PIECES}
        (folder / stage_file(stage)).write_bytes(compact_examples.packed(kept, mask_id))
        for seed, numbers in zip(seeds, found):
            lists[f"order/{seed}/{stage}"] = np.searchsorted(used, numbers).astype(np.int32)
            lists[f"dropout/{seed}/{stage}"] = dropout_seeds(
                seed * len(files) + stage, steps[stage]
            )
    (block,) = blocks(files[-1], files[-1].eval, held_out)
    (folder / EVAL).write_bytes(compact_examples.packed(block, mask_id))
    gpu_data.write_arrays(folder, NAME, lists)


def example_list(files, seed: int, count: int) -> np.ndarray:
    """int64 [count]: the first examples of a stage on one host, as numbers over all its shards."""
    from largebatch.data.pretraining.read.stream import block_size
    from largebatch.data.streams.shard_order import ShardOrder

    start = dict(
        zip(
            (shard.path for shard in files.train),
            np.cumsum([0, *(shard.examples for shard in files.train)]),
        )
    )
    parts, have = [], 0
    order = ShardOrder(files.train, seed, 1, 0, block_size(files))
    for block in order.blocks(0).as_numpy_iterator():
        runs = zip(block["run_path"], block["run_first"], block["run_count"])
        numbers = np.concatenate([start[p.decode()] + first + np.arange(n) for p, first, n in runs])
        parts.append(numbers[block["order"]])
        have += len(parts[-1])
        if have >= count:
            return np.concatenate(parts)[:count]
    raise AssertionError("the list of a run's examples has no end")


def dropout_seeds(seed: int, steps: int) -> np.ndarray:
    """int32 [steps, 2]: dropout's seed of each update that is one micro-batch."""
    from largebatch.data.streams.updates import DROPOUT_STREAM
    from largebatch.experiments.export_program.draws import Stream

    drawn = [Stream(seed, DROPOUT_STREAM + step).words(2) for step in range(steps)]
    return np.array(drawn, np.uint32).view(np.int32)


class TextStore:
    """A packed store, read without TensorFlow; its arrays go to the device once, by `put`."""

    def __init__(self, folder: Path, put=np.asarray):
        self._lists = gpu_data.read(folder, NAME)
        stages = sorted({int(name.rsplit("/", 1)[1]) for name in self._lists})
        self.seeds = sorted({int(name.split("/")[1]) for name in self._lists})
        self.examples = [
            {name: put(_wide(value)) for name, value in _unpacked(folder / stage_file(s)).items()}
            for s in stages
        ]
        self.held_out = {name: _wide(v) for name, v in _unpacked(folder / EVAL).items()}

    def block(self, seed: int, stage: int, batch: int, first: int, size: int) -> tuple:
        """(numbers int32 [size x batch], dropout's seeds int32 [size, 2]) of `size` updates.

        Behind the last update of the store the first ones come again: a block has one size.
        """
        order = self._lists[f"order/{seed}/{stage}"]
        updates = np.arange(first, first + size) % (len(order) // batch)
        places = updates[:, None] * batch + np.arange(batch)
        return order[places.reshape(-1)], self._lists[f"dropout/{seed}/{stage}"][updates]


def batches(examples, numbers, dropout, batch: int) -> dict[str, Any]:
    """name -> [K, 1, b, ...]: the examples of these numbers as K updates of one micro-batch.

    Of NumPy's arrays or of JAX's, in a program too.
    """
    count = len(numbers) // batch
    made = {
        name: value[numbers].reshape(count, 1, batch, *value.shape[1:])
        for name, value in examples.items()
    }
    made["update_masked"] = made["masked_lm_weights"].sum(axis=(2, 3))
    made["update_sequences"] = np.full((count, 1), batch, np.float32)
    made["weight"] = np.ones((count, 1, batch), np.float32)
    made["dropout_seed"] = dropout[:, None]
    return made


def evaluation(held_out, batch: int) -> dict[str, np.ndarray]:
    """name -> [K, b, ...]: held-out examples, weight 0 on what fills up the last batch."""
    count = len(held_out["next_sentence_labels"])
    padding = -count % batch
    found = {**held_out, "weight": np.ones(count, np.float32)}
    return {
        name: np.pad(value, ((0, padding), *((0, 0),) * (value.ndim - 1))).reshape(
            -1, batch, *value.shape[1:]
        )
        for name, value in found.items()
    }


def _unpacked(path: Path) -> dict[str, np.ndarray]:
    return compact_examples.unpacked(path.read_bytes())


def _wide(value: np.ndarray) -> np.ndarray:
    return value.astype(np.int32) if value.dtype == np.uint8 else value
