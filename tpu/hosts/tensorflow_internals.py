"""The private names of TensorFlow and orbit that runs use, each with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.distribute import multi_worker_util
from tensorflow.python.distribute.values import PerReplica
from tensorflow.python.eager import context


def per_replica(values: Sequence[Any]) -> Any:
    """One value for each local replica, as `strategy.run` takes them: the class is not public."""
    return PerReplica(values)


def configure_coordination(
    spec: tf.train.ClusterSpec, hosts: int, *, register: float, heartbeat: float, shutdown: float
) -> None:
    """How long hosts wait for each other, in seconds: no public option says so.

    TensorFlow would wait an hour for a host that dies before it has registered.
    """
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader=multi_worker_util.coordination_leader(spec),
        cluster_register_timeout_in_ms=int(register * 1000),
        heartbeat_timeout_in_ms=int(heartbeat * 1000),
        shutdown_barrier_timeout_in_ms=int(shutdown * 1000),
        coordinated_jobs=[
            # Its own module was moved from TensorFlow to XLA between 2.15 and 2.20.
            context.coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=hosts)
        ],
    )


def log_orbit_to(log: Callable[[str], None]) -> None:
    """Orbit prints every line of its log as well; the progress bar is what a person reads."""
    import orbit

    orbit.controller._log = log
