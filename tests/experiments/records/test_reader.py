from __future__ import annotations

import fcntl
import json
import os

import pytest

from largebatch.experiments import report
from largebatch.experiments.claims import __main__ as claims
from largebatch.experiments.records import reader
from largebatch.experiments.records.reader import Problem, Run, find_runs, read_run
from largebatch.experiments.sweeping import pool


def test_a_finished_run_is_read_from_its_result_alone(make_run):
    folder = make_run("table7/lamb", seed=3, settings={"learning_rate": "0.1"}, accuracy=0.98)
    (folder / "experiment.json").unlink()
    run = read_run(str(folder))
    assert (run.name, run.scale, run.seed, run.status) == ("table7/lamb", "paper", 3, "finished")
    assert run.overrides == {"learning_rate": 0.1}
    assert run.metrics["accuracy"] == 0.98
    assert len(run.curve("history", "accuracy")) == 30
    assert run.curve("train_history", "loss")[0][0] == 1.0


def hostile(folder, kind):
    if kind == "a link to nothing":
        (folder / "result.json").unlink()
        (folder / "result.json").symlink_to(folder / "nowhere")
    elif kind == "a FIFO":
        (folder / "result.json").unlink()
        os.mkfifo(folder / "result.json")
    elif kind == "a folder":
        (folder / "result.json").unlink()
        (folder / "result.json").mkdir()
    elif kind == "FIFOs beside it":
        (folder / "result.json").unlink()
        for name in (".lock", "metrics.jsonl", "run.log"):
            os.mkfifo(folder / name)
    elif kind == "a name that is not UTF-8":
        os.rename(folder, os.fsencode(folder.with_name("seed=")) + b"\xff")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("a link to nothing", "is a link to nothing"),
        ("a FIFO", "it is not a regular file"),
        ("a folder", "it is not a regular file"),
        ("a name that is not UTF-8", "has a name that is not UTF-8"),
    ],
)
def test_a_hostile_folder_is_left_out_and_named(make_run, tmp_path, capsys, kind, reason):
    hostile(make_run("table7/lamb", seed=1), kind)
    kept = make_run("table7/lamb", seed=2)
    runs, ((path, why),) = find_runs(str(tmp_path))
    assert [run.folder for run in runs] == [str(kept)]
    assert reason in why and "seed=" in path
    path.encode("utf-8")
    page = tmp_path / "page"
    assert report.report(["report", f"--runs={tmp_path}", "--table=7", f"--output_dir={page}"]) == 0
    assert reason in capsys.readouterr().out and reason in (page / "report.md").read_text()
    assert claims.program(["claims", f"--runs={tmp_path}", "--table=7"]) == 0
    assert f"left out: {path} " in capsys.readouterr().err


def test_fifos_are_not_waited_for(make_run):
    folder = make_run("table7/lamb")
    hostile(folder, "FIFOs beside it")
    assert read_run(str(folder)).status == "interrupted"
    assert reader.logged(str(folder)) == reader.logged(str(folder), last=True) == []
    assert pool.last_words(str(folder)) == ""


def test_a_folder_that_is_removed_while_it_is_read_is_left_out_and_named(make_run, monkeypatch):
    folder = make_run("table7/lamb")
    monkeypatch.setattr(reader, "_opened", lambda path: open(path + ".gone", "rb"))
    assert find_runs(str(folder)) == (
        [],
        [Problem(f"{folder}/result.json", "was removed while it was read")],
    )


def test_a_folder_without_a_result_is_a_run_that_was_cut_off_or_still_runs(make_run):
    folder = make_run("table7/lamb", with_result=False)
    assert read_run(str(folder)).status == "interrupted"
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert read_run(str(folder)).status == "running"
    assert read_run(str(folder)).status == "interrupted"


def test_an_interrupted_run_that_goes_on_is_running(make_run):
    folder = make_run("table7/lamb", status="interrupted")
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert read_run(str(folder)).status == "running"


def test_the_lock_is_the_one_that_a_run_takes(tmp_path):
    from largebatch.experiments.records.reader import is_locked
    from largebatch.tpu.folder.run_folder import RunFolder

    with RunFolder(tmp_path):
        assert is_locked(str(tmp_path))
    assert not is_locked(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not JSON"),
        (b'{"format": 1, "name": "tab', "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[1, 2]", "want a JSON object"),
        (b"{}", "has no 'format'"),
        (b'{"format": 0}', "has the format 0; this version reads 1"),
        (b'{"format": 1}', "want 'name' to be of type str"),
    ],
)
def test_a_foreign_or_half_written_result_is_a_problem_with_its_path(tmp_path, content, reason):
    (tmp_path / "result.json").write_bytes(content)
    problem = read_run(str(tmp_path))
    assert isinstance(problem, Problem)
    assert problem.path == str(tmp_path / "result.json") and reason in problem.reason


@pytest.mark.parametrize(
    "change",
    [
        {"status": "fine"},
        {"status": ["finished"]},
        {"metrics": [1]},
        {"seed": "0"},
        {"row": None},
        {"overrides": []},
    ],
)
def test_a_result_with_a_field_of_another_kind_is_a_problem(make_run, change):
    folder = make_run("table7/lamb", **change)
    assert isinstance(read_run(str(folder)), Problem)


def test_odd_histories_and_metrics_are_skipped_not_fatal(make_run):
    folder = make_run(
        "table7/lamb",
        metrics={"accuracy": None, "loss": 0.5},
        history=[{"epoch": 1}, None, {"epoch": "x", "accuracy": 1}, {"epoch": 2, "accuracy": 0.5}],
        train_history="none",
    )
    run = read_run(str(folder))
    assert run.metrics == {"loss": 0.5}
    assert run.curve("history", "accuracy") == [(2, 0.5)]
    assert run.curve("train_history", "loss") == []


def test_all_runs_of_a_folder_are_found_in_order_beside_what_is_none(tmp_path, make_run):
    make_run("table7/lamb", seed=1)
    make_run("table7/adam")
    (tmp_path / "x" / "checkpoints").mkdir(parents=True)
    (tmp_path / "x" / "result.json").write_text("?")
    (tmp_path / "y.json").write_text(json.dumps({}))
    runs, problems = find_runs(str(tmp_path))
    assert [run.name for run in runs] == ["table7/adam", "table7/lamb"]
    assert all(isinstance(run, Run) for run in runs)
    assert [problem.path for problem in problems] == [str(tmp_path / "x" / "result.json")]
    assert find_runs(str(tmp_path / "nowhere")) == ([], [])
    assert read_run(str(tmp_path)) is None


def test_a_folder_that_cannot_be_looked_into_is_a_problem(tmp_path, make_run, monkeypatch):
    make_run("table7/lamb")
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("lamb"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    runs, [problem] = find_runs(str(tmp_path))
    assert runs == [] and problem.path.endswith("lamb")
    assert problem.reason == "cannot be read: Permission denied"


def test_numbers_that_no_float_holds_are_left_out(make_run):
    folder = make_run("table7/lamb", metrics={"accuracy": 0.5, "loss": 10**400})
    assert read_run(str(folder)).metrics == {"accuracy": 0.5}


def test_a_result_nested_without_end_is_a_problem(tmp_path):
    (tmp_path / "result.json").write_text("[" * 100_000)
    assert "is not JSON" in read_run(str(tmp_path)).reason


def test_the_log_is_read_up_to_a_line_that_a_crash_cut(tmp_path):
    assert reader.logged(str(tmp_path)) == reader.logged(str(tmp_path), last=True) == []
    lines = [f'{{"kind": "train", "step": {n}, "loss": 0.123456789}}' for n in range(100)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    assert [record["step"] for record in reader.logged(str(tmp_path))] == list(range(100))
    assert [record["step"] for record in reader.logged(str(tmp_path), last=True)] == [99]
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('[1]\n{"kind": "tra')
    assert len(reader.logged(str(tmp_path))) == 100
    assert reader.logged(str(tmp_path), last=True) == []
