import json
import shutil

import pytest

from largebatch.data import check_same_vocabulary, find_pretraining

PROGRAM = "python -m largebatch.data.create_pretraining_data"


@pytest.fixture
def folder(shards, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(shards, tmp_path / "data")


@pytest.fixture
def edit(folder):
    """Changes the manifest in `folder`."""

    def change(function):
        file = folder / "x.manifest.json"
        manifest = json.loads(file.read_text())
        function(manifest)
        file.write_text(json.dumps(manifest))

    return change


def test_a_manifest_is_found_with_its_shards(shards):
    files = find_pretraining(str(shards), 16)
    assert (files.sequence_length, files.max_predictions, files.lower_case) == (16, 3, True)
    assert (files.vocabulary_size, files.vocabulary_file) == (1000, str(shards / "x.vocab.txt"))
    assert [shard.examples for shard in files.train] == [13, 8, 11]
    assert [shard.examples for shard in files.eval] == [7, 4]
    assert files.train[1].path == str(shards / "x-00001.tfrecord")
    assert files.manifest_file == str(shards / "x.manifest.json")
    assert files.manifest["complete"]
    assert (files.num_train, files.num_eval) == (32, 11)


def test_manifests_one_level_below_and_beside_each_other_are_told_apart_by_length(
    write_shards, tmp_path
):
    write_shards(tmp_path / "short", length=16)
    write_shards(tmp_path / "long", length=24)
    write_shards(tmp_path, length=32, evaluation=())
    for length in (16, 24, 32):
        assert find_pretraining(tmp_path, length).sequence_length == length
    assert find_pretraining(tmp_path, 32).eval == ()


def refused(folder, length=16):
    with pytest.raises(ValueError) as error:
        find_pretraining(folder, length)
    return str(error.value)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    assert (
        refused(tmp_path / "no") == f"the folder of pre-training data {tmp_path}/no does not exist"
    )
    (tmp_path / "file").write_text("")
    assert "is not a folder" in refused(tmp_path / "file")


def test_a_folder_without_manifest_says_what_was_looked_for_and_how_to_make_it(tmp_path):
    message = refused(tmp_path)
    assert f"{tmp_path}/*.manifest.json and {tmp_path}/*/*.manifest.json" in message
    assert PROGRAM in message and "--sequence_length=16" in message


def test_another_sequence_length_says_which_there_are(shards):
    message = refused(shards, 128)
    assert f"found: 16 ({shards}/x.manifest.json)" in message
    assert "--sequence_length=128" in message


def test_two_manifests_of_one_length_are_refused(write_shards, tmp_path):
    write_shards(tmp_path / "a")
    write_shards(tmp_path / "b")
    message = refused(tmp_path)
    assert "two manifests of sequence length 16" in message
    assert f"{tmp_path}/a/x.manifest.json and {tmp_path}/b/x.manifest.json" in message


def test_an_incomplete_manifest_is_refused(folder, edit):
    edit(lambda manifest: manifest.update(complete=False))
    message = refused(folder)
    assert f"{folder}/x.manifest.json is incomplete" in message and "resumes" in message


def test_missing_shards_are_counted_and_named(folder):
    (folder / "x-00001.tfrecord").unlink()
    (folder / "x-00002.tfrecord").unlink()
    message = refused(folder)
    assert f"2 of 3 shards that {folder}/x.manifest.json lists are missing" in message
    assert f"{folder}/x-00001.tfrecord, {folder}/x-00002.tfrecord" in message


def test_a_shard_of_another_size_is_named_with_both_sizes(folder):
    shard = folder / "x-eval-00001.tfrecord"
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes()[:-3])
    assert f"{shard} has {size - 3} bytes, wanted {size}" in refused(folder)


def test_a_vocabulary_that_is_missing_or_another_is_named(folder):
    vocabulary = folder / "x.vocab.txt"
    vocabulary.write_text("another\n")
    assert f"the vocabulary {vocabulary} is not the one" in refused(folder)
    vocabulary.unlink()
    message = refused(folder)
    assert f"the vocabulary that {folder}/x.manifest.json lists, {vocabulary}: No such" in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.update(format=2), "has format 2, wanted 1"),
        (lambda m: m.pop("sequence_length"), "sequence_length is missing, wanted int"),
        (lambda m: m.update(max_predictions="20"), "max_predictions is '20', wanted int"),
        (lambda m: m.update(max_predictions=True), "max_predictions is True, wanted int"),
        (lambda m: m["vocabulary"].update(size=-1), "vocabulary.size is -1"),
        (lambda m: m["splits"].pop("train"), "splits.train is missing"),
        (
            lambda m: m["splits"]["train"]["shards"][1].pop("bytes"),
            r"splits.train.shards\[1\].bytes is missing",
        ),
        (lambda m: m["splits"]["eval"]["shards"].append(3), r"splits.eval.shards\[2\] is 3"),
        *(
            (change, f"it names the file '{outside}', wanted one in its own folder")
            for outside in ("../../etc/passwd", "/etc/passwd", "a/b", "..", "")
            for change in (
                lambda m, name=outside: m["vocabulary"].update(file=name),
                lambda m, name=outside: m["splits"]["train"]["shards"][0].update(file=name),
            )
        ),
        (lambda m: m["splits"]["train"].update(examples=33), "hold 32 examples, its sum says 33"),
        (
            lambda m: m["splits"].update(train={"examples": 0, "shards": []}),
            "lists no training examples",
        ),
    ],
)
def test_a_damaged_manifest_is_named_with_the_place_in_it(folder, edit, change, said):
    edit(change)
    with pytest.raises(ValueError, match=said) as error:
        find_pretraining(folder, 16)
    assert str(folder / "x.manifest.json") in str(error.value)


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe", b"", b"[" * 100_000])
def test_a_manifest_that_is_no_json_object_is_named(folder, content):
    (folder / "x.manifest.json").write_bytes(content)
    assert str(folder / "x.manifest.json") in refused(folder)


def test_stages_with_different_vocabularies_are_refused(write_shards, tmp_path):
    write_shards(tmp_path / "a")
    write_shards(tmp_path / "b", length=24)
    write_shards(tmp_path / "c", length=32, words=["one", "two"])
    a, b, c = (find_pretraining(tmp_path, length) for length in (16, 24, 32))
    check_same_vocabulary(a, b)
    check_same_vocabulary(a)
    with pytest.raises(ValueError, match="need one vocabulary") as error:
        check_same_vocabulary(a, b, c)
    for said in (a.manifest_file, "1000 entries", c.manifest_file, "2 entries", "--vocab"):
        assert said in str(error.value)
