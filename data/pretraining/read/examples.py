"""Reading a run of records of one pre-training shard: parsed, checked, in compact arrays.

Legend: n records, L the sequence length, P predictions a sequence.
"""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from largebatch.data.files.record_runs import END, MARK, read_run
from largebatch.data.pretraining.read.files import PretrainingFiles


@dataclasses.dataclass(frozen=True)
class RecordReader:
    """Reads records of the shards of `files`.

    Every record is checked: its checksum, the lengths of its features, and that each number is in
    its range (token ids inside the vocabulary). What fails is an InvalidArgumentError that names
    the file and the record's number, counted from 0; `reading_error` gives its message.
    """

    files: PretrainingFiles

    def read(self, path: tf.Tensor, first: tf.Tensor, count: tf.Tensor, total: tf.Tensor) -> dict:
        """Records first, ..., first + count - 1 of a shard of `total` records.

        Returns int32 `input_word_ids`, uint8 `input_mask`, `input_type_ids` [n, L]; int32
        `masked_lm_positions`, `masked_lm_ids`, float32 `masked_lm_weights` [n, P]; int32
        `next_sentence_labels` [n].
        """
        records = read_run(path, first, count, total)
        place = tf.strings.join([MARK, path, ": record "])
        numbers = tf.range(first, first + count)
        length, predictions = self.files.sequence_length, self.files.max_predictions
        pieces = self.files.vocabulary_size
        # Of each feature: how many numbers, and below which they are.
        features = {
            "input_ids": (length, pieces),
            "input_mask": (length, 2),
            "segment_ids": (length, 2),
            "masked_lm_positions": (predictions, length),
            "masked_lm_ids": (predictions, pieces),
            "masked_lm_weights": (predictions, 2),
            "next_sentence_labels": (1, 2),
        }
        refused = f" is not an example of {length} tokens and {predictions} predictions, as " + (
            f"{self.files.manifest_file} says: a feature is missing or has another length{END}"
        )
        parsed = tf.io.parse_example(
            records,
            {
                name: tf.io.FixedLenFeature(
                    [size], tf.float32 if name == "masked_lm_weights" else tf.int64
                )
                for name, (size, _) in features.items()
            },
            # TensorFlow's message begins with the name, and says no other place.
            example_names=tf.strings.join([place, tf.strings.as_string(numbers), refused]),
        )
        checks = [
            _check_range(place, name, parsed[name], limit, numbers)
            for name, (_, limit) in features.items()
        ]
        with tf.control_dependencies(checks):
            return {
                "input_word_ids": tf.cast(parsed["input_ids"], tf.int32),
                "input_mask": tf.cast(parsed["input_mask"], tf.uint8),
                "input_type_ids": tf.cast(parsed["segment_ids"], tf.uint8),
                "masked_lm_positions": tf.cast(parsed["masked_lm_positions"], tf.int32),
                "masked_lm_ids": tf.cast(parsed["masked_lm_ids"], tf.int32),
                "masked_lm_weights": tf.identity(parsed["masked_lm_weights"]),
                "next_sentence_labels": tf.cast(parsed["next_sentence_labels"][:, 0], tf.int32),
            }


def widened(compact: dict) -> dict:
    """A batch's masks and types as int32, as models take them."""
    small = {name: value for name, value in compact.items() if value.dtype == tf.uint8}
    return {**compact, **{name: tf.cast(value, tf.int32) for name, value in small.items()}}


def _check_range(place, name: str, values, limit: int, numbers):
    """Asserts that every number lies in 0, ..., limit - 1, naming the first record that fails."""
    outside = ~((values >= 0) & (values < limit))  # [n, L] or alike; NaN is outside
    failed = tf.reduce_any(outside, axis=1)
    row = tf.argmax(failed)
    column = tf.argmax(outside[row])
    wanted = f" in {name}, wanted 0 to {limit - 1}"
    if limit > 2 and name.endswith("_ids"):
        wanted += ": the entries of the vocabulary"
    message = [
        place,
        tf.strings.as_string(numbers[row]),
        " has ",
        tf.strings.as_string(values[row, column]),
        wanted + END,
    ]
    return tf.debugging.Assert(~tf.reduce_any(failed), [tf.strings.join(message)])
