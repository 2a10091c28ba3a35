"""What a run's checkpoints cost, as a share of its updates' time, at the default interval.

    python -m largebatch.benchmarks.checkpoint_cost [--rows=table7/lamb,table1/lamb-32768@laptop]

Saves are synchronous: an update waits for the one before it. In turns, in one process, some updates
of the row at its batch (on noise of its data's shapes) and one save of its weights and slots, by
the loop's own `Checkpoints`, with the removal of the oldest. The share is

    seconds of a save / (updates between two saves x seconds of an update)

on the clock, and of processor time, which is the steadier one where the machine does other things.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from largebatch import cli
from largebatch.benchmarks.bare_update import on_random_images, update_of
from largebatch.stack import quiet_tensorflow

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.list(
    "rows", ["table7/lamb", "table6/lamb", "table1/lamb-32768@laptop"], "NAME or NAME@SCALE."
)
define.integer("rounds", 5, "Saves; medians are reported.", lower_bound=1)
define.integer("updates", 3, "Updates before each save.", lower_bound=1)
define.output_file("output", None, "Where to write the figures as JSON.")


def task_and_batch(row):
    """The row's task, and one batch of its last stage in memory."""
    import tensorflow as tf

    stage = row.stages[-1]
    if row.task == "pretraining":
        from largebatch.benchmarks.bert_step import random_batch
        from largebatch.experiments.tasks.pretraining import Pretraining

        predictions = -(-stage.sequence_length * 15 // 100)
        batch = random_batch(
            stage.batch_size, stage.sequence_length, predictions, row.vocabulary_size
        )
        batch = {"weight": tf.ones([stage.batch_size]), **batch}
        return Pretraining(row, [None] * len(row.stages), seed=0), batch
    from largebatch.experiments.tasks.classification import ImageClassification

    task = ImageClassification(*on_random_images(row), seed=0)
    context = tf.distribute.InputContext()
    return task, next(iter(task.train_dataset(0, context, stage.batch_size, 0)))


def measure(row, rounds: int, updates: int) -> dict:
    """The figures of one row."""
    import tensorflow as tf

    from largebatch.experiments.launching.launch import CHECKPOINTS_IN_A_RUN
    from largebatch.experiments.tasks.schedule import optimizer_of
    from largebatch.tpu import Checkpoints

    task, batch = task_and_batch(row)
    model = task.build_model()
    optimizer = optimizer_of(row)
    optimizer.build(model.trainable_variables)

    update = update_of(task, model, optimizer, batch)
    update_seconds, save_seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(
            tf.train.Checkpoint(model=model, optimizer=optimizer),
            folder,
            interval=1,
            variables=[*model.variables, *optimizer.variables],
        )
        float(update())  # traced and compiled here
        checkpoints.save(0)
        for number in range(1, rounds + 1):
            began = now()
            for _ in range(updates):
                loss = update()
            float(loss)
            between = now()
            checkpoints.save(number)
            ended = now()
            update_seconds.append([(b - a) / updates for a, b in zip(began, between)])
            save_seconds.append([b - a for a, b in zip(between, ended)])
        size = sum(path.stat().st_size for path in Path(folder).glob(f"ckpt-{rounds}.*"))
    interval = -(-row.steps // CHECKPOINTS_IN_A_RUN)
    one, save = ([statistics.median(kind) for kind in zip(*seconds)]
                 for seconds in (update_seconds, save_seconds))  # fmt: skip
    return {
        "experiment": row.name,
        "scale": row.scale,
        "updates_between_saves": interval,
        "megabytes": round(size / 1e6, 3),
        "seconds_of_an_update": round(one[0], 4),
        "seconds_of_a_save": round(save[0], 4),
        "share_of_the_time": round(save[0] / (interval * one[0]), 5),
        "share_of_the_processor_time": round(save[1] / (interval * one[1]), 5),
    }


def now() -> tuple[float, float]:
    """On the clock, and of all cores together."""
    return time.perf_counter(), time.process_time()


def main() -> int:
    quiet_tensorflow()
    from largebatch.experiments.tables import registry
    from largebatch.tpu.hosts import devices

    found = []
    for text in FLAGS.rows:
        name, _, scale = text.partition("@")
        row = registry.scaled(registry.find(name), scale or "paper")
        devices.configure_precision(row.precision)
        found.append(measure(row, FLAGS.rounds, FLAGS.updates))
        print(json.dumps(found[-1], indent=1), flush=True)
    result = {"cores": os.cpu_count(), "load_average": round(os.getloadavg()[0], 1), "rows": found}
    cli.write_json(result, FLAGS.output)
    return 0


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
