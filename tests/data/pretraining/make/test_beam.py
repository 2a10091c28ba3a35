"""The Beam pipeline; what needs Beam itself is left out where it is not installed."""

import json
import sys

import pytest

from largebatch.data.pretraining.make import shard as pretraining_shard
from largebatch.data.pretraining.make import shards
from largebatch.data.pretraining.make.generator_options import GeneratorOptions
from largebatch.data.text.wordpiece import SPECIAL_TOKENS


@pytest.fixture
def new_options(tmp_path):
    (tmp_path / "v.txt").write_text("\n".join([*SPECIAL_TOKENS, *"abcdefg."]))
    (tmp_path / "t.txt").write_text("a b c d.\ne f g a.\n\nb c d e.\nf g a b.\n\n" * 30)

    def options(name, **more):
        settings = {
            "output": str(tmp_path / name),
            "vocab": str(tmp_path / "v.txt"),
            "input": (str(tmp_path / "t.txt"),),
            "sequence_length": 16,
            "duplicate_factor": 2,
            "eval_fraction": 0.5,
            "shards": 3,
            "jobs": 1,
        }
        return GeneratorOptions(**{**settings, **more})

    return options


def test_without_beam_a_runner_is_an_error_that_names_the_extra(new_options, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(ValueError, match=r"DirectRunner needs Apache Beam: pip install 'largeb"):
        shards.create(new_options("x", runner="DirectRunner"))


def test_an_unknown_runner_is_refused(new_options):
    with pytest.raises(ValueError, match="--runner=NoRunner is not one of DirectRunner, Dataflow"):
        new_options("x", runner="NoRunner")


def test_a_worker_leaves_a_record_beside_a_shard(new_options, tmp_path, monkeypatch):
    tasks = []
    monkeypatch.setattr(shards, "_made", lambda left, _: tasks.extend(left) or [])
    with pytest.raises(KeyError):
        shards.create(new_options("x"))
    record = pretraining_shard.make_shard(tasks[0])
    assert json.loads((tmp_path / "x-00000-of-00003.tfrecord.json").read_text()) == record


def test_the_pipeline_makes_the_bytes_that_processes_make(new_options, tmp_path):
    pytest.importorskip("apache_beam", reason="needs the extra: pip install 'largebatch[beam]'")
    plain = shards.create(new_options("x"))
    beam = shards.create(new_options("y", runner="DirectRunner"))
    for split in ("train", "eval"):
        digests = [
            [shard["sha256"] for shard in manifest["splits"][split]["shards"]]
            for manifest in (plain, beam)
        ]
        assert digests[0] == digests[1]
    assert not list(tmp_path.glob("*.tfrecord.json"))


def test_a_mistake_in_the_text_comes_through_the_pipeline(new_options, tmp_path):
    pytest.importorskip("apache_beam", reason="needs the extra: pip install 'largebatch[beam]'")
    (tmp_path / "t.txt").write_bytes(b"a b\n\n\xff\n")
    with pytest.raises(ValueError, match=r"t\.txt:3: not UTF-8"):
        shards.create(new_options("x", runner="DirectRunner"))


def test_dataflow_is_told_that_its_workers_do_not_see_local_files(new_options):
    pytest.importorskip("apache_beam", reason="needs the extra: pip install 'largebatch[beam]'")
    with pytest.raises(ValueError, match="--output=.*give gs://"):
        shards.create(new_options("x", runner="DataflowRunner"))
