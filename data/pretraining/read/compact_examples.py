"""Prepared pre-training examples in a small file, and read again without TensorFlow.

The copies of a text that differ in their masks share their words: before masking they compress to
little more than one of them. So the file holds the words as they were, where each prediction is and
what stands there instead: about 31 bytes an example of 64 tokens, a fourteenth of its TFRecord.
Legend: n examples, L the sequence length, P predictions a sequence.
"""

from __future__ import annotations

import io
import lzma
from collections.abc import Mapping

import numpy as np

from largebatch.data.pretraining.read.masked_word_floors import unmasked

PIECES = ("input_word_ids", "input_mask", "input_type_ids", "masked_lm_positions",
          "masked_lm_ids", "masked_lm_weights", "next_sentence_labels")  # fmt: skip
_MASKED, _KEPT, _OTHER = range(3)  # what stands in a prediction's place


def packed(examples: Mapping[str, np.ndarray], mask_id: int) -> bytes:
    """The examples, as `RecordReader.read` has them, compressed.

    Raises:
      ValueError: Sequences that are not a run of tokens of two types in order, ids beyond 65,535,
        or sequences beyond 255 tokens.
    """
    words = unmasked(examples)
    length = words.shape[1]
    if words.max() > 0xFFFF or length > 0xFF:
        raise ValueError(f"a compact file takes ids to 65,535 and 255 tokens, found {length}")
    tokens = np.asarray(examples["input_mask"]).sum(axis=1, dtype=np.int64)
    first = tokens - np.asarray(examples["input_type_ids"]).sum(axis=1, dtype=np.int64)
    counts = np.asarray(examples["masked_lm_weights"]).sum(axis=1).astype(np.int64)
    rows, column = np.nonzero(examples["masked_lm_weights"])
    shown = examples["input_word_ids"][rows, examples["masked_lm_positions"][rows, column]]
    answers = examples["masked_lm_ids"][rows, column]
    action = np.where(shown == answers, _KEPT, np.where(shown == mask_id, _MASKED, _OTHER))
    steps = np.diff(np.asarray(examples["masked_lm_positions"], np.int16), axis=1, prepend=0)
    arrays = {
        "words": words[np.arange(length) < tokens[:, None]].astype(np.uint16),
        "steps": steps[rows, column].astype(np.uint8),
        "action": action.astype(np.uint8),
        "other": shown[action == _OTHER].astype(np.uint16),
        "tokens": tokens.astype(np.uint8),
        "first": first.astype(np.uint8),
        "counts": counts.astype(np.uint8),
        "labels": np.asarray(examples["next_sentence_labels"], np.uint8),
        "sizes": np.array([length, examples["masked_lm_positions"].shape[1], mask_id], np.int64),
    }
    file = io.BytesIO()
    np.savez(file, **arrays)
    content = lzma.compress(file.getvalue(), preset=6)
    for name, value in unpacked(content).items():
        if not np.array_equal(value, examples[name]):
            raise ValueError(f"{name} cannot be packed: an example is not as BERT's are")
    return content


def unpacked(content: bytes) -> dict[str, np.ndarray]:
    """name -> array, of the types that `RecordReader.read` returns."""
    with np.load(io.BytesIO(lzma.decompress(content)), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    length, predictions, mask_id = map(int, arrays["sizes"])
    place = np.arange(length)
    tokens, first = arrays["tokens"][:, None], arrays["first"][:, None]
    there = place < tokens
    words = np.zeros((len(tokens), length), np.int32)
    words[there] = arrays["words"]
    used = np.arange(predictions) < arrays["counts"][:, None]  # bool [n, P]
    positions = np.zeros(used.shape, np.int32)
    positions[used] = arrays["steps"]
    positions = np.where(used, positions.cumsum(axis=1, dtype=np.int32), 0)
    answers = np.where(used, np.take_along_axis(words, positions, axis=1), 0)
    instead = np.where(arrays["action"] == _KEPT, answers[used], mask_id)
    instead[arrays["action"] == _OTHER] = arrays["other"]
    rows = np.nonzero(used)[0]
    words[rows, positions[used]] = instead
    return {
        "input_word_ids": words,
        "input_mask": there.astype(np.uint8),
        "input_type_ids": (there & (place >= first)).astype(np.uint8),
        "masked_lm_positions": positions,
        "masked_lm_ids": answers.astype(np.int32),
        "masked_lm_weights": used.astype(np.float32),
        "next_sentence_labels": arrays["labels"].astype(np.int32),
    }
