"""The program itself, in processes that are killed, stopped, and started twice."""

import json
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf

from largebatch.experiments import run

LIMIT = 180  # seconds
ROW = "--experiment=table7/momentum"


def start(folder):
    command = [
        sys.executable, "-m", "largebatch.experiments.run", ROW, "--scale=smoke",
        "--set=epochs=2", "--set=warmup_epochs=0.5", "--set=eval_every_epochs=1",
        "--steps_per_loop=1", "--checkpoint_every=20", "--deterministic", "--threads=1",
        f"--output_dir={folder}",
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process):
    output, _ = process.communicate(timeout=LIMIT)
    return process.returncode, output


def wait_for_step(process, folder, step):
    """Waits until the run's log has reached a step, so that a signal falls inside the run."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        log = folder / "metrics.jsonl"
        if log.exists():
            lines = log.read_text().splitlines()
            if lines and f'"step": {step}' in "".join(lines):
                return
        time.sleep(0.02)
    raise AssertionError(f"step {step} was not reached: {finish(process)}")


def state(folder):
    """Every tensor of the newest checkpoint."""
    steps = [int(path.stem.split("-")[1]) for path in (folder / "checkpoints").glob("*.index")]
    reader = tf.train.load_checkpoint(str(folder / "checkpoints" / f"ckpt-{max(steps)}"))
    names = reader.get_variable_to_shape_map()
    return {n: reader.get_tensor(n).tobytes() for n in names if "GRAPH" not in n}


@pytest.mark.slow
def test_a_run_in_progress_is_left_alone_and_killed_ends_in_the_same_bits(tmp_path, capfd):
    """At any step, and again and again: tests/faults, where it is told to stop as well."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    code, output = finish(start(whole))
    assert code == 0, output
    process = start(killed)
    wait_for_step(process, killed, 26)
    # Held still, so that it is there while this second process on the folder is refused.
    process.send_signal(signal.SIGSTOP)
    code, output = program(capfd, "--scale=smoke", f"--output_dir={killed}")
    process.send_signal(signal.SIGKILL)
    assert code == 2
    assert f"is in use by process {process.pid}" in output and "Traceback" not in output
    assert finish(process)[0] == -signal.SIGKILL

    code, output = finish(start(killed))
    assert code == 0, output
    assert "resumed at step 20" in output
    assert state(whole) == state(killed)
    results = [json.loads((folder / "result.json").read_text()) for folder in (whole, killed)]
    assert results[0]["metrics"] == results[1]["metrics"]
    assert results[0]["history"] == results[1]["history"]


def program(capfd, *flags):
    """What the program returns and prints, in this process: its start alone takes seconds."""
    capfd.readouterr()
    code = run.run(["run", ROW, *flags])
    printed = capfd.readouterr()
    return code, printed.out + printed.err


def test_a_data_dir_without_the_dataset_is_one_line_and_code_2(tmp_path, monkeypatch, capfd):
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folders = (f"--data_dir={tmp_path / 'data'}", f"--output_dir={tmp_path / 'run'}")
    code, output = program(capfd, *folders)
    assert code == 2
    assert "Traceback" not in output
    (line,) = [line for line in output.splitlines() if line.startswith("error:")]
    assert "mnist" in line and str(tmp_path / "data") in line
