import json
import shutil

import pytest

from largebatch.data import find_imagenet


@pytest.fixture
def folder(imagenet_folder, tmp_path):
    """A copy that a test may damage: the version's folder."""
    shutil.copytree(imagenet_folder, tmp_path, dirs_exist_ok=True)
    return tmp_path / "imagenet2012" / "5.1.0"


def test_the_set_is_found_from_each_folder_above_it(imagenet_folder):
    whole = find_imagenet(str(imagenet_folder))
    assert (whole.num_train, whole.num_test, whole.version) == (32, 11, "5.1.0")
    assert (whole.image_shape, whole.num_classes) == ((224, 224, 3), 1000)
    for place in ("imagenet2012", "imagenet2012/5.1.0"):
        assert find_imagenet(str(imagenet_folder / place)) == whole
    assert find_imagenet(str(imagenet_folder), 64).image_shape == (64, 64, 3)


def test_no_folder_means_tfds_own(imagenet_folder, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(imagenet_folder))
    assert find_imagenet(None).num_train == 32


def test_the_newest_version_is_taken(folder):
    shutil.copytree(folder, folder.parent / "5.10.0")
    assert find_imagenet(str(folder.parent.parent)).folder.endswith("5.10.0")


def test_a_version_may_be_asked_for(folder):
    shutil.copytree(folder, folder.parent / "5.10.0")
    root = str(folder.parent.parent)
    for place in (root, str(folder.parent), str(folder)):
        assert find_imagenet(place, version="5.1.0").folder == str(folder)


def test_a_version_that_is_not_there_is_an_error_that_lists_those_that_are(folder):
    shutil.copytree(folder, folder.parent / "5.10.0")
    message = "version 9.9.9 of imagenet2012 is not there; found: 5.1.0, 5.10.0"
    for place in (folder.parent / "9.9.9", folder.parent.parent / "9.9.9"):
        with pytest.raises(ValueError, match=message):
            find_imagenet(str(place))
    with pytest.raises(ValueError, match=message):
        find_imagenet(str(folder.parent.parent), version="9.9.9")
    with pytest.raises(ValueError, match="5.10.0 of imagenet2012 is not there; found: 5.1.0"):
        find_imagenet(str(folder), version="5.10.0")


def test_a_real_sample_is_read(imagenet_sample):
    files = find_imagenet(str(imagenet_sample))
    assert files.num_train > 0 and files.num_test > 0


def test_a_folder_without_the_set_says_how_to_get_it(tmp_path):
    with pytest.raises(ValueError, match="holds no imagenet2012.*tfds build imagenet2012"):
        find_imagenet(str(tmp_path))
    with pytest.raises(ValueError, match="holds no imagenet2012"):
        find_imagenet(str(tmp_path / "nowhere"))


def test_a_missing_shard_is_named(folder):
    (folder / "imagenet2012-train.tfrecord-00001-of-00003").unlink()
    with pytest.raises(ValueError, match="train.tfrecord-00001-of-00003 is missing, one of 1 of"):
        find_imagenet(str(folder))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "dataset_info.json is damaged.*JSONDecodeError"),
        ("[" * 100_000, "dataset_info.json is damaged.*nested too deeply"),
        (json.dumps({"name": "imagenet2012", "splits": []}), "damaged.*'train'"),
        (json.dumps({"name": "mnist", "splits": []}), "describes 'mnist', wanted 'imagenet2012'"),
    ],
)
def test_a_damaged_description_is_named(folder, content, message):
    (folder / "dataset_info.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        find_imagenet(str(folder))
