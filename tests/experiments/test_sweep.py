from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from largebatch.experiments import sweep
from largebatch.experiments.sweeping import plan

STUB = str(pathlib.Path(__file__).with_name("stub_run.py"))


@pytest.fixture
def endings(monkeypatch):
    """Replaces the run's command by the stub; returns a dict title -> ending, default finished."""
    table: dict[str, str] = {}
    original = plan.Planned.command

    def command(self, arguments):
        ending = table.get(self.title, table.get("*", "finished"))
        return [sys.executable, STUB, ending, *original(self, arguments)[3:]]

    monkeypatch.setattr(plan.Planned, "command", command)
    return table


def run_sweep(tmp_path, *arguments):
    return sweep.sweep(["sweep", f"--output_dir={tmp_path}", *arguments])


def test_a_sweep_runs_the_whole_grid_and_names_the_best_point(tmp_path, endings, capsys):
    assert run_sweep(tmp_path, "--rows=table7/lamb", "--seeds=2", "--jobs=4") == 0
    output = capsys.readouterr().out
    assert "8 runs: 8 to be run" in output
    assert "chosen on the test accuracy" in output
    assert "table7/lamb: accuracy 0.9105 ± 0.0007 (n=2) at learning_rate=0.1, best of 4" in output
    assert "the paper: 0.9945" in output
    log = tmp_path / "table7" / "lamb" / "learning_rate=0.1" / "seed=1" / "run.log"
    assert "a run of table7/lamb" in log.read_text()
    assert "--threads=" in log.read_text()


def test_a_second_sweep_skips_what_finished_or_diverged(tmp_path, endings, capsys):
    endings["table7/lamb learning_rate=0.1 seed=0"] = "diverged"
    assert run_sweep(tmp_path, "--rows=table7/lamb", "--jobs=4") == 0
    assert "at learning_rate=0.01, best of 4" in capsys.readouterr().out
    endings["*"] = "failed"  # would be noticed
    assert run_sweep(tmp_path, "--rows=table7/lamb") == 0
    assert "4 runs: 3 finished already, 1 diverged already" in capsys.readouterr().out


def test_a_failure_is_listed_with_its_log_and_the_others_go_on(tmp_path, endings, capsys):
    endings["table7/lamb learning_rate=0.0001 seed=0"] = "failed"
    assert run_sweep(tmp_path, "--rows=table7/lamb") == 1
    captured = capsys.readouterr()
    assert "best of 3 of 4 points" in captured.out
    assert "1 runs failed" in captured.err
    assert "error: the disk is full" in captured.err
    assert "learning_rate=0.0001/seed=0/run.log" in captured.err
    endings.clear()
    assert run_sweep(tmp_path, "--rows=table7/lamb") == 0
    assert "4 runs: 3 finished already, 1 to be run" in capsys.readouterr().out


def test_a_folder_with_another_runs_result_is_neither_skipped_nor_overwritten(
    tmp_path, endings, capsys
):
    assert run_sweep(tmp_path, "--rows=table6/momentum", "--scale=smoke") == 0
    result = tmp_path / "smoke" / "table6" / "momentum" / "seed=0" / "result.json"
    record = json.loads(result.read_text())
    record["row"]["weight_decay"] = 0.25
    result.write_text(json.dumps(record))
    assert run_sweep(tmp_path, "--rows=table6/momentum", "--scale=smoke") == 1
    assert "weight_decay=0.25, this sweep wants 0.0" in capsys.readouterr().err
    assert json.loads(result.read_text())["row"]["weight_decay"] == 0.25


def test_sigterm_stops_the_active_runs_and_the_same_command_continues(tmp_path):
    script = f"""
import sys
from largebatch.experiments import sweep
from largebatch.experiments.sweeping import plan
original = plan.Planned.command
plan.Planned.command = lambda self, a: [
    sys.executable, {STUB!r}, "waits", *original(self, a)[3:]]
sys.exit(sweep.sweep(["sweep", "--rows=table7/lamb", "--jobs=2", "--output_dir={tmp_path}"]))
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("**/started"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 143
    assert "stopped after 2 of 4 runs; the same command continues" in output
    results = [json.loads(path.read_text()) for path in tmp_path.glob("**/result.json")]
    assert [result["status"] for result in results] == ["interrupted"] * 2


def test_a_scaled_or_overridden_run_is_not_put_beside_the_papers_number(tmp_path, endings, capsys):
    run_sweep(tmp_path, "--rows=table6/momentum", "--scale=smoke")
    run_sweep(tmp_path, "--rows=table6/momentum", "--set", "epochs=6")
    output = capsys.readouterr().out
    assert output.count("table6/momentum: accuracy") == 2 and "the paper:" not in output


def test_a_row_of_which_the_paper_prints_nothing_is_summed_up_without_it(tmp_path, endings, capsys):
    assert run_sweep(tmp_path, "--rows=lstm/momentum-256") == 0
    output = capsys.readouterr().out
    assert "lstm/momentum-256: top1 0.9100 (n=1)" in output and "the paper:" not in output


def test_an_interrupted_run_is_continued(tmp_path, endings, capsys):
    assert run_sweep(tmp_path, "--rows=table6/momentum", "--scale=smoke") == 0
    result = next(tmp_path.glob("**/result.json"))
    result.write_text(result.read_text().replace('"finished"', '"interrupted"'))
    assert run_sweep(tmp_path, "--rows=table6/momentum", "--scale=smoke") == 0
    assert "1 runs: 1 to be continued" in capsys.readouterr().out


def test_a_run_that_another_sweep_has_begun_is_no_failure(tmp_path, endings, capsys, monkeypatch):
    endings["*"] = "in use"
    assert run_sweep(tmp_path, "--rows=table6/momentum", "--scale=smoke") == 0
    captured = capsys.readouterr()
    assert "table6/momentum seed=0: running elsewhere" in captured.out and not captured.err

    states = iter([("todo", ""), ("running", "")])  # at the beginning, and when its turn comes
    monkeypatch.setattr(sweep, "standing", lambda item: next(states))
    endings["*"] = "failed"  # would be noticed
    assert run_sweep(tmp_path, "--rows=table6/momentum", "--scale=smoke") == 0
    assert "table6/momentum seed=0: running elsewhere" in capsys.readouterr().out


def test_a_killed_run_is_listed_with_the_signal(tmp_path, endings, capsys):
    endings["*"] = "killed"
    assert run_sweep(tmp_path, "--rows=table6/momentum", "--scale=smoke") == 1
    captured = capsys.readouterr()
    assert "FAILED: killed by SIGKILL; out of memory?" in captured.out
    assert "killed by SIGKILL; out of memory? (see " in captured.err


def test_several_tables_and_the_flags_of_a_run_are_handed_on(tmp_path, endings, capsys):
    assert run_sweep(tmp_path, "--table=6,7", "--grid=none", "--dry_run") == 0
    tables = {line.split("/")[0] for line in capsys.readouterr().out.splitlines()[1:]}
    assert tables == {"table6", "table7"}
    flags = ("--max_steps=3", "--tags=a,b", "--quiet", "--keep_checkpoints=4", "--wandb")
    assert run_sweep(tmp_path, "--rows=table6/momentum", "--scale=smoke", *flags) == 0
    log = next(tmp_path.glob("**/run.log")).read_text()
    assert all(flag in log for flag in flags)
    assert "[1/1]" not in capsys.readouterr().out


def test_seeds_are_the_outermost_loop(tmp_path, endings, capsys):
    assert run_sweep(tmp_path, "--table=7", "--seeds=2", "--dry_run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "40 runs: 40 to be run"
    assert all("seed=0" in line for line in lines[1:21])
    assert all("seed=1" in line for line in lines[21:])


def test_a_setting_on_the_command_line_holds_that_field_of_the_grid(tmp_path, endings, capsys):
    run_sweep(tmp_path, "--rows=table7/lamb", "--set", "learning_rate=0.01", "--dry_run")
    assert capsys.readouterr().out.startswith("1 runs")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--table=7"),
        (["--table=99"], "unknown table '99'"),
        (["--table=7", "--jobs=0"], "--jobs=0"),
        (["--table=7", "--seeds=0"], "--seeds=0"),
        (["--table=7", "--set", "epoch=1"], "did you mean epochs?"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(tmp_path, capsys, arguments, message):
    assert run_sweep(tmp_path, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error
    assert error.count("\n") == 1
