"""TFRecord files, written many records at once, without TensorFlow.

A record is its length, uint64, that length's masked CRC32C, the content, and the content's masked
CRC32C: https://www.tensorflow.org/tutorials/load_data/tfrecord.
"""

from __future__ import annotations

import numpy as np

from largebatch.data.files import crc32c
from largebatch.data.files.record_checksum import FOOTER, HEADER


def new_rows(count: int, longest: int) -> np.ndarray:
    """uint8 [count, W], zeros, with room for a record of up to `longest` bytes in each row."""
    return np.zeros((count, -(-(HEADER + longest + FOOTER) // 4) * 4), np.uint8)


def framed(rows: np.ndarray, lengths: np.ndarray) -> bytes:
    """The records as a file holds them, one after the other.

    Args:
      rows: of `new_rows`: contents from column HEADER on, zeros behind them. Header and footer are
        written into them.
      lengths: integers [N], of the contents.
    """
    header = np.zeros((len(rows), 8), np.uint8)
    header[:] = np.asarray(lengths, "<u8")[:, None].view(np.uint8)
    rows[:, :8] = header
    lengths_crc = crc32c.masked(header, np.full(len(rows), 8))
    contents_crc = crc32c.masked(rows[:, HEADER:], lengths)
    rows[:, 8:HEADER] = lengths_crc.astype("<u4")[:, None].view(np.uint8)
    starts = np.arange(len(rows), dtype=np.int64) * rows.shape[1]
    ends = starts + HEADER + lengths
    put(rows, ends, contents_crc.astype("<u4")[:, None].view(np.uint8))
    content = memoryview(rows.reshape(-1))
    pairs = zip(starts.tolist(), (ends + FOOTER).tolist())
    return b"".join([content[start:end] for start, end in pairs])


def put(rows: np.ndarray, places: np.ndarray, blocks: np.ndarray) -> None:
    """Copies blocks, uint8 [N, w], to `places`, int64 [N], of the contiguous rows' bytes.

    Raises:
      IndexError: a place from which fewer than w bytes are left.
    """
    if not len(places):
        return
    width = blocks.shape[1]
    # An element of w bytes at each place: an assignment is then one copy a block.
    windows = np.ndarray((rows.size - width + 1,), f"V{width}", rows.data, 0, (1,))
    windows[places] = np.ascontiguousarray(blocks).view(windows.dtype)[:, 0]
