"""Many pre-training examples as the bytes of tf.train.Example at once.

The bytes are those of `tf.train.Example(...).SerializeToString(deterministic=True)`: features in
the order of their names, integers as packed varints. Given the sequence length L and P predictions,
the bytes of two examples differ in their layout only in how many each varint takes. So a feature's
bytes are written to all examples at once, each at its own place.
"""

from __future__ import annotations

import numpy as np

from largebatch.data.files import record_writer
from largebatch.data.files.record_checksum import HEADER

FEATURES = (
    "input_ids",
    "input_mask",
    "masked_lm_ids",
    "masked_lm_positions",
    "masked_lm_weights",
    "next_sentence_labels",
    "segment_ids",
)
_FLOAT_LIST, _INT64_LIST = b"\x12", b"\x1a"  # Feature's fields 2 and 3


class ExampleEncoder:
    """Encodes batches of examples of one sequence length and number of predictions."""

    def __init__(self, sequence_length: int, max_predictions: int, vocabulary_size: int):
        counts = dict.fromkeys(FEATURES, sequence_length)
        counts.update(dict.fromkeys(("masked_lm_ids", "masked_lm_positions"), max_predictions))
        counts.update(masked_lm_weights=4 * max_predictions, next_sentence_labels=1)
        largest = dict.fromkeys(FEATURES, 1)  # one byte a value, or a quarter of a float
        largest.update(dict.fromkeys(("input_ids", "masked_lm_ids"), vocabulary_size - 1))
        largest.update(masked_lm_positions=sequence_length - 1)
        self._varints = {name: _Varints(largest[name]) for name in FEATURES}
        most = {name: self._varints[name].size * counts[name] for name in FEATURES}  # bytes
        self._prefixes = {
            name: _Table([_prefix(name, size) for size in range(count, most[name] + 1)], count)
            for name, count in counts.items()
        }
        longest = sum(prefix.width + most[name] for name, prefix in self._prefixes.items())
        self._beginnings = _Table([_tagged(size) for size in range(longest + 1)], 0)
        self._longest = self._beginnings.width + longest
        self._rows = record_writer.new_rows(0, self._longest)

    def encode(self, features: dict) -> tuple[np.ndarray, np.ndarray]:
        """(rows for `record_writer.framed`, int64 [N], the lengths of the examples in them).

        The rows are used again by the next call.

        Args:
          features: name -> integers [N, L], [N, P] or [N, 1]; masked_lm_weights float32 [N, P].
        """
        count = len(features["input_ids"])
        if len(self._rows) < count:
            self._rows = record_writer.new_rows(count, self._longest)
        rows = self._rows[:count]
        rows.fill(0)
        values = dict(features)
        weights = np.ascontiguousarray(features["masked_lm_weights"], "<f4")
        values["masked_lm_weights"] = weights.view(np.uint8)
        sizes, ends = {}, {}
        for name in FEATURES:
            ends[name] = self._varints[name].ends(values[name])
            sizes[name] = ends[name][:, -1].astype(np.int64)
        prefixes = {name: self._prefixes[name].of(sizes[name]) for name in FEATURES}
        total = sum(prefixes[name][1] + sizes[name] for name in FEATURES)

        starts = np.arange(count, dtype=np.int64) * rows.shape[1] + HEADER
        place = starts
        # From left to right: a block may be wider than what it holds, and the next one covers that.
        blocks, lengths = self._beginnings.of(total)
        record_writer.put(rows, place, blocks)
        place = place + lengths
        for name in FEATURES:
            blocks, lengths = prefixes[name]
            record_writer.put(rows, place, blocks)
            place = place + lengths
            self._varints[name].put(rows, place, values[name], ends[name])
            place = place + sizes[name]
        return rows, place - starts


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _tagged(size: int, tag: bytes = b"\x0a") -> bytes:
    """What stands before so many bytes of a nested message, or of packed values: field 1."""
    return tag + _varint(size)


def _prefix(name: str, size: int) -> bytes:
    """What stands before so many bytes of a feature's values."""
    found = _tagged(size)  # the list's packed values
    kind = _FLOAT_LIST if name == "masked_lm_weights" else _INT64_LIST
    found = _tagged(len(found) + size, kind) + found
    found = _tagged(len(found) + size, b"\x12") + found  # the map entry's value
    found = _tagged(len(name)) + name.encode() + found  # and its key
    return _tagged(len(found) + size) + found  # Features.feature, a map's entry


class _Table:
    """Byte strings by the numbers `first`, `first` + 1, ...: short ones are padded with zeros."""

    def __init__(self, strings: list[bytes], first: int):
        self._first = first
        self.width = max(map(len, strings))
        padded = b"".join(string.ljust(self.width, b"\0") for string in strings)
        self._blocks = np.frombuffer(padded, np.uint8).reshape(-1, self.width)
        self._lengths = np.array(list(map(len, strings)), np.int64)

    def of(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(uint8 [N, width], int64 [N], how much of each is the string)."""
        index = numbers - self._first
        return self._blocks[index], self._lengths[index]


class _Varints:
    """Rows of numbers up to `largest`, as varints of up to `size` bytes."""

    def __init__(self, largest: int):
        self.size = len(_varint(largest))
        numbers = np.arange(largest + 1)
        # tables[k]: each number's byte k, had it that many.
        self._tables = [
            (numbers >> 7 * k & 0x7F | np.where(numbers >> 7 * (k + 1), 0x80, 0)).astype(np.uint8)
            for k in range(self.size)
        ]
        # Used again by each call: the system takes longer to hand out memory than this to fill it.
        self._places, self._octets = np.zeros((0, 0), np.int64), np.zeros((0, 0), np.uint8)

    def ends(self, values: np.ndarray) -> np.ndarray:
        """int32: of integers [N, n], where in its row's bytes each ends."""
        if self.size == 1:
            return np.broadcast_to(np.arange(1, values.shape[1] + 1, dtype=np.int32), values.shape)
        used = np.ones(values.shape, np.uint8)
        for k in range(1, self.size):
            used += values >= 1 << 7 * k
        return np.cumsum(used, axis=1, dtype=np.int32)

    def put(
        self, rows: np.ndarray, place: np.ndarray, values: np.ndarray, ends: np.ndarray
    ) -> None:
        """Writes each row of values, integers [N, n], from its place on."""
        if self.size == 1:
            record_writer.put(rows, place, values.astype(np.uint8))
            return
        # Byte k of all numbers, the highest k first: where a number has no such byte, that of a
        # lower k of a number behind it is written there later.
        if self._places.shape[0] < len(ends):
            self._places, self._octets = np.empty(ends.shape, np.int64), np.empty_like(ends, "u1")
        places, octets = self._places[: len(ends)], self._octets[: len(ends)]
        places[:, 0] = place
        np.add(ends[:, :-1], place[:, None], out=places[:, 1:])
        flat = rows.reshape(-1)
        for k in range(self.size - 1, 1, -1):  # which few numbers have
            few = values >= 1 << 7 * k
            flat[places[few] + k] = self._tables[k].take(values[few])
        places += 1
        flat[places] = self._tables[1].take(values, out=octets, mode="wrap")
        places -= 1
        flat[places] = self._tables[0].take(values, out=octets, mode="wrap")
