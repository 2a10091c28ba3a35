import json
import os
import shutil

import pytest

from largebatch.data import count_records, find_imagenet
from largebatch.data.imagenet import counts as imagenet_counts


@pytest.fixture(scope="session")
def raw_folder(imagenet_folder, new_raw_imagenet, tmp_path_factory):
    return new_raw_imagenet(imagenet_folder, tmp_path_factory.mktemp("raw") / "imagenet")


@pytest.fixture
def folder(raw_folder, tmp_path, monkeypatch):
    """A copy that a test may damage, not counted; and a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return shutil.copytree(raw_folder, tmp_path / "imagenet")


def test_raw_files_are_found_once_they_are_counted(folder, capsys):
    with pytest.raises(ValueError, match="Count them once.*data.count_records --data_dir="):
        find_imagenet(str(folder))
    assert count_records.program(["count_records", f"--data_dir={folder}"]) == 0
    said = capsys.readouterr().out
    assert "32 train images, 11 validation images" in said
    assert str(folder / imagenet_counts.MANIFEST) in said
    files = find_imagenet(str(folder), 64)
    assert (files.num_train, files.num_test, files.image_shape) == (32, 11, (64, 64, 3))
    assert [shard.examples for shard in files.train] == [13, 8, 11]
    assert files.version == "raw TFRecords"


def test_the_splits_may_lie_in_folders_of_their_own(folder):
    for split in ("train", "validation"):
        (folder / split).mkdir()
        for file in folder.glob(f"{split}-*"):
            file.rename(folder / split / file.name)
    imagenet_counts.count(str(folder), 2)
    assert find_imagenet(str(folder)).num_test == 11


def test_counts_of_a_read_only_folder_are_kept_in_the_cache_folder(folder, monkeypatch):
    kept = imagenet_counts.storage.write_bytes

    def write(path, content):
        if path.startswith(str(folder)):
            raise ValueError("cannot write")
        kept(path, content)

    monkeypatch.setattr(imagenet_counts.storage, "write_bytes", write)
    path, _ = imagenet_counts.count(str(folder), 2)
    assert path.startswith(os.environ["XDG_CACHE_HOME"])
    assert find_imagenet(str(folder)).num_train == 32


def test_a_file_that_is_missing_is_named(folder):
    (folder / "train-00001-of-00003").unlink()
    with pytest.raises(ValueError, match="train-00001-of-00003 is missing, one of 1 of 3 files"):
        find_imagenet(str(folder))
    for file in folder.glob("validation-*"):
        file.unlink()
    with pytest.raises(ValueError, match="none of validation"):
        find_imagenet(str(folder))


def test_files_of_two_sets_are_refused(folder):
    shutil.copy(folder / "train-00000-of-00003", folder / "train-00007-of-00009")
    with pytest.raises(ValueError, match="files of more than one set"):
        imagenet_counts.count(str(folder), 1)


@pytest.mark.parametrize("cut", [1, 14, 40])
def test_a_file_cut_inside_a_record_is_noticed_by_counting(folder, cut):
    file = folder / "validation-00001-of-00002"
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(ValueError, match="00001-of-00002: record 3 is corrupt, or the file is cut"):
        imagenet_counts.count(str(folder), 2)


def test_counting_reads_the_lengths_alone(folder, monkeypatch):
    """A length is all that is believed: contents may be anything."""
    file = folder / "validation-00001-of-00002"
    content = bytearray(file.read_bytes())
    content[30:60] = bytes(30)
    file.write_bytes(content)
    assert imagenet_counts.count_file(str(file)) == 4
    (folder / "empty").write_bytes(b"")
    assert imagenet_counts.count_file(str(folder / "empty")) == 0


def test_the_official_files_must_hold_all_of_imagenet():
    names = [f"train-{number:05d}-of-01024" for number in range(1024)]
    counts = {name: 1252 for name in names[:-1]}
    imagenet_counts.check_official("train", {**counts, names[-1]: 371})
    with pytest.raises(ValueError, match="hold 1,281,166 records.*1,281,167.*train-01023-of-01024"):
        imagenet_counts.check_official("train", {**counts, names[-1]: 370})
    imagenet_counts.check_official("train", {"train-00000-of-00001": 5})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda stored: "[" * 100_000, "largebatch_counts.json is damaged.*nested too deeply"),
        (lambda stored: "{", "largebatch_counts.json is damaged.*count again: python -m"),
        (lambda stored: json.dumps({**stored, "format": 9}), "has format 9, wanted 1"),
        (lambda stored: json.dumps({"format": 1, "records": {}}), "damaged.*'train'"),
        (
            lambda stored: json.dumps({"format": 1, "records": {**stored["records"], "train": {}}}),
            "is not of the train files",
        ),
    ],
)
def test_a_damaged_or_foreign_manifest_is_named(folder, change, message):
    path, _ = imagenet_counts.count(str(folder), 2)
    with open(path) as file:
        stored = json.load(file)
    with open(path, "w") as file:
        file.write(change(stored))
    with pytest.raises(ValueError, match=message):
        find_imagenet(str(folder))


def test_the_program_says_what_is_missing(tmp_path, capsys):
    assert count_records.program(["count_records"]) == 2
    assert "--data_dir is missing" in capsys.readouterr().err
    assert count_records.program(["count_records", f"--data_dir={tmp_path}"]) == 2
    assert "holds no train-00000-of" in capsys.readouterr().err


def test_a_folder_that_tensorflow_alone_reaches_is_counted_too(raw_folder):
    """ram:// stands for gs://."""
    import tensorflow as tf

    place = "ram://imagenet_counts"
    for file in raw_folder.iterdir():
        with tf.io.gfile.GFile(f"{place}/{file.name}", "wb") as copy:
            copy.write(file.read_bytes())
    path, images = imagenet_counts.count(place, 2)
    assert path == f"{place}/{imagenet_counts.MANIFEST}" and images["train"] == 32
    assert find_imagenet(place).train[2].path == f"{place}/train-00002-of-00003"


def test_a_file_that_stands_in_anothers_place_is_named_even_with_as_many_records(folder):
    shutil.copy(folder / "train-00000-of-00003", folder / "train-00001-of-00003")
    path, _ = imagenet_counts.count(str(folder), 2)
    find_imagenet(str(folder))
    other = folder / "train-00000-of-00003"
    records = other.read_bytes()
    first = 16 + int.from_bytes(records[:8], "little")
    other.write_bytes(records[first:] + records[:first])  # as many records, the first one last
    with pytest.raises(ValueError, match=f"{other} begins with another record 0 .* count again"):
        find_imagenet(str(folder))
    stored = json.loads((folder / imagenet_counts.MANIFEST).read_text())
    del stored["first_checksums"]  # counted before they were kept
    (folder / imagenet_counts.MANIFEST).write_text(json.dumps(stored))
    assert find_imagenet(str(folder)).num_train == 37
