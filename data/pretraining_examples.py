"""Reading a run of records of one pre-training shard: parsed, checked, in compact arrays.

Legend: n records, L the sequence length, P predictions a sequence.
"""

from __future__ import annotations

import dataclasses
import re

import tensorflow as tf

from largebatch.data.pretraining_files import PretrainingFiles

# Says that an error met in a running tf.data pipeline is about the data (see `reading_error`).
_MARK, _END = "pre-training data: ", " (end of message)"
_BUFFER = 1 << 20  # bytes read at once


def reading_error(error: BaseException) -> str | None:
    """The message of what an iterator raised over damaged pre-training data, None of other errors.

    Such an error arises in the pipeline's C++ threads, so it reaches the training loop as one of
    tf.errors, its message inside TensorFlow's own words.
    """
    if not isinstance(error, tf.errors.OpError):
        return None
    before, mark, message = error.message.partition(_MARK)
    if not mark:
        gone = re.match(r"(?:{{.*?}} )?(.*\.tfrecord); No such file", error.message)
        return f"{gone.group(1)}: this shard is no longer there" if gone else None
    message = message.split(_END)[0]
    # An assertion escapes quotes and backslashes in what it says.
    return re.sub(r"\\(['\"\\])", r"\1", message) if before.endswith("[") else message


@dataclasses.dataclass(frozen=True)
class RecordReader:
    """Reads records of the shards of `files`.

    Every record is checked: its checksum, the lengths of its features, and that each number is in
    its range (token ids inside the vocabulary). What fails is an InvalidArgumentError that names
    the file and the record's number, counted from 0; `reading_error` gives its message.
    """

    files: PretrainingFiles

    def read(self, path, first, count, total) -> dict:
        """Records first, ..., first + count - 1 of a shard of `total` records.

        Returns int32 `input_word_ids`, uint8 `input_mask`, `input_type_ids` [n, L]; int32
        `masked_lm_positions`, `masked_lm_ids`, float32 `masked_lm_weights` [n, P]; int32
        `next_sentence_labels` [n].
        """
        records = _records(path, first, count, total)
        place = tf.strings.join([_MARK, path, ": record "])
        numbers = tf.range(first, first + count)
        length, predictions = self.files.sequence_length, self.files.max_predictions
        refused = f" is not an example of {length} tokens and {predictions} predictions, as " + (
            f"{self.files.manifest_file} says: a feature is missing or has another length{_END}"
        )
        parsed = tf.io.parse_example(
            records,
            self._features(),
            # TensorFlow's message begins with the name, and says no other place.
            example_names=tf.strings.join([place, tf.strings.as_string(numbers), refused]),
        )
        limits = {
            "input_ids": self.files.vocabulary_size,
            "input_mask": 2,
            "segment_ids": 2,
            "masked_lm_positions": self.files.sequence_length,
            "masked_lm_ids": self.files.vocabulary_size,
            "masked_lm_weights": 2,
            "next_sentence_labels": 2,
        }
        checks = [
            _check_range(place, name, parsed[name], limit, numbers)
            for name, limit in limits.items()
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

    def _features(self) -> dict:
        length, predictions = self.files.sequence_length, self.files.max_predictions
        tokens = tf.io.FixedLenFeature([length], tf.int64)
        return {
            "input_ids": tokens,
            "input_mask": tokens,
            "segment_ids": tokens,
            "masked_lm_positions": tf.io.FixedLenFeature([predictions], tf.int64),
            "masked_lm_ids": tf.io.FixedLenFeature([predictions], tf.int64),
            "masked_lm_weights": tf.io.FixedLenFeature([predictions], tf.float32),
            "next_sentence_labels": tf.io.FixedLenFeature([1], tf.int64),
        }


def widened(compact: dict) -> dict:
    """A batch's masks and types as int32, as models take them."""
    small = {name: value for name, value in compact.items() if value.dtype == tf.uint8}
    return {**compact, **{name: tf.cast(value, tf.int32) for name, value in small.items()}}


def _records(path, first, count, total) -> tf.Tensor:
    """The serialised records, string [count]; an error names the first that cannot be read.

    Errors of the file are turned into an early end of it, and the records that came are counted:
    a shard that is shorter or longer than its manifest says is never trained on.
    """
    # Opened once outside `ignore_errors`, which would try a file that is gone for ever.
    opened = tf.data.FixedLengthRecordDataset(path, 1).concatenate(_one(b""))
    with tf.control_dependencies([opened.take(1).get_single_element()]):
        path = tf.identity(path)
    readable = tf.data.TFRecordDataset(path, buffer_size=_BUFFER).ignore_errors(log_warning=True)
    found = (
        readable.skip(first)
        .take(count + 1)
        .concatenate(_one(b""))  # a batch of nothing would not be an element
        .batch(count + 2)
        .get_single_element()[:-1]
    )
    here = tf.size(found, tf.int64)
    last = tf.equal(first + count, total)
    complete = tf.equal(here, count) | (~last & tf.greater(here, count))
    with tf.control_dependencies(
        [tf.cond(complete, lambda: tf.no_op(), lambda: _refuse(path, readable, total))]
    ):
        return tf.ensure_shape(found, [None])[:count]


def _refuse(path, readable: tf.data.Dataset, total):
    number = readable.reduce(tf.constant(0, tf.int64), lambda count, _: count + 1)
    said = tf.strings.as_string(total)
    message = tf.where(
        number > total,
        tf.strings.join([_MARK, path, " holds more than the ", said, " records of its manifest"]),
        tf.strings.join(
            [
                _MARK,
                path,
                ": record ",
                tf.strings.as_string(number),
                " cannot be read: it is corrupt, or the file is cut (the manifest says ",
                said,
                " records). Copy the file again, or make it again",
            ]
        ),
    )
    return tf.debugging.Assert(False, [tf.strings.join([message, _END])])


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
        wanted + _END,
    ]
    return tf.debugging.Assert(~tf.reduce_any(failed), [tf.strings.join(message)])


def _one(value) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensors(value)
