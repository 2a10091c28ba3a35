"""The evaluation of a run's newest checkpoint, by itself."""

from __future__ import annotations

import re

import tensorflow as tf

from largebatch.tpu.folder.checkpoints import restore_model
from largebatch.tpu.folder.run_folder import RunFolder
from largebatch.tpu.loop.eval_loop import EvalLoop
from largebatch.tpu.loop.inputs import distributed_dataset
from largebatch.tpu.loop.task import Task


def evaluate(
    task: Task, strategy: tf.distribute.Strategy, folder: RunFolder, batch: int
) -> tuple[int, dict[str, float]]:
    """Returns (the update of the newest whole checkpoint, its evaluation); writes nothing.

    Args:
      batch: Examples in an evaluation batch of one replica.

    Raises:
      CheckpointError: There is none, or it is another model's.
    """
    with strategy.scope():
        model = task.build_model()
        path = restore_model(model, folder.checkpoints)
    dataset = distributed_dataset(strategy, lambda context: task.eval_dataset(context, batch))
    step = int(re.search(r"(\d+)$", path).group(1))
    return step, EvalLoop(task, model, strategy, dataset).evaluate()
