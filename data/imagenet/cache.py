"""Copies of remote shards on a local disk, made when they are first read."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from pathlib import Path

import tensorflow as tf

from largebatch.data.files import cache, storage
from largebatch.data.imagenet import counts


class ShardCache:
    """A folder with the shards that this machine's processes have read.

    A copy appears whole, once its length and its number of records are right; processes that want
    the same one wait for one of them. From then on the source is not touched, and what is read of
    the copy is checked as what is read of any shard. A copy is never given up: remove the folder
    when its space is needed, or the source has changed. Where the disk is full, the source is read.

    Args:
      folder: is made where it is not there; all shards together are as large as at their source.
    """

    def __init__(self, folder: str):
        self._folder = Path(folder).expanduser()
        self._lock = threading.Lock()
        self._warned = False

    def local(self, path: tf.Tensor, total: tf.Tensor) -> tf.Tensor:
        """For a shard's path, string [], and its number of records: the path to read it from."""

        def copied(path, total):
            return self.copied(path.decode(), int(total)).encode()

        return tf.ensure_shape(tf.numpy_function(copied, [path, total], tf.string), [])

    def copied(self, source: str, total: int) -> str:
        """The path of the copy; of the source, where it cannot be copied.

        Raises:
          ValueError: the folder cannot be written.
        """
        whole = source if storage.is_remote(source) else os.path.realpath(source)
        digest = hashlib.sha256(whole.encode()).hexdigest()[:12]
        copy = self._folder / f"{digest}-{os.path.basename(source)}"
        if not copy.exists():
            with cache.locked(self._folder, copy.name):
                if not copy.exists():  # another process may have made it while this one waited
                    return self._copy(source, str(copy), total)
        return str(copy)

    def _copy(self, source: str, copy: str, total: int) -> str:
        storage.remove_temporaries(copy)
        scratch = storage.temporary(copy)
        try:
            tf.io.gfile.copy(source, scratch)
            if os.path.getsize(scratch) == storage.size(source):
                # Another number of records is the source's fault: its reader says so.
                if counts.count_file(scratch) == total:
                    os.replace(scratch, copy)
                    return copy
        except (OSError, ValueError, tf.errors.OpError) as error:
            self._warn(source, error)
        storage.remove(scratch)
        return source

    def _warn(self, source: str, error: Exception) -> None:
        with self._lock:
            first, self._warned = not self._warned, True
        if first:
            reason = storage.reason(error)
            logging.warning(
                "%s is not kept in %s (%s); read in place", source, self._folder, reason
            )
