"""Reading runs of records of TFRecord files, and the errors that name a damaged one."""

from __future__ import annotations

import re
from collections.abc import Callable

import tensorflow as tf

# Says that an error met in a running tf.data pipeline is about the data (see `reading_error`).
MARK, END = "input data: ", " (end of message)"
# A file that cannot be opened, on a line of its own; TensorFlow 2.20 names the stages before it.
_GONE = re.compile(
    r"^(?:{{.*?}} )?"
    r"(?:Error in user-defined function passed to \S+ transformation with iterator: \S+ )*"
    r"(.*\.tfrecord[^;]*); No such file",
    re.MULTILINE,
)
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
        gone = _GONE.search(error.message)
        return f"{gone.group(1)}: this shard is no longer there" if gone else None
    message = message.split(END)[0]
    # An assertion escapes quotes and backslashes in what it says.
    return re.sub(r"\\(['\"\\])", r"\1", message) if before.endswith("[") else message


def read_run(path: tf.Tensor, first: tf.Tensor, count: tf.Tensor, total: tf.Tensor) -> tf.Tensor:
    """`read_runs` of one."""
    return read_runs(*(tf.expand_dims(value, 0) for value in (path, first, count, total)))


def read_runs(
    path: tf.Tensor,
    first: tf.Tensor,
    count: tf.Tensor,
    total: tf.Tensor,
    read_from: Callable = lambda path, total: path,
) -> tf.Tensor:
    """The serialised records of runs of files, one run after the other: string [sum of `count`].

    An error names the first record that cannot be read. Errors of a file are turned into an early
    end of it, and the records that came are counted: a shard that is shorter or longer than its
    manifest says is never trained on.

    Args:
      path: string [r], a run's file, of `total` records, int64 [r].
      first, count: int64 [r]: records first, ..., first + count - 1 of it.
      read_from: (path, total) -> the path to read; that of a copy, for example.
    """

    def records(run, path, first, count, total):
        path = read_from(path, total)
        # Opened once outside `ignore_errors`, which would try a file that is gone for ever.
        opened = tf.data.FixedLengthRecordDataset(path, 1).concatenate(_one(b""))
        with tf.control_dependencies([opened.take(1).get_single_element()]):
            path = tf.identity(path)
        # One more than is wanted shows a file that is too long.
        most = count + tf.cast(tf.equal(first + count, total), tf.int64)
        return tf.data.Dataset.zip((_readable(path).skip(first).take(most), _one(run).repeat()))

    runs = tf.range(tf.size(path))
    found, run = (
        tf.data.Dataset.from_tensor_slices((runs, path, first, count, total))
        .flat_map(records)
        .concatenate(_one((b"", 0)))  # a batch of nothing would not be an element
        .batch(tf.reduce_sum(count + 1) + 1)  # strings are moved into it, not copied
        .get_single_element()
    )
    here = tf.math.unsorted_segment_sum(tf.ones_like(run[:-1], tf.int64), run[:-1], tf.size(path))
    wrong = tf.not_equal(here, count)

    def refuse():
        at = tf.argmax(wrong)
        return _refuse(read_from(path[at], total[at]), total[at])

    with tf.control_dependencies([tf.cond(tf.reduce_any(wrong), refuse, tf.no_op)]):
        return tf.ensure_shape(found[:-1], [None])


def _readable(path) -> tf.data.Dataset:
    """A file's records up to the first that cannot be read."""
    return tf.data.TFRecordDataset(path, buffer_size=_BUFFER).ignore_errors(log_warning=True)


def _refuse(path, total):
    number = _readable(path).reduce(tf.constant(0, tf.int64), lambda count, _: count + 1)
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
