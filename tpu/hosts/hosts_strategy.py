"""MultiWorkerMirroredStrategy, made so that a host that is missing or dies ends the others."""

from __future__ import annotations

import signal

import tensorflow as tf

from largebatch.tpu.hosts.cluster import Cluster, PeerLost, wait_for_peers
from largebatch.tpu.hosts.tensorflow_internals import configure_coordination

# A host that sends no sign of life for so long is taken for dead by the others.
HEARTBEAT_SECONDS = 10
SHUTDOWN_SECONDS = 5


def hosts_strategy(
    device: str, gpus: list, num_devices: int | None, cluster: Cluster, peer_timeout: float
) -> tf.distribute.Strategy:
    """Joins the other hosts; each brings all its GPUs, or its CPU as one replica.

    Raises:
      ValueError: For devices that are not there.
      PeerLost: If another host does not start within `peer_timeout` seconds.
    """
    _choose_devices(device, gpus, num_devices)
    wait_for_peers(cluster, peer_timeout)
    spec = tf.train.ClusterSpec({"worker": list(cluster.workers)})
    configure_coordination(
        spec,
        len(cluster.workers),
        register=peer_timeout,
        heartbeat=HEARTBEAT_SECONDS,
        shutdown=SHUTDOWN_SECONDS,
    )
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        spec,
        task_type="worker",
        task_id=cluster.index,
        num_accelerators={"GPU": len(gpus)} if device == "gpu" else {},
        rpc_layer="grpc",
    )
    before = signal.getsignal(signal.SIGTERM)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(
            resolver,
            communication_options=tf.distribute.experimental.CommunicationOptions(
                timeout_seconds=peer_timeout
            ),
        )
    except tf.errors.OpError as error:
        raise PeerLost(
            f"the hosts {', '.join(cluster.workers)} did not come together ({error.message})"
        ) from error
    finally:
        # TensorFlow's preemption notice would swallow a SIGTERM from here on.
        signal.signal(signal.SIGTERM, before)


def _choose_devices(device: str, gpus: list, num_devices: int | None) -> None:
    if device == "gpu":
        if not gpus or num_devices not in (None, len(gpus)):
            raise ValueError(
                f"--device=gpu with --workers: {len(gpus)} GPUs on this host, and a run takes all "
                "of them; leave --num_devices out, or hide some by CUDA_VISIBLE_DEVICES"
            )
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        return
    if num_devices not in (None, 1):
        raise ValueError(
            f"--num_devices={num_devices} with --workers: each host's CPU is one device; leave it "
            "out"
        )
    tf.config.set_visible_devices([], "GPU")
