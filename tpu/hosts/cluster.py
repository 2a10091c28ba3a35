"""The hosts of a run that several drive together: who they are, and waiting until all are there.

Nothing here imports TensorFlow: its own start-up waits forever for a peer, ignoring SIGTERM.
"""

from __future__ import annotations

import dataclasses
import json
import re
import socket
import time
from collections.abc import Mapping, Sequence

PEER_TIMEOUT = 300.0  # seconds
_ADDRESS = re.compile(r"[^\s:/,]+:\d{1,5}")


class PeerLost(RuntimeError):
    """Another host of the run did not come, or is gone; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Cluster:
    """All hosts' addresses, host:port, in the same order on each, and which of them this one is.

    The first is the chief: it alone writes the run's folder, which all must reach by one path.
    """

    workers: tuple[str, ...]
    index: int

    def __post_init__(self):
        for address in self.workers:
            if not _ADDRESS.fullmatch(address) or not 0 < int(address.rpartition(":")[2]) < 65536:
                raise ValueError(f"--workers: {address!r} found, want host:port")
        doubles = {address for address in self.workers if self.workers.count(address) > 1}
        if doubles:
            raise ValueError(f"--workers: {min(doubles)} stands there twice")
        if not 0 <= self.index < len(self.workers):
            raise ValueError(
                f"--worker_index={self.index}: want 0 to {len(self.workers) - 1}, there are "
                f"{len(self.workers)} --workers"
            )

    @property
    def is_chief(self) -> bool:
        return self.index == 0

    @property
    def address(self) -> str:
        return self.workers[self.index]

    @classmethod
    def find(
        cls, workers: Sequence[str] | None, index: int | None, environment: Mapping[str, str]
    ) -> Cluster | None:
        """The cluster that flags name, else TF_CONFIG's; None for one host on its own.

        Raises:
          ValueError: For half of the flags, or a TF_CONFIG that this suite has no use for.
        """
        if (workers is None) != (index is None):
            raise ValueError("--workers and --worker_index go together: give both or neither")
        if workers is not None:
            found = cls(tuple(workers), index)
        elif environment.get("TF_CONFIG", "").strip():
            found = cls._of_tf_config(environment["TF_CONFIG"])
        else:
            return None
        return found if len(found.workers) > 1 else None

    @classmethod
    def _of_tf_config(cls, text: str) -> Cluster:
        try:
            config = json.loads(text)
            jobs = config.get("cluster", {})
            workers = [*jobs.get("chief", []), *jobs.get("worker", [])]
            if not workers:  # As managed services set it for a single machine.
                return cls(("localhost:1",), 0)
            task = config["task"]
            kind, index = task["type"], int(task["index"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(
                "TF_CONFIG cannot be read: want {'cluster': {'worker': [host:port, ...]}, 'task': "
                "{'type': 'worker', 'index': 0}}; or unset it and give --workers"
            ) from error
        if kind not in ("chief", "worker"):
            raise ValueError(f"TF_CONFIG: this host is a {kind!r}; want a chief or a worker")
        return cls(tuple(workers), index + (len(jobs.get("chief", [])) if kind == "worker" else 0))


def wait_for_peers(cluster: Cluster, timeout: float = PEER_TIMEOUT) -> None:
    """Returns once every other host has been seen listening at its address.

    This host listens at its own address meanwhile, and TensorFlow will right after; so a peer
    that comes later sees one or the other.

    Raises:
      PeerLost: After `timeout` seconds; names the addresses at which nobody answered.
      ValueError: If this host cannot listen at its own address.
    """
    missing = [address for address in cluster.workers if address != cluster.address]
    deadline = time.monotonic() + timeout
    with _listening(cluster.address):
        while True:
            missing = [address for address in missing if not _answers(address)]
            if not missing:
                return
            if time.monotonic() >= deadline:
                raise PeerLost(
                    f"nobody answered at {', '.join(missing)} within {timeout:.0f} s; start the "
                    f"same command there (--worker_index="
                    f"{', '.join(str(cluster.workers.index(address)) for address in missing)}), "
                    "or raise --peer_timeout"
                )
            time.sleep(0.1)


def _listening(address: str) -> socket.socket:
    port = int(address.rpartition(":")[2])
    try:
        return socket.create_server(("", port), backlog=64)
    except OSError as error:
        raise ValueError(
            f"--workers: this host cannot listen at {address} ({error.strerror}); give another "
            "port, or end the process that holds it"
        ) from error


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True
