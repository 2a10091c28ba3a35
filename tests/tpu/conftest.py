"""A task small enough to check by hand, and a way to run it."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from largebatch.tpu import FitOptions, RunFolder, Task, configure_devices, fit

EXAMPLES = 96


@dataclasses.dataclass(frozen=True)
class Stage:
    batch_size: int
    steps: int


class Regression(Task):
    """A two-layer network on fixed random data; example i has weight 1 + i mod 3.

    Unequal weights make the mean of per-replica means wrong, so a test can tell it.
    """

    def __init__(self, stages=((24, 20),), bad_steps=(), dtype="float32", empty_steps=()):
        self._stages = [Stage(*stage) for stage in stages]
        self._bad_steps = bad_steps
        self._empty_steps = empty_steps
        generator = np.random.default_rng(0)
        self.inputs = generator.normal(size=(EXAMPLES, 5)).astype(dtype)
        self.targets = generator.normal(size=(EXAMPLES, 2)).astype(dtype)
        self.weights = (1 + np.arange(EXAMPLES) % 3).astype(dtype)
        self.dtype = dtype

    @property
    def stages(self):
        return self._stages

    def build_model(self):
        layers = tf.keras.layers
        initializer = tf.keras.initializers.RandomNormal(seed=1)
        inputs = tf.keras.Input((5,), dtype=self.dtype)
        hidden = layers.Dense(7, "tanh", kernel_initializer=initializer, name="hidden")(inputs)
        outputs = layers.Dense(2, kernel_initializer=initializer, name="outputs")(hidden)
        return tf.keras.Model(inputs, outputs)

    def train_dataset(self, stage, context, micro_batch, first_step):
        stage = self._stages[stage]
        micro_batches = stage.batch_size // micro_batch
        indices = tf.data.Dataset.range(first_step * micro_batches, stage.steps * micro_batches)

        def fetch(index):
            rows = (index * micro_batch + tf.range(micro_batch, dtype=tf.int64)) % EXAMPLES
            batch = self._batch(rows)
            bad = tf.reduce_any(tf.equal(index // micro_batches, [-1, *self._bad_steps]))
            batch["x"] = tf.where(bad, tf.constant(np.nan, self.dtype), batch["x"])
            empty = tf.reduce_any(tf.equal(index // micro_batches, [-1, *self._empty_steps]))
            batch["weight"] = tf.where(empty, tf.zeros_like(batch["weight"]), batch["weight"])
            return batch

        return indices.map(fetch)

    def eval_dataset(self, context, batch):
        replicas = context.num_replicas_in_sync
        batches = -(-EXAMPLES // (batch * replicas)) * replicas

        def fetch(index):
            rows = index * batch + tf.range(batch, dtype=tf.int64)
            real = tf.cast(rows < EXAMPLES, self.dtype)
            padded = self._batch(tf.minimum(rows, EXAMPLES - 1))
            return {**padded, "weight": padded["weight"] * real}

        return tf.data.Dataset.range(batches).map(fetch)

    def _batch(self, rows):
        fields = {"x": self.inputs, "y": self.targets, "weight": self.weights}
        return {name: tf.gather(values, rows) for name, values in fields.items()}

    def forward(self, model, batch, training):
        return model(batch["x"], training=training)

    def loss(self, outputs, batch):
        losses = tf.reduce_sum(tf.square(outputs - batch["y"]), axis=-1)
        return tf.reduce_sum(losses * batch["weight"]), tf.reduce_sum(batch["weight"])

    def metrics(self, outputs, batch):
        error = tf.reduce_max(tf.abs(outputs - batch["y"]), axis=-1)
        return {"error": (tf.reduce_sum(error), tf.cast(tf.size(error), error.dtype))}


def sgd():
    return tf.keras.optimizers.SGD(0.05, momentum=0.9)


def run_task(parent, task, folder="run", *, devices=1, make_optimizer=sgd, **options):
    """Runs a task in a folder; returns the outcome, and the weights and slots at its end."""
    tf.keras.utils.set_random_seed(0)
    options = {"steps_per_epoch": 4, "steps_per_loop": 3, "checkpoint_every": 5, **options}
    strategy = configure_devices("cpu", devices)
    with RunFolder(parent / folder) as run_folder:
        outcome = fit(task, make_optimizer, strategy, run_folder, FitOptions(**options))
    step = max(int(p.stem.split("-")[1]) for p in run_folder.checkpoints.glob("*.index"))
    reader = tf.train.load_checkpoint(str(run_folder.checkpoints / f"ckpt-{step}"))
    names = reader.get_variable_to_shape_map()
    return outcome, {name: reader.get_tensor(name) for name in names if "GRAPH" not in name}


@pytest.fixture
def regression():
    return Regression


@pytest.fixture
def run(tmp_path):
    """run_task under the test's folder."""
    return functools.partial(run_task, tmp_path)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A run of such stages, made once: its outcome, its weights and slots, and its folder."""

    @functools.cache
    def unbroken(stages):
        parent = tmp_path_factory.mktemp("unbroken")
        return (*run_task(parent, Regression(stages)), parent / "run")

    return unbroken
