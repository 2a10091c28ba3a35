"""CRC32C, the checksum of TFRecord files, of many byte strings at once.

https://www.tensorflow.org/tutorials/load_data/tfrecord; RFC 3720, section 12.1: the reflected
polynomial 0x82F63B78, a register that begins as ones and ends inverted. Python has no CRC32C, and
TensorFlow's takes seconds to import.

Each row is divided into a few lanes that are worked on side by side, four bytes of all lanes at a
time. A step of the register is linear over GF(2), so that it is a look-up for each half; so is a
step over n zero bytes, which joins the lanes, and its inverse, which removes a row's padding.
"""

from __future__ import annotations

import functools

import numpy as np

_POLYNOMIAL = 0x82F63B78
_ONES = 0xFFFFFFFF
_SIDE_BY_SIDE = 4096  # lanes: enough for NumPy's overhead to be small, few enough for a cache
_MASK_DELTA = 0xA282EAD8


def masked(rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The masked CRC32C of the first `lengths` bytes of each row, uint32 [N].

    Args:
      rows: uint8 [N, W], zeros from a row's length on; W is a multiple of 4.
      lengths: integers [N], at most W.
    """
    count = len(rows)
    if not count:
        return np.zeros(0, np.uint32)
    words = max(1, -(-int(lengths.max()) // 4))
    lanes = max(1, min(words, _SIDE_BY_SIDE // count))
    steps = -(-words // lanes)
    whole = np.zeros((count, lanes * steps), "<u4")
    whole[:, :words] = rows[:, : 4 * words].view("<u4")
    columns = np.ascontiguousarray(whole.reshape(count, lanes, steps).transpose(2, 1, 0))

    register = np.zeros((lanes, count), np.uint32)
    register[0] = _ONES
    low, high = _word_tables()
    halves = register.view(np.uint16)  # of a little-endian machine, as all that TensorFlow runs on
    for column in columns:
        register ^= column
        after = low.take(halves[:, 0::2], mode="wrap")
        np.bitwise_xor(after, high.take(halves[:, 1::2], mode="wrap"), out=register)

    joined, lane = register[0], _lane_tables(4 * steps)
    for following in register[1:]:
        joined = _applied(lane, joined) ^ following
    padding = 4 * lanes * steps - np.asarray(lengths, np.int64)
    for bit in range(int(padding.max()).bit_length()):
        odd = (padding >> bit & 1).astype(bool)
        joined = np.where(odd, _applied(_inverse_tables(bit), joined), joined)
    crc = joined ^ np.uint32(_ONES)
    return (crc >> np.uint32(15) | crc << np.uint32(17)) + np.uint32(_MASK_DELTA)


def _applied(tables: np.ndarray, register: np.ndarray) -> np.ndarray:
    """A linear function of the register, uint32 [N]; tables: uint32 [4, 256], of its bytes."""
    octets = np.ascontiguousarray(register).view(np.uint8)
    found = tables[0].take(octets[0::4])
    for place in range(1, 4):
        found ^= tables[place].take(octets[place::4])
    return found


@functools.cache
def _byte_table() -> np.ndarray:
    """uint32 [256]: eight steps of a bit."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = table >> 1 ^ np.where(table & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    return table


def _after_zero(register: np.ndarray) -> np.ndarray:
    return register >> 8 ^ _byte_table()[register & 0xFF]


def _before_zero(register: np.ndarray) -> np.ndarray:
    """The inverse: a table's entry is known by its highest byte."""
    table = _byte_table()
    index = np.argsort(table >> 24).astype(np.uint32)[register >> 24]
    return (register ^ table[index]) << np.uint32(8) | index


@functools.cache
def _word_tables() -> tuple[np.ndarray, np.ndarray]:
    """uint32 [65536] each: four bytes' steps of a register with only its low, its high half."""
    half = np.arange(1 << 16, dtype=np.uint32)
    found = []
    for register in (half, half << np.uint32(16)):
        for _ in range(4):
            register = _after_zero(register)
        found.append(register)
    return found[0], found[1]


def _single_bytes() -> np.ndarray:
    """uint32 [4, 256]: registers with one byte that is not zero."""
    return np.arange(256, dtype=np.uint32) << 8 * np.arange(4, dtype=np.uint32)[:, None]


@functools.lru_cache(maxsize=64)
def _lane_tables(count: int) -> np.ndarray:
    """Tables of so many zero bytes after the register."""
    tables = _single_bytes()
    for bit in range(count.bit_length()):
        if count >> bit & 1:
            tables = _applied(_power_tables(bit), tables.ravel()).reshape(4, 256)
    return tables


@functools.cache
def _power_tables(bit: int) -> np.ndarray:
    """Tables of 2^bit zero bytes after the register."""
    if not bit:
        return _after_zero(_single_bytes())
    before = _power_tables(bit - 1)
    return _applied(before, before.ravel()).reshape(4, 256)


@functools.cache
def _inverse_tables(bit: int) -> np.ndarray:
    """Tables of 2^bit zero bytes less."""
    if not bit:
        return _before_zero(_single_bytes())
    before = _inverse_tables(bit - 1)
    return _applied(before, before.ravel()).reshape(4, 256)
