"""What is found wrong with a run before anything is made and before TensorFlow is loaded."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Mapping

from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tasks import workload
from largebatch.tpu.hosts.cluster import Cluster

RELEASED_ROW = "table1/baseline"
# Where a machine's own devices show, so far as TensorFlow's builds can use them.
TPU_FILES = ("/dev/accel*", "/dev/vfio/[0-9]*")
GPU_FILES = ("/dev/nvidia[0-9]*", "/dev/nvhost-*", "/dev/nvgpu*", "/dev/dxg", "/dev/kfd")


def check(row: Row, settings: RunSettings, environment: Mapping[str, str]) -> Cluster | None:
    """Returns the hosts that run together, None for one alone.

    Raises:
      ValueError: The flags do not fit the row, each other, this machine or the data that are there.
    """
    cluster = Cluster.find(settings.workers, settings.worker_index, environment)
    _check_chain(row, settings, cluster)
    check_device(settings.device, settings.tpu)
    if settings.squad_dir and "://" not in settings.squad_dir:
        if not os.path.exists(settings.squad_dir):
            raise UserError(
                f"SQuAD's file or folder --squad_dir={settings.squad_dir} does not exist"
            )
    if not settings.init_checkpoint:
        workload.check_folder(row, settings.data_dir)
    return cluster


def check_device(device: str, tpu: str | None) -> None:
    """Raises UserError: the machine has no device of that kind."""
    if not sys.platform.startswith("linux"):
        return
    if device == "tpu" and tpu in (None, "local") and not _there(TPU_FILES):
        raise UserError(
            "--device=tpu: this machine has no TPU (no /dev/accel*, no /dev/vfio/N); name one by "
            "--tpu, or run on a TPU VM"
        )
    if device == "gpu" and not _there(GPU_FILES):
        raise UserError("--device=gpu: this machine has no GPU (no /dev/nvidia*); use --device=cpu")


def _there(patterns: tuple[str, ...]) -> bool:
    return any(glob.glob(pattern) for pattern in patterns)


def _check_chain(row: Row, settings: RunSettings, cluster: Cluster | None) -> None:
    """Refuses flags that do not fit the row or each other."""
    if settings.squad_dir and cluster is not None:
        raise UserError(
            "--squad_dir with several hosts: fine-tune afterwards, by the same command on one host"
        )
    if settings.init_checkpoint:
        if row.name != RELEASED_ROW:
            raise UserError(
                f"--init_checkpoint is for {RELEASED_ROW}, whose F1 the paper took from the "
                f"released model; {row.name} is pre-trained by its own recipe"
            )
        if not settings.squad_dir:
            raise UserError("--init_checkpoint needs --squad_dir: there is nothing else to run")
    elif settings.lower_case is not None:
        raise UserError("--lower_case is for --init_checkpoint; text of one's own has its shards'")
    if settings.squad_dir and row.task != "pretraining":
        raise UserError(f"--squad_dir: {row.name} has no text to be fine-tuned on")
