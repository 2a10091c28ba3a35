"""Reading a run of records of a TFRecord file, and the errors that name a damaged one."""

from __future__ import annotations

import re

import tensorflow as tf

# Says that an error met in a running tf.data pipeline is about the data (see `reading_error`).
MARK, END = "input data: ", " (end of message)"
_BUFFER = 1 << 20  # bytes read at once


def reading_error(error: BaseException) -> str | None:
    """The message of what an iterator raised over damaged data, None of other errors.

    Such an error arises in the pipeline's C++ threads, so it reaches the training loop as one of
    tf.errors, its message inside TensorFlow's own words.
    """
    if not isinstance(error, tf.errors.OpError):
        return None
    before, mark, message = error.message.partition(MARK)
    if not mark:
        gone = re.match(r"(?:{{.*?}} )?(.*\.tfrecord[^;]*); No such file", error.message)
        return f"{gone.group(1)}: this shard is no longer there" if gone else None
    message = message.split(END)[0]
    # An assertion escapes quotes and backslashes in what it says.
    return re.sub(r"\\(['\"\\])", r"\1", message) if before.endswith("[") else message


def read_run(path, first, count, total) -> tf.Tensor:
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
        tf.strings.join([MARK, path, " holds more than the ", said, " records of its manifest"]),
        tf.strings.join(
            [
                MARK,
                path,
                ": record ",
                tf.strings.as_string(number),
                " cannot be read: it is corrupt, or the file is cut (the manifest says ",
                said,
                " records). Copy the file again, or make it again",
            ]
        ),
    )
    return tf.debugging.Assert(False, [tf.strings.join([message, END])])


def _one(value) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensors(value)
