import pytest
import tensorflow as tf

from largebatch.data import reading_error
from largebatch.data.imagenet import records as imagenet_records
from largebatch.data.imagenet.files import RAW_LAYOUT, TFDS_LAYOUT


def shard(tmp_path, *records):
    path = str(tmp_path / "train-00000-of-00001")
    with tf.io.TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record)
    return path


def read(layout, path, first, count, total):
    """A block of one run."""
    runs = [tf.constant([path]), *(tf.constant([n], tf.int64) for n in (first, count, total))]
    dataset = tf.data.Dataset.from_tensors(tuple(runs))
    return dataset.map(
        lambda *runs: imagenet_records.read_block(layout, None, *runs)
    ).get_single_element()


def refusal(*arguments):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        read(*arguments)
    return reading_error(caught.value)


def raw(new_record, label, **content):
    named = {"image/filename": b"n123.JPEG", "image/encoded": f"jpeg {label}".encode(), **content}
    return new_record(label, "image/class/label", **named)


def test_raw_labels_are_counted_from_one_and_tfds_labels_from_zero(tmp_path, new_imagenet_record):
    path = shard(tmp_path, *(raw(new_imagenet_record, label) for label in (1, 77, 1000)))
    found = read(RAW_LAYOUT, path, 1, 2, 3)
    assert found["label"].numpy().tolist() == [76, 999]
    images = [imagenet_records.image_of(RAW_LAYOUT, record).numpy() for record in found["record"]]
    assert images == [b"jpeg 77", b"jpeg 1000"]
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
    assert message.startswith(f"{path}: record 1 has no image/class/label: it is no record")


@pytest.mark.parametrize("total", [1, 3])
def test_a_file_with_another_number_of_records_is_named(tmp_path, new_imagenet_record, total):
    path = shard(tmp_path, raw(new_imagenet_record, 5), raw(new_imagenet_record, 6))
    assert refusal(RAW_LAYOUT, path, 0, total, total).startswith(path)


def test_a_block_is_of_several_runs_and_each_is_counted(tmp_path, new_imagenet_record):
    paths, label = [], 0
    for number, length in enumerate((3, 2, 4)):
        (tmp_path / str(number)).mkdir()
        labels = range(label + 1, label + length + 1)
        records = [raw(new_imagenet_record, one) for one in labels]
        paths.append(shard(tmp_path / str(number), *records))
        label += length

    def read_runs(first, count, total):
        numbers = [tf.constant(values, tf.int64) for values in (first, count, total)]
        dataset = tf.data.Dataset.from_tensors((tf.constant(paths), *numbers))
        read = dataset.map(lambda *runs: imagenet_records.read_block(RAW_LAYOUT, None, *runs))
        return read.get_single_element()

    found = read_runs([1, 0, 1], [2, 2, 1], [3, 2, 4])
    assert found["label"].numpy().tolist() == [1, 2, 3, 4, 6]
    places = [place.decode().partition(" (")[0] for place in found["place"].numpy()]
    numbers = ((0, 1), (0, 2), (1, 0), (1, 1), (2, 1))
    assert places == [f"{paths[file]}: record {number}" for file, number in numbers]
    # Together they hold as many records as they should; the second has one too many.
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        read_runs([0, 0, 0], [3, 1, 4], [3, 1, 4])
    assert reading_error(caught.value).startswith(f"{paths[1]} holds more than the 1 records")
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        read_runs([0, 0, 0], [4, 2, 3], [4, 2, 4])
    assert reading_error(caught.value).startswith(f"{paths[0]}: record 3 cannot be read")


@pytest.mark.parametrize("layout", [RAW_LAYOUT, TFDS_LAYOUT], ids=["raw", "tfds"])
def test_records_that_lack_their_image_are_told(layout, new_imagenet_record):
    other = "image" if layout is RAW_LAYOUT else "image/encoded"
    contents = ({layout.image: b"jpeg"}, {}, {layout.image: b""}, {other: b"jpeg"})
    records = [new_imagenet_record(1, layout.label, **content) for content in contents]
    name, missing = imagenet_records.images_missing(layout)
    assert name == layout.image
    assert missing(tf.constant(records)).numpy().tolist() == [False, True, True, True]
    number = tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))
    of_another_type = tf.train.Example(
        features=tf.train.Features(feature={layout.image: number})
    ).SerializeToString()
    assert missing(tf.constant([of_another_type])).numpy().tolist() == [True]
