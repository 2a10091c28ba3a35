"""How a task's datasets reach the replicas."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from largebatch.tpu.hosts.agreement import Hosts
from largebatch.tpu.hosts.tensorflow_internals import per_replica

DatasetFn = Callable[[tf.distribute.InputContext], tf.data.Dataset]


def distributed_dataset(
    strategy: tf.distribute.Strategy, dataset_fn: DatasetFn
) -> tf.distribute.DistributedDataset:
    """Returns what to iterate over for `strategy.run`: one element for each local replica."""

    def dataset_of(context: tf.distribute.InputContext) -> tf.data.Dataset:
        return untuned(dataset_fn(context))

    devices = strategy.extended.worker_devices
    if all("CPU" in device.upper() for device in devices):
        # TensorFlow's distributed iterators copy to devices through datasets of their own, which
        # are tuned. On a host's CPUs there is nothing to copy.
        return _CpuReplicas(dataset_of(Hosts(strategy).input_context()), len(devices))
    return strategy.distribute_datasets_from_function(dataset_of)


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset without tf.data's autotuning: tasks state their parallelism.

    Dropping an iterator would wait for its tuning thread's next round, up to a minute, at each
    evaluation and at the end of a run.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


class _CpuReplicas:
    """Iterates over groups of one dataset element for each of several CPU replicas."""

    def __init__(self, dataset: tf.data.Dataset, replicas: int):
        self._dataset = dataset
        self._replicas = replicas

    def __iter__(self):
        return _CpuIterator(iter(self._dataset), self._replicas)


class _CpuIterator:
    def __init__(self, iterator, replicas: int):
        self._iterator = iterator
        self._replicas = replicas

    def __iter__(self):
        return self

    def __next__(self):
        elements = [next(self._iterator) for _ in range(self._replicas)]
        if self._replicas == 1:
            return elements[0]
        return tf.nest.map_structure(lambda *values: per_replica(values), *elements)
