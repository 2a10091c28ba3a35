import os
import threading

import pytest
import tensorflow as tf

from largebatch.data import Updates, find_imagenet, imagenet_eval_dataset, imagenet_train_dataset
from largebatch.data.files import storage
from largebatch.data.imagenet.cache import ShardCache


def labels(files, cache_dir):
    context = tf.distribute.InputContext(1, 0, 1)
    train = imagenet_train_dataset(
        files, Updates(8, 8, context, seed=1, first_step=0, steps=4), cache_dir=cache_dir
    )
    test = imagenet_eval_dataset(files, batch=11, context=context, cache_dir=cache_dir)
    return [
        element["label"].tolist() for one in (train, test) for element in one.as_numpy_iterator()
    ]


@pytest.fixture
def folder(new_imagenet, tmp_path):
    return new_imagenet(tmp_path / "source", train=(20, 12), validation=(11,))


def test_the_second_reading_does_not_touch_the_source(folder, tmp_path):
    files = find_imagenet(str(folder), 8)
    first = labels(files, str(tmp_path / "cache"))
    assert sorted(first[-1]) == list(range(11))
    for shard in folder.rglob("*.tfrecord-*"):
        shard.unlink()
    assert labels(files, str(tmp_path / "cache")) == first


def copied(files, folder):
    shard = files.train[0]
    return ShardCache(str(folder)).copied(shard.path, shard.examples), shard.path


def test_a_copy_has_the_bytes_of_the_source_and_its_name(folder, tmp_path):
    copy, source = copied(find_imagenet(str(folder)), tmp_path / "cache")
    assert os.path.dirname(copy) == str(tmp_path / "cache")
    assert copy.endswith(f"-{os.path.basename(source)}")
    assert storage.read_bytes(copy) == storage.read_bytes(source)


def test_a_shard_with_another_number_of_records_is_not_kept(folder, tmp_path):
    source = find_imagenet(str(folder)).train[0].path
    assert ShardCache(str(tmp_path / "cache")).copied(source, 21) == source
    assert not list((tmp_path / "cache").glob("*tfrecord-*of-00002"))


def test_a_full_disk_means_reading_in_place(folder, tmp_path, monkeypatch, caplog):
    def full(source, copy, overwrite=False):
        with open(copy, "wb") as file:
            file.write(b"a part")
        raise tf.errors.ResourceExhaustedError(None, None, "no space left on device")

    monkeypatch.setattr(tf.io.gfile, "copy", full)
    copy, source = copied(find_imagenet(str(folder)), tmp_path / "cache")
    assert copy == source and "no space left on device" in caplog.text
    assert not list((tmp_path / "cache").glob("*.partial"))


def test_many_readers_make_one_copy(folder, tmp_path, monkeypatch):
    files, made, found = find_imagenet(str(folder)), [], []
    real = tf.io.gfile.copy
    monkeypatch.setattr(
        tf.io.gfile, "copy", lambda source, copy: (made.append(copy), real(source, copy))
    )
    readers = [
        threading.Thread(target=lambda: found.append(copied(files, tmp_path / "cache")[0]))
        for _ in range(4)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(made) == 1 and len(set(found)) == 1 and len(found) == 4


def test_a_folder_that_cannot_be_written_is_named(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot write to the cache folder .*file/cache"):
        copied(find_imagenet(str(folder)), tmp_path / "file" / "cache")
