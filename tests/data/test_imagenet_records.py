import pytest
import tensorflow as tf

from largebatch.data import imagenet_records, reading_error
from largebatch.data.imagenet import RAW_LAYOUT, TFDS_LAYOUT


def shard(tmp_path, *records):
    path = str(tmp_path / "train-00000-of-00001")
    with tf.io.TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record)
    return path


def read(layout, path, first, count, total):
    runs = tf.data.Dataset.from_tensors((path, *(tf.constant(n, tf.int64) for n in (first, count))))
    return runs.map(
        lambda *run: imagenet_records.read_images(layout, None, *run, tf.constant(total, tf.int64))
    ).get_single_element()


def refusal(*arguments):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        read(*arguments)
    return reading_error(caught.value)


def raw(new_record, label, **content):
    named = {"image/filename": b"n123.JPEG", "image/encoded": b"jpeg", **content}
    return new_record(label, "image/class/label", **named)


def test_raw_labels_are_counted_from_one_and_tfds_labels_from_zero(tmp_path, new_imagenet_record):
    path = shard(tmp_path, *(raw(new_imagenet_record, label) for label in (1, 77, 1000)))
    found = read(RAW_LAYOUT, path, 1, 2, 3)
    assert found["label"].numpy().tolist() == [76, 999]
    assert found["image"].numpy().tolist() == [b"jpeg", b"jpeg"]
    assert found["place"].numpy().tolist() == [
        f"{path}: record {number} (n123.JPEG)".encode() for number in (1, 2)
    ]
    path = shard(tmp_path, new_imagenet_record(label=0, image=b"jpeg"))
    found = read(TFDS_LAYOUT, path, 0, 1, 1)
    assert found["label"].numpy().tolist() == [0]
    assert found["place"].numpy().tolist() == [f"{path}: record 0".encode()]


@pytest.mark.parametrize("label", [0, 1001])
def test_a_raw_label_out_of_range_names_file_record_and_image(tmp_path, new_imagenet_record, label):
    path = shard(tmp_path, raw(new_imagenet_record, 5), raw(new_imagenet_record, label))
    assert refusal(RAW_LAYOUT, path, 0, 2, 2) == (
        f"{path}: record 1 (n123.JPEG) has the label {label}, wanted 1 to 1000"
    )


@pytest.mark.parametrize("label", [-1, 1000])
def test_a_tfds_label_out_of_range_names_file_and_record(tmp_path, new_imagenet_record, label):
    path = shard(tmp_path, new_imagenet_record(label=label, image=b"jpeg"))
    assert refusal(TFDS_LAYOUT, path, 0, 1, 1) == (
        f"{path}: record 0 has the label {label}, wanted 0 to 999"
    )


def test_a_record_of_something_else_is_named(tmp_path, new_imagenet_record):
    path = shard(tmp_path, raw(new_imagenet_record, 5), new_imagenet_record(label=3, image=b"jpeg"))
    message = refusal(RAW_LAYOUT, path, 0, 2, 2)
    assert message.startswith(f"{path}: record 1 has no image/encoded and image/class/label")


@pytest.mark.parametrize("total", [1, 3])
def test_a_file_with_another_number_of_records_is_named(tmp_path, new_imagenet_record, total):
    path = shard(tmp_path, raw(new_imagenet_record, 5), raw(new_imagenet_record, 6))
    assert refusal(RAW_LAYOUT, path, 0, total, total).startswith(path)
