import numpy as np
import pytest
import tensorflow as tf

from largebatch.data.files import record_writer
from largebatch.data.files.record_checksum import HEADER


def rows_of(contents):
    rows = record_writer.new_rows(len(contents), max(map(len, contents)))
    for row, content in zip(rows, contents):
        row[HEADER : HEADER + len(content)] = np.frombuffer(content, np.uint8)
    return rows, np.array(list(map(len, contents)))


@pytest.mark.parametrize("count", [1, 7, 3000])
def test_the_file_is_that_of_tensorflows_writer(tmp_path, count):
    random = np.random.Generator(np.random.PCG64(count))
    longest = 50_000 if count < 100 else 300
    contents = [random.bytes(int(n)) for n in random.integers(0, longest, count)]
    contents[0] = b""
    with tf.io.TFRecordWriter(str(tmp_path / "wanted")) as writer:
        for content in contents:
            writer.write(content)
    assert record_writer.framed(*rows_of(contents)) == (tmp_path / "wanted").read_bytes()


def test_no_records_are_no_bytes():
    assert record_writer.framed(record_writer.new_rows(0, 8), np.zeros(0, np.int64)) == b""


def test_a_block_beyond_the_rows_is_refused():
    rows = record_writer.new_rows(2, 8)
    with pytest.raises(IndexError):
        record_writer.put(rows, np.array([0, rows.size - 3]), np.zeros((2, 4), np.uint8))
