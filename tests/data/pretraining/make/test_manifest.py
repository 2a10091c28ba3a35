"""What an earlier run has left: taken where it is the same, refused where it is not."""

import dataclasses
import hashlib
import json

import pytest

from largebatch.data import find_pretraining
from largebatch.data.pretraining.make import shard
from largebatch.data.pretraining.make import shards as pretraining_shards


def digests(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix == ".tfrecord"
    }


def test_a_finished_run_is_not_made_again_and_a_lost_shard_alone_is(generated, monkeypatch):
    options, manifest, folder = generated
    before = digests(folder)
    made_again = []
    make = shard.make_shard
    monkeypatch.setattr(
        pretraining_shards,
        "make_shard",
        lambda task: (made_again.append(task.number), make(task))[1],
    )
    assert pretraining_shards.create(options) == manifest
    assert made_again == []
    (folder / "x-00002-of-00004.tfrecord").unlink()
    (folder / "x-eval-00001-of-00004.tfrecord").write_bytes(b"half")
    assert pretraining_shards.create(options) == manifest
    assert made_again == [1, 2]
    assert digests(folder) == before


def test_a_run_that_was_cut_off_goes_on_with_what_is_left(generated, tmp_path_factory, monkeypatch):
    options, manifest, folder = generated
    other = tmp_path_factory.mktemp("cut")
    mine = dataclasses.replace(options, output=str(other / "x"))
    make = shard.make_shard
    calls = []

    def killed_at_the_third(task):
        calls.append(task.number)
        if len(calls) == 3:
            (other / "x-00002-of-00004.tfrecord.0123.partial").write_bytes(b"half")
            raise KeyboardInterrupt
        return make(task)

    monkeypatch.setattr(pretraining_shards, "make_shard", killed_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        pretraining_shards.create(mine)
    assert json.loads((other / "x.manifest.json").read_text())["complete"] is False
    with pytest.raises(ValueError, match="incomplete"):
        find_pretraining(str(other), 32)
    with pytest.raises(ValueError, match="x.manifest.json is of a run with seed=12345, now 7"):
        pretraining_shards.create(dataclasses.replace(mine, seed=7))
    found = pretraining_shards.create(mine)
    assert calls == [0, 1, 2, 2, 3]
    assert found["splits"] == manifest["splits"]
    assert digests(other) == digests(folder)
    assert not list(other.glob("*.partial")) and not list(other.glob("*.tfrecord.json"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sequence_length": 64, "max_predictions": 5}, "sequence_length=32, now 64"),
        ({"duplicate_factor": 1}, "duplicate_factor=3, now 1"),
        ({"whole_word_masking": True}, "whole_word_masking=False, now True"),
        ({"text": "free"}, "0.txt read as sentences text, now free"),
        ({"input": "the first file"}, r"the input .*1\.txt"),
    ],
)
def test_files_of_a_run_with_other_options_are_refused(generated, change, message):
    options, _, folder = generated
    if "input" in change:
        change = {"input": (options.input[0].replace("?", "0"),)}
    before = digests(folder)
    with pytest.raises(ValueError, match=message):
        pretraining_shards.create(dataclasses.replace(options, **change))
    assert digests(folder) == before


def test_what_a_run_with_other_options_has_left_is_not_taken(generated, monkeypatch):
    """Its manifest is gone, its shards and their records are there, of the same size or not."""
    options, manifest, folder = generated
    other = dataclasses.replace(options, seed=1)

    def stop(*_):
        raise KeyboardInterrupt

    make = shard.make_shard
    for mine, stopped_after in ((options, 4), (other, 1)):
        for path in folder.glob("x.manifest.json"):
            path.unlink()
        done = []

        def some(task, done=done, stopped_after=stopped_after):
            done.append(task)
            return make(task) if len(done) <= stopped_after else stop()

        monkeypatch.setattr(pretraining_shards, "make_shard", some)
        monkeypatch.setattr(pretraining_shards.pretraining_manifest, "complete", stop)
        with pytest.raises(KeyboardInterrupt):
            pretraining_shards.create(mine)
    monkeypatch.undo()
    assert len(list(folder.glob("*.tfrecord.json"))) == 4
    found = pretraining_shards.create(other)
    shards = [content["splits"]["train"]["shards"] for content in (found, manifest)]
    assert all(one["sha256"] != two["sha256"] for one, two in zip(*shards))


def test_another_vocabulary_is_refused(generated):
    options, _, folder = generated
    other = folder / "other.txt"
    with open(options.vocab, encoding="utf-8") as file:
        other.write_text(file.read() + "zebra\n")
    with pytest.raises(ValueError, match="another vocabulary"):
        pretraining_shards.create(dataclasses.replace(options, vocab=str(other)))
