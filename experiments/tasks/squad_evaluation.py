"""A fine-tuned model's answers to SQuAD's dev questions."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from largebatch.data import squad_eval_dataset, squad_predictions
from largebatch.data.squad.squad_features import SquadWindows
from largebatch.tpu import distributed_dataset, without_autograph

EVAL_BATCH = 32  # windows of one replica
N_BEST = 20
MAX_ANSWER_LENGTH = 30  # tokens


def answers(
    model: tf.keras.Model, windows: SquadWindows, strategy: tf.distribute.Strategy
) -> tuple[dict, dict]:
    """Returns ({question id: answer}, {question id: its n best}) over all windows."""
    dataset = distributed_dataset(
        strategy, lambda context: squad_eval_dataset(windows, batch=EVAL_BATCH, context=context)
    )

    @tf.function
    @without_autograph
    def logits(batch):
        def forward(part):
            outputs = model(part, training=False)
            return outputs["start_logits"], outputs["end_logits"], part["unique_ids"]

        return strategy.run(forward, args=(batch,))

    columns = ([], [], [])
    for batch in dataset:
        for column, values in zip(columns, logits(batch)):
            column.extend(value.numpy() for value in strategy.experimental_local_results(values))
    start, end, unique_ids = (np.concatenate(column) for column in columns)
    return squad_predictions(
        windows.examples,
        windows.features,
        start,
        end,
        unique_ids,
        n_best=N_BEST,
        max_answer_length=MAX_ANSWER_LENGTH,
        lower_case=windows.lower_case,
    )
