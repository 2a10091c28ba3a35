"""TFRecord files, written many records at once, without TensorFlow.

A record is its length, uint64, that length's masked CRC32C, the content, and the content's masked
CRC32C: https://www.tensorflow.org/tutorials/load_data/tfrecord.
"""

from __future__ import annotations

from collections.abc import Sequence

import google_crc32c
import numpy as np

from largebatch.data.files.record_checksum import FOOTER, HEADER

_MASK_DELTA = np.uint32(0xA282EAD8)


def new_rows(count: int, longest: int) -> np.ndarray:
    """uint8 [count, W], zeros, with room for a record of up to `longest` bytes in each row."""
    return np.zeros((count, HEADER + longest + FOOTER), np.uint8)


def framed(rows: np.ndarray, lengths: np.ndarray) -> bytes:
    """The records as a file holds them, one after the other.

    Args:
      rows: of `new_rows`, with contents from column HEADER on.
      lengths: integers [N], of the contents.
    """
    content, ends = rows.tobytes(), HEADER + np.asarray(lengths)
    begins = np.arange(len(rows), dtype=np.int64) * rows.shape[1]
    places = zip((begins + HEADER).tolist(), (begins + ends).tolist())
    contents = [content[start:end] for start, end in places]
    heads = [int(length).to_bytes(8, "little") for length in lengths]
    parts = zip(heads, _masked(heads), contents, _masked(contents))
    return b"".join([part for record in parts for part in record])


def _masked(contents: Sequence[bytes]) -> list[bytes]:
    crc = np.fromiter(map(google_crc32c.value, contents), np.uint32, len(contents))
    crc = (crc >> np.uint32(15) | crc << np.uint32(17)) + _MASK_DELTA
    stored = crc.astype("<u4").tobytes()
    return [stored[place : place + 4] for place in range(0, len(stored), 4)]


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
