"""One process at a time in a run's folder: a lock of the system here, a heartbeat elsewhere."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import TextIO

from largebatch.tpu.folder.paths import AnyPath, RemotePath, write_whole

NAME = ".lock"
HEARTBEAT = 20.0  # seconds between two signs of life in a remote lock


class RunFolderError(ValueError):
    """The folder cannot be used for this run; the message says why and what to do."""


def folder_lock(folder: AnyPath) -> LocalLock | RemoteLock:
    return RemoteLock(folder) if isinstance(folder, RemotePath) else LocalLock(folder)


class LocalLock:
    """flock: freed by the system however the process ends."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._file: TextIO | None = None

    def acquire(self) -> None:
        """Raises RunFolderError where another process holds it, OSError where it cannot be made."""
        self._file = open(self._folder / NAME, "a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "another process"
            self._file.close()
            raise _in_use(self._folder, holder) from error
        try:
            there = os.stat(self._folder / NAME)
        except FileNotFoundError:
            there = None
        if there is None or not os.path.samestat(there, os.fstat(self._file.fileno())):
            self._file.close()
            raise _in_use(self._folder, "a process that is just removing it")
        self._file.truncate(0)
        self._file.write(_this_process())
        self._file.flush()

    def check(self) -> None:
        """Held until it is released."""

    def release(self) -> None:
        self._file.close()


class RemoteLock:
    """A small object that its holder rewrites every HEARTBEAT seconds; advisory.

    Object stores have no locks that die with their holder, and TensorFlow's file systems no
    create-if-absent. So, without trust in any clock but this process's own:
      a lock that changes while it is watched for three heartbeats is held: refused;
      one that does not change was left by a process that died: taken over, and said;
      of two that take it in the same moment the last writer has it: both read it back;
      a holder that finds another's mark in it (it stood still so long that it was taken for dead)
      has lost it: `check` raises before the next record is written.
    """

    def __init__(self, folder: RemotePath, heartbeat: float = HEARTBEAT):
        self._folder = folder
        self._path = folder / NAME
        self._heartbeat = heartbeat
        self._token = uuid.uuid4().hex
        self._beats = 0
        self._taken_by: str | None = None
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, daemon=True)

    def acquire(self) -> None:
        """Raises RunFolderError where another process holds it, OSError where it cannot be made."""
        found = self._read()
        if found is not None:
            self._watch(found)
        self._write()
        time.sleep(self._heartbeat / 10)  # longer than between another's look and its write
        found = self._read()
        if found is None or found["token"] != self._token:
            raise _in_use(self._folder, found["holder"] if found else "another process")
        self._thread.start()

    def check(self) -> None:
        """Raises RunFolderError where the lock has been lost to another process."""
        if self._taken_by is not None:
            raise RunFolderError(
                f"--output_dir={self._folder} was taken over by {self._taken_by} while this "
                "process stood still; it goes on there"
            )

    def release(self) -> None:
        self._released.set()
        self._thread.join(timeout=self._heartbeat)
        found = self._read()
        if found is not None and found["token"] == self._token:
            self._path.unlink(missing_ok=True)

    def _watch(self, found: dict) -> None:
        patience = 3 * self._heartbeat
        print(
            f"{self._folder} was left locked by {found['holder']}: watching for {patience:.0f} s "
            "whether it is still at work",
            file=sys.stderr,
        )
        until = time.monotonic() + patience
        while time.monotonic() < until:
            time.sleep(self._heartbeat / 4)
            now = self._read()
            if now is None:
                return
            if now != found:
                raise _in_use(self._folder, now["holder"])
        print("it is not: going on in its place", file=sys.stderr)

    def _keep_alive(self) -> None:
        while not self._released.wait(self._heartbeat):
            try:
                found = self._read()
                if found is not None and found["token"] is None:
                    continue  # Half of what another writes; the next look sees the whole.
                if found is not None and found["token"] != self._token:
                    self._taken_by = found["holder"]
                    return
                self._write()
            except OSError:
                continue  # The network; three beats have to fail before anybody may take over.

    def _read(self) -> dict | None:
        """What the lock says, None without one; a garbled one has the token None."""
        try:
            found = json.loads(self._path.read_text())
            return {**found, "token": found["token"], "holder": found["holder"]}
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            return {"token": None, "holder": "an unknown process", "beats": 0}

    def _write(self) -> None:
        self._beats += 1
        mine = {"token": self._token, "holder": _this_process(), "beats": self._beats}
        write_whole(self._path, json.dumps(mine), mark=self._token)


def _this_process() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _in_use(folder: AnyPath, holder: str) -> RunFolderError:
    return RunFolderError(
        f"--output_dir={folder} is in use by {holder}; wait for it, stop it, or give another folder"
    )
