import struct

import pytest
import tensorflow as tf

from largebatch.data.files import record_checksum


@pytest.fixture
def write(tmp_path):
    def new(*records):
        path = str(tmp_path / "x.tfrecord")
        with tf.io.TFRecordWriter(path) as writer:
            for record in records:
                writer.write(record)
        return path

    return new


def crc32c(content):
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_it_is_the_masked_crc32c_of_the_first_records_content(write):
    crc = crc32c(b"first")
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert record_checksum.first_checksum(write(b"first", b"second")) == masked


@pytest.mark.parametrize("kept", [0, 5, 12, 20])
def test_a_file_that_ends_before_has_none_and_is_left_to_its_reader(write, kept):
    path = write(b"first")
    whole = record_checksum.first_checksum(path)
    with open(path, "r+b") as file:
        file.truncate(kept)
    assert record_checksum.first_checksum(path) is None
    assert record_checksum.others({path: whole}) == []


def test_damaged_content_is_left_to_its_reader_and_another_record_is_not(write):
    path = write(b"first")
    whole = record_checksum.first_checksum(path)
    with open(path, "r+b") as file:
        file.seek(12)
        file.write(b"F")
    assert record_checksum.others({path: whole}) == []
    other = write(b"other")
    assert record_checksum.others({other: whole}) == [other]
    assert record_checksum.others({other: None}) == []


def test_a_length_out_of_all_bounds_is_left_to_the_reader(write):
    path = write(b"first")
    with open(path, "r+b") as file:
        file.write(struct.pack("<Q", 2**63))
    assert record_checksum.first_checksum(path) is None
