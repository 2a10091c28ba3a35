"""What came back from a GPU becomes files that the report reads."""

import io
import json
import tarfile

import pytest

from largebatch.benchmarks.gpu_results import members, write


def result(status="finished", last_step=10, **more):
    return {"name": "table7/lamb", "status": status, "last_step": last_step, **more}


def archive(path, files, mode="w"):
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


RUN = "runs/table7/lamb/seed=100/result.json"


def test_results_and_reports_are_written_and_nothing_else(tmp_path):
    files = {RUN: result(), "runs/table7/lamb/seed=100/metrics.jsonl": b"{}", "log.json": [1]}
    told = write(members([archive(tmp_path / "a.tar", files)]), tmp_path / "gpu")
    assert told["written"] == [RUN]
    found = sorted(str(p.relative_to(tmp_path / "gpu")) for p in (tmp_path / "gpu").rglob("*.json"))
    assert found == ["log.json", "table7/lamb/seed=100/result.json"]


def test_a_run_is_replaced_only_by_one_that_got_further(tmp_path):
    output = tmp_path / "gpu"
    for status, step, wanted in (
        ("interrupted", 5, 5),
        ("interrupted", 4, 5),
        ("finished", 10, 10),
        ("finished", 10, 10),
        ("interrupted", 7, 10),
    ):
        write({RUN: json.dumps(result(status, step)).encode()}, output)
        kept = json.loads((output / "table7/lamb/seed=100/result.json").read_text())
        assert kept["last_step"] == wanted


def test_of_an_archive_that_was_cut_off_what_is_whole_counts(tmp_path):
    path = archive(tmp_path / "a.tar", {RUN: result(), "log.json": [1] * 3_000})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert set(members([path])) == {RUN}


def test_a_later_member_of_the_same_name_takes_the_place_of_an_earlier_one(tmp_path):
    path = archive(tmp_path / "a.tar", {"log.json": [1]})
    archive(path, {"log.json": [1, 2]}, "a")
    assert json.loads(members([path])["log.json"]) == [1, 2]


def test_names_that_leave_the_folder_and_damaged_archives_are_refused(tmp_path):
    with pytest.raises(ValueError, match="leaves the folder"):
        members([archive(tmp_path / "a.tar", {"../result.json": result()})])
    (tmp_path / "b.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(ValueError, match="cannot be read"):
        members([tmp_path / "b.tar"])
    told = write({"runs/x/result.json": b"[1]"}, tmp_path / "gpu")
    assert told["not a result"] == ["runs/x/result.json"]
