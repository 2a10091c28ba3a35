"""The loop's speed against the bare step of the same model, in one process.

    python -m largebatch.benchmarks.train_step --experiment=table7/lamb [--precision=bfloat16]
    python -m largebatch.benchmarks.train_step --experiment=table6/lamb --steps=6 --rounds=3

The bare step is a `tf.function` of forward pass, gradient and optimizer update on one batch that
stays in memory. The loop is a whole run of the row: its input pipeline on data of the real shapes,
its records, events and checkpoints at their default intervals (fewer steps make those denser than
in a real run). They take turns, so that what else the machine does falls on both; read the ratio.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from absl import app, flags

FLAGS = flags.FLAGS


def define_flags() -> None:
    flags.DEFINE_string("experiment", "table7/lamb", "The row whose model and optimizer to time.")
    flags.DEFINE_enum("scale", "paper", ["paper", "laptop", "smoke"], "The row's scale.")
    flags.DEFINE_enum("precision", "float32", ["float32", "bfloat16"], "What to compute in.")
    flags.DEFINE_integer("steps", 200, "Updates timed in a round of each.", lower_bound=2)
    flags.DEFINE_integer("rounds", 5, "Rounds; the median ratio is reported.", lower_bound=1)
    flags.DEFINE_string("output", None, "Where to write the figures as JSON.")


def random_images(row):
    """An image set of the row's data set's shapes, with noise in it: speed does not need more."""
    import numpy as np

    from largebatch.data import ImageSet

    shapes = {"mnist": (28, 28, 1), "cifar10": (32, 32, 3), "digits": (32, 32, 1)}
    shape = shapes[row.dataset]
    generator = np.random.default_rng(0)

    def images(count):
        return generator.integers(0, 256, (count, *shape), np.uint8)

    def labels(count):
        return generator.integers(0, 10, count, np.int32)

    count = row.training_examples
    return ImageSet(
        row.dataset, images(count), labels(count), images(1000), labels(1000), 10,
        np.full(shape[-1], 0.5, np.float32), np.full(shape[-1], 0.25, np.float32),
    )  # fmt: skip


def bare_step(task, row, make_optimizer):
    """Returns a function that runs one update on a batch that is already there."""
    import tensorflow as tf

    model = task.build_model()
    optimizer = make_optimizer()
    optimizer.build(model.trainable_variables)
    context = tf.distribute.InputContext()
    batch = next(iter(task.train_dataset(0, context, row.batch_size, 0)))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss, weight = task.loss(task.forward(model, batch, training=True), batch)
            loss /= weight
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    return step


def time_bare(step, steps: int) -> float:
    """Seconds of one bare update."""
    began = time.perf_counter()
    for _ in range(steps):
        loss = step()
    float(loss)
    return (time.perf_counter() - began) / steps


def time_loop(task, row, make_optimizer, steps: int) -> float:
    """Seconds of one update of a run, its first loop, which is traced, left out."""
    import tensorflow as tf

    from largebatch import tpu
    from largebatch.experiments import launch

    per_loop = min(launch.STEPS_PER_LOOP["cpu"], steps // 2)
    with tempfile.TemporaryDirectory() as folder, tpu.RunFolder(folder) as run_folder:
        options = tpu.FitOptions(
            steps_per_epoch=row.steps_per_epoch,
            steps_per_loop=per_loop,
            checkpoint_every=max(per_loop, -(-row.steps // launch.CHECKPOINTS_IN_A_RUN)),
        )
        strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
        tpu.fit(task, make_optimizer, strategy, run_folder, options)
        train = [record for record in run_folder.metrics() if record["kind"] == "train"]
    first, last = train[0], train[-1]
    return (last["seconds"] - first["seconds"]) / (last["step"] - first["step"])


def main(argv) -> None:
    del argv
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from largebatch import optimizers
    from largebatch.experiments import registry, scales
    from largebatch.experiments.classification import ImageClassification
    from largebatch.experiments.rates import learning_rate
    from largebatch.tpu import devices

    row = scales.scaled(registry.find(FLAGS.experiment), FLAGS.scale)
    devices.configure_precision(FLAGS.precision)

    class Short(ImageClassification):
        """The row's task, cut to the steps that are timed."""

        @property
        def stages(self):
            warm = min(10, FLAGS.steps // 2)
            return [super().stages[0]._replace(steps=FLAGS.steps + warm)]

    def make_optimizer():
        return optimizers.create(row.optimizer, learning_rate(row), **row.optimizer_settings)

    task = Short(row, random_images(row), seed=0)
    step = bare_step(task, row, make_optimizer)
    time_bare(step, 2)  # traced and compiled here
    bare, loop = [], []
    for number in range(FLAGS.rounds):
        bare.append(time_bare(step, FLAGS.steps))
        loop.append(time_loop(task, row, make_optimizer, FLAGS.steps))
        bare.append(time_bare(step, FLAGS.steps))
        print(
            f"round {number}: bare {row.batch_size / statistics.mean(bare[-2:]):,.0f} images/s, "
            f"loop {row.batch_size / loop[-1]:,.0f} images/s"
        )
    # Each loop is set against the bare steps right before and after it.
    ratios = [(bare[2 * i] + bare[2 * i + 1]) / 2 / loop[i] for i in range(FLAGS.rounds)]
    result = {
        "experiment": row.name,
        "scale": row.scale,
        "precision": FLAGS.precision,
        "batch_size": row.batch_size,
        "cores": os.cpu_count(),
        "bare_images_per_second": round(row.batch_size / statistics.median(bare), 1),
        "loop_images_per_second": round(row.batch_size / statistics.median(loop), 1),
        "loop_over_bare": round(statistics.median(ratios), 4),
        "rounds": FLAGS.rounds,
        "steps": FLAGS.steps,
    }
    print(json.dumps(result, indent=1))
    if FLAGS.output:
        Path(FLAGS.output).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    define_flags()
    app.run(main)
