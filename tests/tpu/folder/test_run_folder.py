import json
import subprocess
import sys

import pytest

from largebatch.tpu.folder.run_folder import RunFolder, RunFolderError


def test_a_second_user_of_a_folder_is_refused_and_told_who_holds_it(tmp_path):
    code = (
        "import sys\n"
        "from largebatch.tpu.folder.run_folder import RunFolder, RunFolderError\n"
        "try:\n"
        "    RunFolder(sys.argv[1]).__enter__()\n"
        "except RunFolderError as error:\n"
        "    print(error)\n"
    )
    with RunFolder(tmp_path):
        second = subprocess.run(
            [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True
        )
    assert "is in use by process" in second.stdout


def test_the_lock_is_free_again_afterwards(tmp_path):
    for _ in range(2):
        with RunFolder(tmp_path):
            pass


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    with RunFolder(tmp_path) as folder:
        folder.write_json("result.json", {"status": "finished"})
        with pytest.raises(ValueError):
            folder.write_json("result.json", {"loss": float("nan")})
        assert folder.read_json("result.json") == {"status": "finished"}
        assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "result.json"]


def test_a_damaged_file_is_an_error_that_names_it_and_a_missing_one_is_none(tmp_path):
    with RunFolder(tmp_path) as folder:
        (tmp_path / "experiment.json").write_text('{"name": "tab')
        with pytest.raises(RunFolderError, match="experiment.json cannot be read"):
            folder.read_json("experiment.json")
        (tmp_path / "experiment.json").write_text("[" * 100_000)
        with pytest.raises(RunFolderError, match="experiment.json cannot be read"):
            folder.read_json("experiment.json")
        assert folder.read_json("result.json") is None


def test_a_line_cut_by_a_crash_is_left_out_and_the_log_goes_on(tmp_path):
    with RunFolder(tmp_path) as folder:
        for step in (1, 2, 3):
            folder.append_metrics({"step": step})
        with open(tmp_path / "metrics.jsonl", "a") as file:
            file.write('{"step": 4, "lo')
        assert [r["step"] for r in folder.keep_metrics(lambda r: r["step"] <= 2)] == [1, 2]
        folder.append_metrics({"step": 3})
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot be written"):
        RunFolder(tmp_path / "file" / "run").__enter__()
