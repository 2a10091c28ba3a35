"""The loop's speed against the bare step of the same model, in one process.

    python -m largebatch.benchmarks.train_step --experiment=table7/lamb [--precision=bfloat16]
    python -m largebatch.benchmarks.train_step --experiment=table6/lamb --steps=6 --rounds=3
    python -m largebatch.benchmarks.train_step --experiment=table5/lamb-512 --batch_size=16 \\
        --steps=20 --rounds=3 [--data_dir=TFDS]

The bare step is a `tf.function` of forward pass, gradient and optimizer update on one batch that
stays in memory. The loop is a whole run of the row: its input pipeline on data of the real shapes
(with --data_dir on ImageNet itself, or a part of it), its records, events and checkpoints at their
default intervals (fewer steps make those denser than in a real run). They take turns, so that what
else the machine does falls on both; read the ratios. That of processor time, the seconds of all
cores together, is the steadier one on a machine that does other things too.

Then a checkpoint is timed by itself: its share of the time at the default interval, as
`checkpoint_cost` reports it for several rows.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import statistics
import tempfile
import time
from typing import NamedTuple

from largebatch import cli
from largebatch.benchmarks.bare_update import on_random_images, update_of
from largebatch.stack import quiet_tensorflow

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.string("experiment", "table7/lamb", "The row whose model and optimizer to time.")
define.enum("scale", "paper", ["paper", "laptop", "smoke"], "The row's scale.")
define.enum("precision", "float32", ["float32", "bfloat16"], "What to compute in.")
define.integer("batch_size", None, "In place of the row's.", lower_bound=1)
define.path("data_dir", None, "A folder with ImageNet; without it, random images.")
define.integer("steps", 200, "Updates timed in a round of each.", lower_bound=2)
define.integer("rounds", 5, "Rounds; the median ratio is reported.", lower_bound=1)
define.output_file("output", None, "Where to write the figures as JSON.")


class Seconds(NamedTuple):
    """Of one update: on the clock, and of all cores together."""

    clock: float
    processor: float

    @classmethod
    def now(cls) -> Seconds:
        return cls(time.perf_counter(), time.process_time())

    def until(self, end: Seconds, steps: int) -> Seconds:
        return Seconds(*((after - before) / steps for before, after in zip(self, end)))


class Stopwatch:
    """Watches a run between two of its updates."""

    kind = "stopwatch"

    def __init__(self, first: int, last: int):
        self.steps = (first, last)
        self._readings: list[Seconds] = []

    def begin(self, model) -> None:
        pass

    def observe(self, step: int, model) -> dict:
        self._readings.append(Seconds.now())
        return {}

    @property
    def seconds(self) -> Seconds:
        (first, last), (began, ended) = self.steps, self._readings
        return began.until(ended, last - first)


def short_task(row):
    """The row's task, cut to the steps that are timed."""
    from largebatch.data import find_imagenet
    from largebatch.experiments.tasks import classification

    if FLAGS.data_dir and row.dataset == "imagenet2012":
        kind = classification.ImageNetClassification
        images = find_imagenet(FLAGS.data_dir, row.image_size)
    else:
        kind = classification.ImageClassification
        row, images = on_random_images(row)

    class Short(kind):
        @property
        def stages(self):
            warm = min(10, FLAGS.steps // 2)
            return [super().stages[0]._replace(steps=FLAGS.steps + warm)]

    return Short(row, images, seed=0)


def bare_step(task, row, make_optimizer):
    """Returns a function that runs one update on a batch that is already there."""
    import tensorflow as tf

    model = task.build_model()
    optimizer = make_optimizer()
    optimizer.build(model.trainable_variables)
    context = tf.distribute.InputContext()
    batch = next(iter(task.train_dataset(0, context, row.batch_size, 0)))
    return update_of(task, model, optimizer, batch)


def time_bare(step, steps: int) -> Seconds:
    began = Seconds.now()
    for _ in range(steps):
        loss = step()
    float(loss)
    return began.until(Seconds.now(), steps)


def time_loop(task, row, make_optimizer, steps: int) -> Seconds:
    """Of a run; its first loop, which is traced, is left out."""
    import tensorflow as tf

    from largebatch import tpu
    from largebatch.experiments.launching import launch

    (stage,) = task.stages
    per_loop = min(launch.STEPS_PER_LOOP["cpu"], steps // 2)
    stopwatch = Stopwatch(stage.steps - steps, stage.steps)
    options = tpu.FitOptions(
        steps_per_epoch=row.steps_per_epoch,
        steps_per_loop=per_loop,
        checkpoint_every=max(per_loop, -(-row.steps // launch.CHECKPOINTS_IN_A_RUN)),
        eval_batch=None,
        observer=stopwatch,
    )
    with tempfile.TemporaryDirectory() as folder, tpu.RunFolder(folder) as run_folder:
        strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
        tpu.fit(task, make_optimizer, strategy, run_folder, options)
    return stopwatch.seconds


def main() -> int:
    quiet_tensorflow()
    from largebatch.benchmarks import checkpoint_cost
    from largebatch.experiments.tables import registry
    from largebatch.experiments.tasks.schedule import optimizer_of
    from largebatch.tpu.hosts import devices

    row = registry.scaled(registry.find(FLAGS.experiment), FLAGS.scale)
    row = dataclasses.replace(row, precision=FLAGS.precision)
    if FLAGS.batch_size is not None:
        row = dataclasses.replace(row, batch_size=FLAGS.batch_size)
    devices.configure_precision(row.precision)
    make_optimizer = functools.partial(optimizer_of, row)
    task = short_task(row)
    step = bare_step(task, row, make_optimizer)
    time_bare(step, 2)  # traced and compiled here
    bare, loop = [], []
    for number in range(FLAGS.rounds):
        bare.append(time_bare(step, FLAGS.steps))
        loop.append(time_loop(task, row, make_optimizer, FLAGS.steps))
        bare.append(time_bare(step, FLAGS.steps))
        around = statistics.mean(one.clock for one in bare[-2:])
        print(
            f"round {number}: bare {row.batch_size / around:,.1f} images/s, "
            f"loop {row.batch_size / loop[-1].clock:,.1f} images/s",
            flush=True,
        )
    result = {
        "experiment": row.name,
        "scale": row.scale,
        "precision": FLAGS.precision,
        "batch_size": row.batch_size,
        "data": "the data folder's" if FLAGS.data_dir else "random images",
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),  # of this and whatever else ran
        **figures(row.batch_size, bare, loop),
        "rounds": FLAGS.rounds,
        "steps": FLAGS.steps,
        "checkpoint": checkpoint_cost.measure(row, FLAGS.rounds, updates=1),
    }
    print(json.dumps(result, indent=1))
    cli.write_json(result, FLAGS.output)
    return 0


def figures(batch_size: int, bare: list[Seconds], loop: list[Seconds]) -> dict:
    """Medians; each loop is set against the bare steps right before and after it."""

    def rate(timed, kind) -> float:
        return round(batch_size / statistics.median(getattr(one, kind) for one in timed), 1)

    def ratio(kind) -> float:
        around = [statistics.mean(getattr(one, kind) for one in bare[2 * i : 2 * i + 2])
                  for i in range(len(loop))]  # fmt: skip
        return round(statistics.median(a / getattr(one, kind) for a, one in zip(around, loop)), 4)

    return {
        "bare_images_per_second": rate(bare, "clock"),
        "loop_images_per_second": rate(loop, "clock"),
        "loop_over_bare": ratio("clock"),
        "bare_images_per_processor_second": rate(bare, "processor"),
        "loop_images_per_processor_second": rate(loop, "processor"),
        "loop_over_bare_by_processor_time": ratio("processor"),
    }


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
