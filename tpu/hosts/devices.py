"""Devices, strategies, precision and determinism: everything set before the first tensor."""

from __future__ import annotations

import tensorflow as tf

from largebatch.tpu.hosts.cluster import PEER_TIMEOUT, Cluster
from largebatch.tpu.hosts.hosts_strategy import hosts_strategy

DEVICES = ("auto", "tpu", "gpu", "cpu")


def configure_devices(
    device: str = "auto",
    num_devices: int | None = None,
    tpu: str | None = None,
    cluster: Cluster | None = None,
    peer_timeout: float = PEER_TIMEOUT,
) -> tf.distribute.Strategy:
    """Returns the strategy for a device kind; call it before any other TensorFlow operation.

    Args:
      device: `tpu`, `gpu`, `cpu`, or `auto`: a TPU if `tpu` names one, else GPUs if there are
        any, else the CPU.
      num_devices: Replicas; None takes one CPU device, or all GPUs. More than one on a CPU makes
        logical devices: the same arithmetic as so many chips, on one machine.
      tpu: The TPU's name or address, or `local` on a TPU VM.
      cluster: The hosts that run together, each with all its GPUs or with its CPU as one replica.
      peer_timeout: Seconds to wait for the other hosts to start, and for one that stands still.

    Raises:
      ValueError: If what is asked for is not there.
      PeerLost: If another host does not start.
    """
    if device not in DEVICES:
        raise ValueError(f"--device={device} is not one of {', '.join(DEVICES)}")
    if num_devices is not None and num_devices < 1:
        raise ValueError(f"--num_devices={num_devices}: at least 1 is needed")
    gpus = tf.config.list_physical_devices("GPU")
    if device == "auto":
        device = "tpu" if tpu else "gpu" if gpus else "cpu"
    if device == "tpu":
        if cluster is not None:
            raise ValueError(
                "--device=tpu with --workers: the hosts of a TPU find each other; leave --workers, "
                "--worker_index and TF_CONFIG out"
            )
        return _tpu_strategy(tpu, num_devices)
    if cluster is not None:
        return hosts_strategy(device, gpus, num_devices, cluster, peer_timeout)
    if device == "gpu":
        return _gpu_strategy(gpus, num_devices)
    return _cpu_strategy(num_devices or 1)


def _tpu_strategy(tpu: str | None, num_devices: int | None) -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=tpu or "local")
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, tf.errors.OpError, RuntimeError) as error:
        (first, *_) = [*str(error).strip().splitlines(), type(error).__name__]
        raise ValueError(
            f"--device=tpu: no TPU could be initialised for --tpu={tpu or 'local'} ({first}); give "
            "the TPU's name, or `local` on a TPU VM"
        ) from error
    strategy = tf.distribute.TPUStrategy(resolver)
    if num_devices not in (None, strategy.num_replicas_in_sync):
        raise ValueError(
            f"--num_devices={num_devices}: this TPU has {strategy.num_replicas_in_sync} cores and "
            "a run uses all of them; leave the flag out"
        )
    return strategy


def _gpu_strategy(gpus: list, num_devices: int | None) -> tf.distribute.Strategy:
    wanted = num_devices or max(len(gpus), 1)
    if len(gpus) < wanted:
        raise ValueError(
            f"--device=gpu: {wanted} wanted, {len(gpus)} found; use fewer --num_devices, or "
            "--device=cpu"
        )
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if wanted == 1:
        return tf.distribute.OneDeviceStrategy("/gpu:0")
    return tf.distribute.MirroredStrategy([f"/gpu:{i}" for i in range(wanted)])


def _cpu_strategy(num_devices: int) -> tf.distribute.Strategy:
    tf.config.set_visible_devices([], "GPU")
    if num_devices == 1:
        return tf.distribute.OneDeviceStrategy("/cpu:0")
    (cpu, *_) = tf.config.list_physical_devices("CPU")
    configured = tf.config.get_logical_device_configuration(cpu) or []
    if len(configured) < num_devices:
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * num_devices
        )
    # The collective reduction keeps one size of group a process; this one allows any number.
    return tf.distribute.MirroredStrategy(
        [f"/cpu:{i}" for i in range(num_devices)],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def configure_threads(threads: int | None) -> None:
    """Limits TensorFlow to so many cores; None leaves it all of them."""
    if threads is not None:
        if threads < 1:
            raise ValueError(f"--threads={threads}: at least 1 is needed")
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def configure_precision(precision: str) -> None:
    """Sets Keras' policy: `bfloat16` computes in bfloat16 and keeps weights and loss in float32.

    Raises:
      ValueError: If the precision is neither `float32` nor `bfloat16`.
    """
    policies = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
    if precision not in policies:
        raise ValueError(f"precision={precision} is not one of {', '.join(policies)}")
    tf.keras.mixed_precision.set_global_policy(policies[precision])


def seed_everything(seed: int, deterministic: bool) -> None:
    """Seeds Python, NumPy and TensorFlow; `deterministic` also asks for deterministic kernels."""
    tf.keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
