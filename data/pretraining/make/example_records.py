"""Many pre-training examples as the bytes of tf.train.Example at once.

The bytes are those of `tf.train.Example(...).SerializeToString(deterministic=True)`: features in
the order of their names, integers as packed varints. Given the sequence length L and P predictions,
an example's bytes differ in their layout only in how many bytes each varint takes. So all examples
are laid out in one wide matrix in which each varint has the most bytes it may need, and the bytes
that it does not need are dropped at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FEATURES = (
    "input_ids",
    "input_mask",
    "masked_lm_ids",
    "masked_lm_positions",
    "masked_lm_weights",
    "next_sentence_labels",
    "segment_ids",
)
_LENGTH_BYTES = 3  # of a varint that holds a length: up to 2 MiB
_FLOAT_LIST, _INT64_LIST = b"\x12", b"\x1a"  # Feature's fields 2 and 3


class ExampleEncoder:
    """Encodes batches of examples of one sequence length and number of predictions."""

    def __init__(self, sequence_length: int, max_predictions: int, vocabulary_size: int):
        ids, places = _Varints(vocabulary_size), _Varints(sequence_length)
        self._values: dict[
            str, tuple[int, Any]
        ] = {  # name -> (numbers, the bytes of each: as many, or as a table says)
            "input_ids": (sequence_length, ids),
            "input_mask": (sequence_length, 1),
            "masked_lm_ids": (max_predictions, ids),
            "masked_lm_positions": (max_predictions, places),
            "masked_lm_weights": (max_predictions, 4),
            "next_sentence_labels": (1, 1),
            "segment_ids": (sequence_length, 1),
        }
        self._constants, self._lengths, self._spans = [], {}, {}
        self._width = 0
        self._lay_out()
        self._bytes = np.zeros((0, self._width), np.uint8)
        self._kept = np.zeros((0, self._width), bool)

    def _lay_out(self) -> None:
        self._constant(b"\x0a")  # Example.features
        self._length("example")
        for name in FEATURES:
            kind = _FLOAT_LIST if name == "masked_lm_weights" else _INT64_LIST
            self._constant(b"\x0a")  # Features.feature, a map's entry
            self._length(name + "/entry")
            self._constant(b"\x0a" + bytes([len(name)]) + name.encode() + b"\x12")
            self._length(name + "/feature")
            self._constant(kind)
            self._length(name + "/list")
            self._constant(b"\x0a")  # the list's packed values
            self._length(name + "/values")
            count, kind = self._values[name]
            size = kind.size if isinstance(kind, _Varints) else kind
            self._spans[name] = slice(self._width, self._width + count * size)
            self._width += count * size

    def _constant(self, content: bytes) -> None:
        self._constants.append((self._width, np.frombuffer(content, np.uint8)))
        self._width += len(content)

    def _length(self, name: str) -> None:
        self._lengths[name] = slice(self._width, self._width + _LENGTH_BYTES)
        self._width += _LENGTH_BYTES

    def _matrices(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        if len(self._bytes) < rows:
            self._bytes = np.zeros((rows, self._width), np.uint8)
            self._kept = np.ones((rows, self._width), bool)
            for start, content in self._constants:
                self._bytes[:, start : start + len(content)] = content
        return self._bytes[:rows], self._kept[:rows]

    def encode(self, features: dict) -> tuple[bytes, np.ndarray]:
        """(the examples' bytes, one after the other; int64 [N + 1]: where each ends, from 0).

        Args:
          features: name -> integers [N, L], [N, P] or [N, 1]; masked_lm_weights float32 [N, P].
        """
        rows = len(features["input_ids"])
        out, kept = self._matrices(rows)
        sizes = {}
        for name in FEATURES:
            count, kind = self._values[name]
            values, span = features[name], self._spans[name]
            if isinstance(kind, _Varints):
                out[:, span] = kind.bytes.take(values, axis=0).reshape(rows, -1)
                kept[:, span] = kind.needed.take(values, axis=0).reshape(rows, -1)
                sizes[name] = kind.used.take(values).sum(axis=1, dtype=np.int64)
                continue
            if name == "masked_lm_weights":
                values = np.ascontiguousarray(values, "<f4").view(np.uint8)
            out[:, span] = values
            sizes[name] = np.full(rows, count * kind)
        total = self._write_lengths(out, kept, sizes)
        return out[kept].tobytes(), np.concatenate([[0], np.cumsum(total)])

    def _write_lengths(self, out, kept, sizes) -> np.ndarray:
        """Fills in the nested messages' lengths; returns each example's."""

        def write(name: str, values: np.ndarray) -> np.ndarray:
            """Writes a message's length; returns it with that varint and the tag before it."""
            start, used = self._lengths[name].start, np.zeros(len(values), np.int64)
            for place in range(_LENGTH_BYTES):
                shifted = values >> 7 * place
                more = np.where(shifted > 0x7F, 0x80, 0)
                needed = shifted > 0 if place else np.ones(len(values), bool)
                out[:, start + place] = shifted & 0x7F | more
                kept[:, start + place] = needed
                used += needed
            return 1 + used + values

        example = np.zeros(len(out), np.int64)
        for name in FEATURES:
            feature = write(name + "/list", write(name + "/values", sizes[name]))
            entry = 2 + len(name) + write(name + "/feature", feature)
            example += write(name + "/entry", entry)
        return write("example", example)


class _Varints:
    """The varints of the numbers below `count`, as tables.

    size: the most bytes of one; bytes: uint8 [count, size]; needed: bool [count, size], which of
    them are; used: uint8 [count], how many.
    """

    def __init__(self, count: int):
        self.size = max(1, -(-(count - 1).bit_length() // 7))
        numbers = np.arange(count)[:, None] >> 7 * np.arange(self.size)
        self.needed = numbers > 0
        self.needed[:, 0] = True
        self.used = self.needed.sum(axis=1).astype(np.uint8)
        last = np.arange(self.size) == self.used[:, None] - 1
        self.bytes = (numbers & 0x7F | np.where(last, 0, 0x80)).astype(np.uint8)
