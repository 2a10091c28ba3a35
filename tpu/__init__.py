"""Where and how a run executes: devices, precision, the one training loop, checkpoints."""

from __future__ import annotations

import importlib

_MODULES = {
    "BatchPlan": "loop.batch_plan",
    "CheckpointError": "folder.checkpoints",
    "Checkpoints": "folder.checkpoints",
    "Cluster": "hosts.cluster",
    "FitOptions": "loop.fit_options",
    "Observer": "loop.observer",
    "Outcome": "loop.fit_options",
    "PeerFolder": "folder.run_folder",
    "PeerLost": "hosts.cluster",
    "RunFolder": "folder.run_folder",
    "RunFolderError": "folder.run_folder",
    "Task": "loop.task",
    "configure_devices": "hosts.devices",
    "distributed_dataset": "loop.inputs",
    "fit": "loop.fit",
    "restore_model": "folder.checkpoints",
    "without_autograph": "loop.without_autograph",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str):
    # TensorFlow takes seconds to import; a name is fetched from its module when it is first used.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__():
    return sorted([*globals(), *__all__])
