"""TFDS folders and official files in miniature: the sizes are ours, the formats TFDS's."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from largebatch.data.images import official_files, tfds_builder

SMALL = official_files.Source(
    "cifar10", 30, 12, (32, 32, 3), 10, ("cifar-10-binary.tar.gz",), "home"
)


def examples(count, seed):
    random = np.random.RandomState(seed)
    images = random.randint(0, 256, (count, 32, 32, 3)).astype(np.uint8)
    return images, random.randint(0, 10, count).astype(np.int32)


def records(images, labels):
    for number, (image, label) in enumerate(zip(images, labels)):
        feature = {
            "id": [b"test_%05d" % number],
            "image": [tf.io.encode_png(image).numpy()],
        }
        feature = {
            key: tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
            for key, value in feature.items()
        }
        feature["label"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        yield example.SerializeToString()


def feature(kind, **settings):
    package = "tensorflow_datasets.core.features"
    return {"pythonClassName": f"{package}.{kind}", **settings}


def write_tfds_folder(folder: Path, train=30, test=12):
    """What TFDS leaves for CIFAR-10 after preparing it, with fewer examples."""
    folder.mkdir(parents=True)
    shape = {"dimensions": ["32", "32", "3"]}
    image = {"dtype": "uint8", "encodingFormat": "png", "shape": shape}
    features = {
        "id": feature("text_feature.Text", text={}),
        "image": feature("image_feature.Image", image=image),
        "label": feature("class_label_feature.ClassLabel", classLabel={"numClasses": "10"}),
    }
    description = feature("features_dict.FeaturesDict", featuresDict={"features": features})
    (folder / "features.json").write_text(json.dumps(description))
    splits, written = [], {}
    for seed, (name, count) in enumerate((("train", train), ("test", test))):
        written[name] = examples(count, seed)
        path = folder / f"cifar10-{name}.tfrecord-00000-of-00001"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for record in records(*written[name]):
                writer.write(record)
        template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
        splits.append({"filepathTemplate": template, "name": name, "shardLengths": [str(count)]})
        splits[-1]["numBytes"] = "1"
    info = {"fileFormat": "tfrecord", "name": "cifar10", "splits": splits, "version": folder.name}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return written


@pytest.fixture
def folder(tmp_path):
    """(a TFDS folder, what is in it)."""
    return tmp_path / "tfds", write_tfds_folder(tmp_path / "tfds" / "cifar10" / "3.0.2")


def load(data_dir, tmp_path, source=SMALL):
    return official_files.arrays(source, str(data_dir), str(tmp_path / "cache"))


def snapshot(folder):
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.mark.parametrize("inner", [".", "cifar10", "cifar10/3.0.2"])
def test_a_tfds_folder_or_the_sets_own_is_read_in_its_order_and_not_written(
    folder, tmp_path, inner
):
    data_dir, written = folder
    before = snapshot(data_dir)
    arrays = load(data_dir / inner, tmp_path)
    for split in ("train", "test"):
        np.testing.assert_array_equal(arrays[f"{split}_images"], written[split][0])
        np.testing.assert_array_equal(arrays[f"{split}_labels"], written[split][1])
    pixels = written["train"][0] / 255.0
    np.testing.assert_allclose(arrays["mean"], pixels.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(arrays["std"], pixels.std((0, 1, 2)), rtol=1e-5)
    assert snapshot(data_dir) == before


def test_the_newest_version_is_taken(folder, tmp_path):
    data_dir, _ = folder
    write_tfds_folder(data_dir / "cifar10" / "3.0.10", test=9)
    (data_dir / "cifar10" / "4.0.0").mkdir()  # begun, never finished: no dataset_info.json
    newer = official_files.Source("cifar10", 30, 9, (32, 32, 3), 10, (), "home")
    assert len(load(data_dir, tmp_path, newer)["test_labels"]) == 9


def test_a_changed_file_is_not_taken_for_the_cached_one(folder, tmp_path):
    data_dir, _ = folder
    load(data_dir, tmp_path)
    record = data_dir / "cifar10/3.0.2/cifar10-test.tfrecord-00000-of-00001"
    record.write_bytes(record.read_bytes()[:-100])
    with pytest.raises(ValueError, match="cifar10-test.tfrecord"):
        load(data_dir, tmp_path)


def cut_inside_a_record(data):
    return data[: len(data) // 2 + 50]


def cut_between_records(data):
    length = int.from_bytes(data[:8], "little")
    return data[: 12 + length + 4]  # length, its checksum, the record, its checksum


def flip_a_bit(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_inside_a_record, "cifar10-train.tfrecord-00000-of-00001 is truncated or damaged"),
        (flip_a_bit, "cifar10-train.tfrecord-00000-of-00001 is truncated or damaged"),
        (cut_between_records, "cifar10-train.tfrecord.*: 1 train examples .* wanted 30"),
        (lambda data: b"", "cifar10-train.tfrecord.*: 0 train examples .* wanted 30"),
        (lambda data: None, "cifar10-train.tfrecord-00000-of-00001 is missing"),
    ],
)
def test_a_damaged_record_file_is_named(folder, tmp_path, damage, message):
    data_dir, _ = folder
    record = data_dir / "cifar10/3.0.2/cifar10-train.tfrecord-00000-of-00001"
    damaged = damage(record.read_bytes())
    record.unlink() if damaged is None else record.write_bytes(damaged)
    with pytest.raises(ValueError, match=message):
        load(data_dir, tmp_path)
    assert not list((tmp_path / "cache").rglob("*.npz"))


def test_a_set_of_another_size_is_refused(folder, tmp_path):
    data_dir, _ = folder
    fewer = official_files.Source("cifar10", 29, 12, (32, 32, 3), 10, (), "home")
    with pytest.raises(ValueError, match="30 train examples of cifar10, wanted 29"):
        load(data_dir, tmp_path, fewer)
    other = official_files.Source("cifar10", 30, 12, (28, 28, 3), 10, (), "home")
    with pytest.raises(ValueError, match=r"images of \(32, 32, 3\), wanted \(28, 28, 3\)"):
        load(data_dir, tmp_path, other)


def test_an_image_that_cannot_be_decoded_is_reported(folder, tmp_path):
    data_dir, _ = folder
    path = data_dir / "cifar10/3.0.2/cifar10-test.tfrecord-00000-of-00001"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records(*examples(12, 1)):
            writer.write(record.replace(b"\x89PNG", b"\x89PNK"))
    with pytest.raises(ValueError, match="3.0.2: an example cannot be decoded"):
        load(data_dir, tmp_path)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("dataset_info.json", "{", "dataset_info.json is damaged"),
        ("features.json", "{", "3.0.2 cannot be read as a TFDS folder"),
        ("features.json", None, "3.0.2 cannot be read as a TFDS folder"),
    ],
)
def test_a_damaged_description_is_named(folder, tmp_path, file, text, message):
    data_dir, _ = folder
    path = data_dir / "cifar10/3.0.2" / file
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load(data_dir, tmp_path)


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """(a folder with a small cifar-10-binary.tar.gz, what is in it), registered with TFDS."""
    import tensorflow_datasets as tfds

    home = tmp_path / "official"
    home.mkdir()
    train, test = examples(30, 5), examples(12, 6)
    names = {
        f"data_batch_{number + 1}.bin": slice(6 * number, 6 * number + 6) for number in range(5)
    }
    with tarfile.open(home / "cifar-10-binary.tar.gz", "w:gz") as tar:
        contents = {
            "batches.meta.txt": "\n".join(f"class{number}" for number in range(10)).encode()
        }
        for name, part in names.items():
            contents[name] = binary(train[0][part], train[1][part])
        contents["test_batch.bin"] = binary(*test)
        for name, data in contents.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    builder = tfds.image_classification.Cifar10
    ((url, registered),) = builder.url_infos.items()
    data = (home / "cifar-10-binary.tar.gz").read_bytes()
    own = type(registered)(
        size=len(data), checksum=hashlib.sha256(data).hexdigest(), filename=registered.filename
    )
    monkeypatch.setattr(builder, "url_infos", {url: own})
    return home, {"train": train, "test": test}


def binary(images, labels):
    """CIFAR-10's binary format: a label, then the red, the green and the blue plane."""
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.concatenate([labels[:, np.newaxis].astype(np.uint8), planes], axis=1).tobytes()


def test_the_official_archive_is_prepared_by_tfds_outside_its_folder(archive, tmp_path, capfd):
    data_dir, written = archive
    before = snapshot(data_dir)
    arrays = load(data_dir, tmp_path)
    for split in ("train", "test"):
        images, labels = written[split]
        wanted = sorted((image.tobytes(), label) for image, label in zip(images, labels))
        got = zip(arrays[f"{split}_images"], arrays[f"{split}_labels"])
        assert sorted((image.tobytes(), label) for image, label in got) == wanted
    assert snapshot(data_dir) == before
    left = [path.suffix for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert sorted(left) == [".lock", ".npz"]  # nothing of TFDS's intermediate files
    assert "Downloading" not in "".join(capfd.readouterr())


def test_an_official_file_that_is_not_the_registered_one_is_named(archive, tmp_path):
    data_dir, _ = archive
    file = data_dir / "cifar-10-binary.tar.gz"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match="cifar-10-binary.tar.gz is truncated: .* bytes"):
        load(data_dir, tmp_path)
    file.write_bytes(whole + b"\0")
    with pytest.raises(ValueError, match="cifar-10-binary.tar.gz is not the official file"):
        load(data_dir, tmp_path)
    file.write_bytes(flip_a_bit(whole))
    with pytest.raises(ValueError, match="cifar-10-binary.tar.gz is damaged: its SHA-256"):
        load(data_dir, tmp_path)


@pytest.mark.parametrize("place", ["question", "download"])
def test_a_failed_download_says_what_to_do(tmp_path, monkeypatch, place):
    import requests
    import tensorflow_datasets as tfds

    def no_network(*arguments, **settings):
        raise requests.ConnectionError("no route to host")

    def answer(*arguments, **settings):
        return None

    builder = tfds.core.DatasetBuilder
    monkeypatch.setattr(requests, "head", no_network if place == "question" else answer)
    monkeypatch.setattr(
        builder, "download_and_prepare", no_network if place == "download" else pytest.fail
    )
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "default"))
    with pytest.raises(ValueError, match=r"no route to host\). Get cifar-10-binary.*data folder"):
        official_files.arrays(SMALL, None, str(tmp_path / "cache"))


def test_without_a_data_folder_tfds_default_folder_is_read(tmp_path, monkeypatch):
    written = write_tfds_folder(tmp_path / "default" / "cifar10" / "3.0.2")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "default"))
    arrays = official_files.arrays(SMALL, None, str(tmp_path / "cache"))
    np.testing.assert_array_equal(arrays["test_images"], written["test"][0])


def test_google_cloud_storage_stays_as_it_was():
    from tensorflow_datasets.core.utils import gcs_utils

    before = gcs_utils._is_gcs_disabled
    with tfds_builder._quiet_tfds():
        assert gcs_utils._is_gcs_disabled
    assert gcs_utils._is_gcs_disabled == before
