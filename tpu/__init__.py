"""Where and how a run executes: devices, precision, the one training loop, checkpoints."""

from __future__ import annotations

import importlib

_HOME = {
    "BatchPlan": "batch_plan",
    "CheckpointError": "checkpoints",
    "Checkpoints": "checkpoints",
    "Cluster": "cluster",
    "FitOptions": "outer_loop",
    "Observer": "observer",
    "Outcome": "outer_loop",
    "PeerFolder": "run_folder",
    "PeerLost": "cluster",
    "RunFolder": "run_folder",
    "RunFolderError": "run_folder",
    "Task": "task",
    "configure_devices": "devices",
    "distributed_dataset": "inputs",
    "fit": "outer_loop",
    "restore_model": "checkpoints",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    # TensorFlow takes seconds to import; a name is fetched from its module when it is first used.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__():
    return sorted([*globals(), *__all__])
